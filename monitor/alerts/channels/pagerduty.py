"""PagerDuty by its Events API v2: an incident triggers, and is acknowledged and resolved."""

import html
import uuid
from typing import Any, Literal

from monitor.alerts.channels.http import request
from monitor.alerts.channels.sender import IncidentSender
from monitor.alerts.routes import level_of
from monitor.rendering.mrkdwn import render_text, without_quotes
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.stored_words import Words

EVENTS_URL = "https://events.pagerduty.com"
#: Limits of PagerDuty.
MAX_SUMMARY_CHARACTERS = 1024
MAX_DETAILS_CHARACTERS = 50_000

ACTIONS: Words[Literal["trigger", "acknowledge", "resolve"]] = Words(
    {
        "open": "trigger",
        "acknowledged": "acknowledge",
        # PagerDuty notifies nobody of a trigger of what is acknowledged: the end of a snooze must.
        "snoozed": "resolve",
        "resolved": "resolve",
        "closed": "resolve",
    },
    lambda _: "trigger",
)


class PagerDutySender(IncidentSender):
    """Send events of incidents to one service.

    An event with the key of an incident is part of that incident, however often it is sent. The
    service has the integration key ``routing_key``. Links to incidents begin with ``public_url``.
    """

    repeats_every = None

    def __init__(self, name: str, routing_key: str, public_url: str, url: str = "") -> None:
        self.target = f"pagerduty:{name}"
        self._routing_key = routing_key
        self._public_url = public_url.rstrip("/")
        self._url = f"{(url or EVENTS_URL).rstrip('/')}/v2/enqueue"

    def send(
        self,
        message: DueMessage,
        payload: dict[str, Any],
        thread: Thread | None,  # noqa: ARG002
    ) -> Thread:
        """Send the event of the incident's present status."""
        incident = message.incident
        assert incident is not None  # noqa: S101 - the channel takes nothing else
        key = f"driftwarden-{incident.id}-{incident.opened_at:%Y%m%d%H%M%S}"
        page = f"{self._public_url}/incidents/{incident.id}"
        details = render_text(without_quotes(payload.get("blocks", [])))[:MAX_DETAILS_CHARACTERS]
        self._enqueue(
            ACTIONS[incident.status],
            key,
            {
                "summary": html.unescape(payload["text"])[:MAX_SUMMARY_CHARACTERS],
                "source": message.model or "driftwarden",
                "severity": level_of(message.subject),
                "timestamp": incident.opened_at.isoformat(),
                "component": message.model,
                "class": message.subject,
                "custom_details": {"message": details},
            },
            page,
        )
        return Thread(self.target, key)

    def check(self) -> str:
        """Return the address; only an event proves the key."""
        return f"{self._url}; the key is proven by `driftwarden check --send`"

    def probe(self) -> str:
        """Trigger an incident, and resolve it."""
        key = f"driftwarden-test-{uuid.uuid4()}"
        test = {"summary": "Test of driftwarden", "source": "driftwarden", "severity": "info"}
        self._enqueue("trigger", key, test, self._public_url)
        self._enqueue("resolve", key, test, self._public_url)
        return "a test incident was triggered and resolved"

    def _enqueue(self, action: str, key: str, event: dict[str, Any], page: str) -> None:
        body = {
            "routing_key": self._routing_key,
            "event_action": action,
            "dedup_key": key,
            "payload": event,
            "links": [{"href": page, "text": "driftwarden"}],
            "client": "driftwarden",
            "client_url": page,
        }
        request("PagerDuty", "POST", self._url, body=body)
