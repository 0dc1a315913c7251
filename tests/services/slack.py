"""A local Slack with the methods that driftwarden calls, Socket Mode, and a memory."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

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
    "chat.postMessage",
    "chat.update",
    "chat.scheduleMessage",
    "chat.deleteScheduledMessage",
    "chat.postEphemeral",
}


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
        #: Scopes of the bot token and of the app-level token.
        self.scopes = {"chat:write"}
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
            if method == "chat.postMessage":
                ts = f"1700000000.{len(self.messages):06d}"
                thread = arguments.get("thread_ts")
                blocks = arguments.get("blocks", [])
                self.messages[ts] = Message(ts, thread, arguments["text"], blocks)
            else:
                ts = arguments["ts"]
                message = self.messages[ts]
                message.text, message.blocks = arguments["text"], arguments["blocks"]
                message.n_updates += 1
            return Reply(body={"ok": True, "channel": CHANNEL, "ts": ts})

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
        for word, error in self.refused_words.items():
            if word in json.dumps(arguments.get("blocks", [])):
                return error
        blocks = arguments.get("blocks", [])
        if len(blocks) > 50 or any(_too_long(block) for block in blocks):
            return "invalid_blocks"
        if method == "chat.update" and arguments.get("ts") not in self.messages:
            return "message_not_found"
        if arguments.get("thread_ts", "") and arguments["thread_ts"] not in self.messages:
            return "thread_not_found"
        return None


def _too_long(block: dict[str, Any]) -> bool:
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
            reply = slack.reply(
                self.path.rsplit("/", maxsplit=1)[-1],
                json.loads(body) if body.startswith(b"{") else {},
                self.headers.get("Authorization", ""),
            )
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
