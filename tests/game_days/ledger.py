"""Ledger of the messages: each with its time on the driven clock."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from monitor.rendering.mrkdwn import render_text
from tests.game_days.world.channels import ALERTMANAGER, HEARTBEATS, MAIL, PAGER, SLACK, Servers

Kind = Literal["post", "update", "reply"]

#: Time without a heartbeat after which their service tells it: a deploy takes ten minutes.
GRACE = timedelta(minutes=15)
#: The words of that service, and what the site has written there.
SILENCE, DESCRIPTION = "Heartbeat missing", "Run `driftwarden check --now` on the host."
#: Messages that list incidents, and are of none.
LISTS = re.compile(r"\bdigest\b|\A\W*No longer watched: ", re.IGNORECASE)
INCIDENT = re.compile(r"incident[ s/]+(\d+)", re.IGNORECASE)
#: How a message says that its incident has ended.
QUOTED = re.compile(r"“[^”]*”|'[^']*'")
ENDED = re.compile(r"\b(resolved|closed|ended|over)\b|, no longer watched", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """A message as its reader sees it."""

    at: datetime
    channel: str
    kind: Kind
    #: Its number, by which messages in several channels belong together; ``None``: it has none.
    incident: int | None
    #: What a phone shows: the summary.
    title: str
    #: Title and body.
    text: str
    #: Whether it says that something is so now; ``False``: that it has ended.
    is_open: bool
    #: Of a pager; empty elsewhere.
    level: str = ""
    #: Whether its channel notifies people of it: not of updates.
    notifies: bool = True


@dataclass
class Ledger:
    """The messages so far; :meth:`read` adds those that arrived since."""

    servers: Servers
    messages: list[Message] = field(default_factory=list)
    #: Unexpected exceptions of the daemon's jobs: time, job, exception.
    defects: list[tuple[datetime, str, str]] = field(default_factory=list)
    _slack: dict[str, int] = field(default_factory=dict)
    _incident_of: dict[str, int | None] = field(default_factory=dict)
    _n_read: dict[str, int] = field(default_factory=dict)
    _alerts: dict[str, tuple[bool, str]] = field(default_factory=dict)
    _n_beats: int = 0
    _beat_at: datetime | None = None
    _is_silent: bool = False

    def read(self, now: datetime) -> None:
        """Add what the channels have shown since the last call."""
        self._read_slack(now)
        for body in self._new(PAGER, self.servers.pager.accepted):
            self._read_pager(body, now)
        for alerts in self._new(ALERTMANAGER, self.servers.alertmanager.accepted):
            for alert in alerts:
                self._read_alert(alert, now)
        self._read_heartbeats(now)
        for body in self._new(MAIL, self.servers.mail.accepted):
            text = f"{body['title']}\n{body['message']}"
            self._add(now, MAIL, "post", _incident(text), body["title"], text)

    def _read_slack(self, now: datetime) -> None:
        for ts, message in list(self.servers.slack.messages.items()):
            known = self._slack.get(ts)
            if known == message.n_updates:
                continue
            self._slack[ts] = message.n_updates
            text = f"{message.text}\n{render_text(message.blocks)}"
            kind: Kind = "update" if known is not None else "post"
            if message.thread_ts is not None:
                kind = "reply"
                incident = self._incident_of.get(message.thread_ts)
            elif LISTS.search(message.text):
                incident = None
            else:
                incident = _incident(message.text) or _incident(text)
            self._incident_of[ts] = incident
            notifies = kind == "post" or (kind == "reply" and message.is_broadcast)
            self._add(now, SLACK, kind, incident, message.text, text, notifies=notifies)

    def _read_pager(self, body: dict[str, Any], now: datetime) -> None:
        incident = int(body["dedup_key"].split("-")[1])
        payload = body["payload"]
        text = f"{payload['summary']}\n{payload['custom_details']['message']}"
        self.messages.append(
            Message(
                now,
                PAGER,
                "post" if body["event_action"] == "trigger" else "update",
                incident,
                payload["summary"],
                text,
                body["event_action"] != "resolve",
                payload["severity"],
            )
        )

    def _read_alert(self, alert: dict[str, Any], now: datetime) -> None:
        """Add an alert where it is not what Alertmanager had before: it is sent again and again."""
        key = str(sorted(alert["labels"].items()))
        notes = alert["annotations"]
        is_open = notes.get("status", "resolved") not in {"resolved", "closed", "snoozed"}
        text = f"{notes.get('summary', '')}\n{notes.get('description', '')}"
        if self._alerts.get(key) == (is_open, text):
            return
        kind: Kind = "update" if key in self._alerts else "post"
        self._alerts[key] = is_open, text
        labels = alert["labels"]
        incident = int(labels["incident"])
        title = notes.get("summary", "")
        self.messages.append(
            Message(now, ALERTMANAGER, kind, incident, title, text, is_open, labels["severity"])
        )

    def _read_heartbeats(self, now: datetime) -> None:
        """Add what the service that takes the heartbeats tells: that they stop, and are back."""
        n_beats = len(self.servers.heartbeats.tokens)
        if n_beats != self._n_beats:
            self._n_beats, self._beat_at = n_beats, now
            if self._is_silent:
                self._is_silent = False
                self._add(now, HEARTBEATS, "post", None, SILENCE, f"{SILENCE}, ended")
        elif self._beat_at is not None and not self._is_silent and now - self._beat_at >= GRACE:
            self._is_silent = True
            self._add(now, HEARTBEATS, "post", None, SILENCE, f"{SILENCE}\n{DESCRIPTION}")

    def _add(
        self,
        now: datetime,
        channel: str,
        kind: Kind,
        incident: int | None,
        title: str,
        text: str,
        *,
        notifies: bool = True,
    ) -> None:
        message = Message(
            now, channel, kind, incident, title, text, says_open(text), notifies=notifies
        )
        self.messages.append(message)

    def _new(self, channel: str, accepted: list[tuple[str, Any]]) -> list[Any]:
        n_read = self._n_read.get(channel, 0)
        self._n_read[channel] = len(accepted)
        return [body for _, body in accepted[n_read:]]


def says_open(text: str) -> bool:
    """Return whether a message says that something is so now, by its title."""
    return ENDED.search(QUOTED.sub("", _first_line(text))) is None


def _incident(text: str) -> int | None:
    match = INCIDENT.search(text)
    return None if match is None else int(match[1])


def _first_line(text: str) -> str:
    """Return the title of a message: the words before the first full stop or line's end."""
    return re.split(r"[.\n(]", text, maxsplit=1)[0]
