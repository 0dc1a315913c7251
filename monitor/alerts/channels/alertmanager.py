"""Alertmanager by its API v2: an alert fires until its incident is resolved."""

import html
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.alerts.channels.http import not_from, request
from monitor.alerts.channels.sender import IncidentSender
from monitor.alerts.routes import level_of
from monitor.rendering.mrkdwn import render_text, without_quotes
from monitor.store.alerts.delivery import DueMessage, Thread

#: An alert that nobody ends fires for this time: an incident may be open for months.
FIRES_FOR = timedelta(days=365)
MAX_DESCRIPTION_CHARACTERS = 4000

#: Alertmanager notifies again of what fires: a snoozed incident ends, and fires again afterwards.
ENDED = {"resolved", "closed", "snoozed"}


class AlertmanagerSender(IncidentSender):
    """Send incidents as alerts, which Alertmanager routes and repeats.

    An empty bearer token is none. Links to incidents begin with ``public_url``.
    """

    #: Alertmanager forgets its alerts when it is started again.
    repeats_every = timedelta(minutes=5)

    def __init__(self, url: str, token: str, public_url: str) -> None:
        self.target = f"alertmanager:{url}"
        self._url = url.rstrip("/")
        self._token = token
        self._public_url = public_url.rstrip("/")

    def send(
        self,
        message: DueMessage,
        payload: dict[str, Any],
        thread: Thread | None,
    ) -> Thread:
        """Send the alert of the incident; one that has ended resolves it."""
        incident = message.incident
        assert incident is not None  # noqa: S101 - the channel takes nothing else
        now = datetime.now(UTC)
        details = render_text(without_quotes(payload.get("blocks", [])))
        page = f"{self._public_url}/incidents/{incident.id}"
        labels = {
            "alertname": f"driftwarden_{message.subject}",
            "model": message.model,
            "cause": message.subject,
            "severity": level_of(message.subject),
            "incident": str(incident.id),
        }
        if thread is not None and thread.ts not in {message.model, str(incident.id)}:
            # The model was renamed, so that the alert by its former name would fire for ever.
            self._post(
                _named(labels | {"model": thread.ts}),
                {},
                starts_at=incident.opened_at,
                ends_at=now,
                page=page,
            )
        self._post(
            _named(labels),
            {
                "summary": html.unescape(payload["text"]),
                "description": details[:MAX_DESCRIPTION_CHARACTERS],
                "status": incident.status,
            },
            starts_at=incident.opened_at,
            ends_at=now if incident.status in ENDED else now + FIRES_FOR,
            page=page,
        )
        return Thread(self.target, message.model)

    def check(self) -> str:
        """Return the version of Alertmanager."""
        status = request("Alertmanager", "GET", f"{self._url}/api/v2/status", token=self._token)
        try:
            version = str(status["versionInfo"]["version"])
        except (LookupError, TypeError):
            raise not_from("Alertmanager", status) from None
        return f"{self._url}, version {version}"

    def probe(self) -> str:
        """Send a test alert, and resolve it."""
        now = datetime.now(UTC)
        labels = {"alertname": "driftwarden_test", "severity": "info"}
        annotations = {"summary": "Test of driftwarden"}
        for ends_at in (now + timedelta(minutes=1), datetime.now(UTC)):
            self._post(labels, annotations, starts_at=now, ends_at=ends_at, page=self._public_url)
        return "a test alert was sent and resolved"

    def _post(
        self,
        labels: dict[str, str],
        annotations: dict[str, str],
        *,
        starts_at: datetime,
        ends_at: datetime,
        page: str,
    ) -> None:
        alert = {
            "labels": labels,
            "annotations": annotations,
            "startsAt": starts_at.isoformat(),
            "endsAt": ends_at.isoformat(),
            "generatorURL": page,
        }
        request(
            "Alertmanager", "POST", f"{self._url}/api/v2/alerts", body=[alert], token=self._token
        )


def _named(labels: dict[str, str]) -> dict[str, str]:
    """Return labels without the empty ones, which Alertmanager refuses."""
    return {name: value for name, value in labels.items() if value}
