"""A local Slack with the methods that driftwarden calls, Socket Mode, and a memory."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qsl

import pytest

from tests.services.http_server import serving
from tests.services.slack_socket import (
    TEAM,
    Envelope,
    SocketMode,
    press_payload,
    serving_socket_mode,
)

TOKEN = "xoxb-test-token"
APP_TOKEN = "xapp-test-token"
CHANNEL = "C0DRIFT"
CHANNEL_NAME = "#drift"


METHODS = {
    "chat.delete",
    "chat.deleteScheduledMessage",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.scheduleMessage",
    "chat.update",
    "conversations.history",
    "conversations.replies",
}
SCOPES = frozenset({"chat:write", "channels:history"})
CHART = "data_visualization"
#: Messages in a page of the history.
PAGE = 3

#: What happens to a post: the connection is cut before it is read, or once the message is posted;
#: or the server fails once it is posted, or before.
Fault = Literal["cut", "response_lost", "failed_after", "failed", "rate_limited"]


@dataclass
class Reply:
    """A response that replaces the server's own, once."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=lambda: {"ok": False, "error": "fatal_error"})
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Message:
    """The current state of a message in the channel."""

    ts: str
    thread_ts: str | None
    text: str
    blocks: list[dict[str, Any]]
    #: How often chat.update replaced it.
    n_updates: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    is_broadcast: bool = False

    @property
    def outbox_id(self) -> str:
        """Return the id of the message in the outbox."""
        return self.metadata["event_payload"]["outbox_id"]


#: A response that cuts the connection.
CUT = Reply(status=0)
BEFORE: dict[Fault, Reply] = {
    "cut": CUT,
    "failed": Reply(status=500),
    "rate_limited": Reply(status=429, headers={"Retry-After": "30"}),
}
AFTER: dict[Fault, Reply] = {"response_lost": CUT, "failed_after": Reply(status=500)}
#: Time of the messages: later than the clocks of tests, which look for them since an attempt.
BEGIN = 4_000_000_000


@dataclass
class Ephemeral:
    """A message that one user sees."""

    user: str
    text: str
    blocks: list[dict[str, Any]]


