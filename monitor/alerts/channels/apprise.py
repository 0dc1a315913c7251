"""E-mail, Teams, Opsgenie and others by the library Apprise."""

import html
import logging
import re
from typing import Any

from apprise import Apprise, AppriseAsset, LogCapture, NotifyFormat

from monitor.errors import ChannelMisconfiguredError, ChannelUnavailableError
from monitor.rendering.excerpts import excerpt
from monitor.rendering.mrkdwn import render_text, without_quotes
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.outbox import Kind

MAX_TITLE_CHARACTERS = 150
#: Shorter parts of an address are no secrets.
MIN_SECRET_CHARACTERS = 6
SEPARATORS = re.compile(r"[/:@?&=]+")


class AppriseSender:
    """Send notifications to one address of Apprise.

    They can't be changed or searched for: the channel gets what is new, not the updates. The
    address holds Apprise's secrets. Links to incidents begin with ``public_url``.
    """

    repeats_every = None
    is_idempotent = False

    def __init__(self, name: str, url: str, public_url: str) -> None:
        self.target = f"apprise:{name}"
        self._name = name
        self._url = url
        self._public_url = public_url.rstrip("/")

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:  # noqa: ARG002
        """Return whether somebody is to be told: of posts, and of replies to the whole channel."""
        return kind == "post" or (kind == "reply" and is_broadcast)

    def send(
        self,
        message: DueMessage,
        payload: dict[str, Any],
        thread: Thread | None,  # noqa: ARG002
    ) -> Thread:
        """Send a notification of plain text; a reply, which has no thread here, gets a link."""
        summary = html.unescape(payload["text"])
        name = f"{message.model}: " if message.model and message.model not in summary else ""
        blocks = without_quotes(payload.get("blocks", []))
        title = blocks[0]["text"]["text"] if blocks and blocks[0]["type"] == "header" else ""
        if title and summary.startswith(title):  # the subject says it
            blocks = blocks[1:]
        text = render_text(blocks) or summary
        page = f"({self._public_url}/incidents/{message.incident_id})"
        if message.incident_id is not None and page not in text:
            text = f"{text}\n\nIncident {message.incident_id} {page}"
        self._notify(excerpt(f"{name}{summary}", MAX_TITLE_CHARACTERS), text)
        return Thread(self.target, "")

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:  # noqa: ARG002
        """Refuse: notifications can't be searched for."""
        raise ChannelMisconfiguredError("notifications of Apprise can't be searched for")

    def check(self) -> str:
        """Return the kind of the address; only a notification proves it."""
        (service,) = self._open()
        return f"{service.service_name}; proven by `driftwarden check --send` only"

    def probe(self) -> str:
        """Send a test notification, which can't be taken back."""
        self._notify("Test of driftwarden", "Nothing is wrong: somebody checks the channel.")
        return "a test message was sent; it can't be taken back"

    def _open(self) -> Any:
        opened = Apprise(asset=AppriseAsset(http_redirects=False))
        if not opened.add(self._url):
            raise ChannelMisconfiguredError(
                f"the address of the channel {self._name!r} is none of Apprise's"
            )
        return opened

    def _notify(self, title: str, text: str) -> None:
        logging.getLogger("apprise").propagate = False  # it would log addresses with secrets
        service = self._open()
        with LogCapture(  # type: ignore[no-untyped-call]
            level=logging.WARNING, fmt="%(message)s"
        ) as problems:
            if service.notify(title=title, body=text, body_format=NotifyFormat.TEXT):
                return
            lines = problems.getvalue().splitlines()
        reason = self._mask(lines[0]) if lines else "no reason was named"
        # Apprise does not say whether the service may have taken it all the same.
        raise ChannelUnavailableError(
            f"the channel {self._name!r} did not take the message: {reason}",
            code="unknown_outcome",
        )

    def _mask(self, text: str) -> str:
        """Return a text without the parts of the address, which may be secrets."""
        for part in SEPARATORS.split(self._url):
            if len(part) >= MIN_SECRET_CHARACTERS:
                text = text.replace(part, "***")
        return text