class FakeSlack:
    """The state of the server. Use :func:`running_slack` or the fixture ``slack``."""

    def __init__(self, socket_mode: SocketMode) -> None:
        self.url = ""
        self.socket_mode = socket_mode
        self.ephemerals: list[Ephemeral] = []
        #: Scopes of the app-level token.
        self.app_scopes = {"connections:write"}
        #: Every request: method and arguments.
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: dict[str, Message] = {}
        #: Whether the bot was invited to the channel.
        self.is_member = True
        #: Scheduled messages that are not deleted.
        self.scheduled: set[str] = set()
        #: Errors of messages whose text or blocks contain a word.
        self.refused_words: dict[str, str] = {}
        #: Given first, in this order.
        self.scripted_replies: list[Reply] = []
        #: What happens to the next posts, in this order; ``None``: nothing.
        self.faults: list[Fault | None] = []
        #: Of the bot token.
        self.scopes = SCOPES
        #: Whether the workspace draws charts.
        self.has_charts = True
        self._n_posted = 0
        self._lock = threading.Lock()

    @property
    def parents(self) -> list[Message]:
        """Return the channel's messages outside threads."""
        return [message for message in self.messages.values() if message.thread_ts is None]

    def replies(self, parent: Message) -> list[Message]:
        """Return the messages of a thread."""
        return [message for message in self.messages.values() if message.thread_ts == parent.ts]

    def reply(self, method: str, arguments: dict[str, Any], token: str) -> Reply:
        """Respond like Slack."""
        with self._lock:
            self.calls.append((method, arguments))
            if self.scripted_replies:
                return self.scripted_replies.pop(0)
            if method == "apps.connections.open":
                return self._open_connection(token)
            if token != f"Bearer {TOKEN}":
                return Reply(body={"ok": False, "error": "invalid_auth"})
            if method == "auth.test":
                body = {"ok": True, "team": "Test", "team_id": TEAM, "user": "driftwarden"}
                return Reply(body=body, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})
            problem = self._problem(method, arguments)
            if problem:
                return Reply(body={"ok": False, "error": problem})
            if method == "chat.scheduleMessage":
                self.scheduled.add("Q1")
                return Reply(body={"ok": True, "channel": CHANNEL, "scheduled_message_id": "Q1"})
            if method == "chat.deleteScheduledMessage":
                self.scheduled.remove(arguments["scheduled_message_id"])
                return Reply(body={"ok": True})
            if method == "chat.postEphemeral":
                user, blocks = arguments["user"], arguments.get("blocks", [])
                self.ephemerals.append(Ephemeral(user, arguments["text"], blocks))
                return Reply(body={"ok": True, "message_ts": "1700000000.999999"})
            if method.startswith("conversations."):
                return self._history(arguments)
            fault = self.faults.pop(0) if method == "chat.postMessage" and self.faults else None
            if fault in BEFORE:
                return BEFORE[fault]
            ts = self._write(method, arguments)
            done = Reply(body={"ok": True, "channel": CHANNEL, "ts": ts})
            return AFTER.get(fault, done) if fault else done

    def _write(self, method: str, arguments: dict[str, Any]) -> str:
        if method == "chat.postMessage":
            self._n_posted += 1
            ts = f"{BEGIN}.{self._n_posted:06d}"
            self.messages[ts] = Message(
                ts,
                arguments.get("thread_ts"),
                arguments["text"],
                arguments.get("blocks", []),
                metadata=arguments.get("metadata", {}),
                is_broadcast=arguments.get("reply_broadcast", False),
            )
            return ts
        ts = str(arguments["ts"])
        if method == "chat.delete":
            del self.messages[ts]
            return ts
        message = self.messages[ts]
        message.text, message.blocks = arguments["text"], arguments["blocks"]
        message.n_updates += 1
        return ts

    def _history(self, arguments: dict[str, Any]) -> Reply:
        """Return a page of the channel, or of a thread, the newest first."""
        thread = arguments.get("ts")
        in_channel = [m for m in self.messages.values() if m.thread_ts is None or m.is_broadcast]
        in_thread = [m for m in self.messages.values() if thread in {m.ts, m.thread_ts}]
        messages = in_channel[::-1] if thread is None else in_thread
        messages = [message for message in messages if float(message.ts) >= self._oldest(arguments)]
        begin = int(arguments.get("cursor") or 0)
        end = begin + min(PAGE, int(arguments.get("limit", 100)))
        page = [
            {"ts": message.ts, "text": message.text, "metadata": message.metadata}
            if arguments.get("include_all_metadata")
            else {"ts": message.ts, "text": message.text}
            for message in messages[begin:end]
        ]
        cursor = str(end) if end < len(messages) else ""
        return Reply(
            body={"ok": True, "messages": page, "response_metadata": {"next_cursor": cursor}}
        )

    @staticmethod
    def _oldest(arguments: dict[str, Any]) -> float:
        return float(arguments.get("oldest") or 0)

    def press(
        self, message: Message | Ephemeral, action: str, user: str, *, to: int | None = None
    ) -> Envelope:
        """Press a button of a message, by its action, as a user."""
        elements = [
            element
            for block in message.blocks
            if block["type"] == "actions"
            for element in block["elements"]
            if element["action_id"] == action
        ]
        assert elements, f"no button {action!r}"
        return self.socket_mode.send(press_payload(elements[0], user, CHANNEL), to=to)

    def _open_connection(self, token: str) -> Reply:
        if token != f"Bearer {APP_TOKEN}":
            return Reply(body={"ok": False, "error": "invalid_auth"})
        if "connections:write" not in self.app_scopes:
            return Reply(body={"ok": False, "error": "missing_scope"})
        return Reply(body={"ok": True, "url": self.socket_mode.url})

    def _problem(self, method: str, arguments: dict[str, Any]) -> str | None:
        if method not in METHODS:
            return "unknown_method"
        named = method in {"chat.postMessage", "chat.scheduleMessage"} and CHANNEL_NAME
        if arguments.get("channel") not in {CHANNEL, named}:
            return "channel_not_found"
        if not self.is_member:
            return "not_in_channel"
        if method.startswith("conversations.") and "channels:history" not in self.scopes:
            return "missing_scope"
        for word, error in self.refused_words.items():
            if word in json.dumps(arguments.get("blocks", [])):
                return error
        blocks = arguments.get("blocks", [])
        if not self.has_charts and any(block["type"] == CHART for block in blocks):
            return "invalid_blocks"
        if len(blocks) > 50 or any(_too_long(block) for block in blocks):
            return "invalid_blocks"
        if method in {"chat.update", "chat.delete"} and arguments.get("ts") not in self.messages:
            return "message_not_found"
        if method == "conversations.replies" and arguments.get("ts") not in self.messages:
            return "thread_not_found"
        if arguments.get("thread_ts", "") and arguments["thread_ts"] not in self.messages:
            return "thread_not_found"
        return None


def _is_chart(block: dict[str, Any]) -> bool:
    """Return whether a chart keeps to Slack's rules."""
    chart = block["chart"]
    categories = chart["axis_config"]["categories"]
    names = [series["name"] for series in chart["series"]]
    return (
        0 < len(block["title"]) <= 50
        and 1 <= len(names) == len(set(names)) <= 6
        and all(0 < len(category) <= 20 for category in categories)
        and all(
            [point["label"] for point in series["data"]] == categories for series in chart["series"]
        )
    )


def _too_long(block: dict[str, Any]) -> bool:
    if block["type"] == CHART:
        return not _is_chart(block)
    limit = {"header": 150, "section": 3000}.get(block["type"])
    return limit is not None and not 0 < len(block["text"]["text"]) <= limit


@contextmanager
def running_slack() -> Iterator[FakeSlack]:
    """Serve on free loopback ports until the block ends; ``url`` is SLACK_API_URL."""
    with serving_socket_mode() as socket_mode, _serving_web_api(FakeSlack(socket_mode)) as slack:
        yield slack


@contextmanager
def _serving_web_api(slack: FakeSlack) -> Iterator[FakeSlack]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_form = "form" in self.headers.get("Content-Type", "")
            reply = slack.reply(
                self.path.rsplit("/", maxsplit=1)[-1],
                dict(parse_qsl(body.decode()))
                if is_form
                else json.loads(body)
                if body.startswith(b"{")
                else {},
                self.headers.get("Authorization", ""),
            )
            if reply is CUT:
                self.close_connection = True
                return
            content = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Discard the message."""

    with serving(Handler) as url:
        slack.url = f"{url}/api/"
        yield slack


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """Return a running Slack."""
    with running_slack() as server:
        yield server
