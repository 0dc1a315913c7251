"""Socket Mode of the local Slack: envelopes over WebSockets, and when they are acknowledged."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.server import ServerConnection, serve

TEAM = "T0TEAM"


@dataclass
class Envelope:
    """A payload that was sent to one of the connections."""

    id: str
    sent_at: float
    acknowledged: threading.Event = field(default_factory=threading.Event)
    #: By the server's clock; infinite until then.
    seconds: float = float("inf")
    #: How often it was acknowledged.
    n_acknowledgements: int = 0


class SocketMode:
    """The connections of an app, and what went over them."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[ServerConnection] = []
        #: Connections that were made, closed ones included.
        self.n_connected = 0
        self.envelopes: dict[str, Envelope] = {}
        #: Messages of clients that are no acknowledgement of an envelope.
        self.unknown: list[str] = []
        #: Whether pings are left without a response.
        self.is_frozen = False
        #: Whether an opened connection gets the greeting.
        self.greets = True
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()

    def send(self, payload: Any, *, to: int | None = None, kind: str = "interactive") -> Envelope:
        """Send a payload to one connection: the next in turn, or that of an index."""
        number = next(self._numbers)
        envelope = Envelope(f"envelope-{number}", time.monotonic())
        self.envelopes[envelope.id] = envelope
        body = {
            "type": kind,
            "envelope_id": envelope.id,
            "payload": payload,
            "accepts_response_payload": False,
        }
        with self._changed:
            chosen = self.connections[number % len(self.connections) if to is None else to]
        chosen.send(json.dumps(body))
        return envelope

    def send_raw(self, text: str) -> None:
        """Send a text to the first connection."""
        self.connections[0].send(text)

    def announce_disconnect(self) -> None:
        """Announce that all connections end soon, as Slack does every few hours."""
        with self._changed:
            connections = list(self.connections)
        for connection in connections:
            connection.send(json.dumps({"type": "disconnect", "reason": "warning"}))

    def close(self) -> None:
        """Close all connections with the closing handshake."""
        with self._changed:
            connections = list(self.connections)
        for connection in connections:
            connection.close()

    def cut(self) -> None:
        """Cut all connections without a word."""
        with self._changed:
            connections = list(self.connections)
        for connection in connections:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def wait_for_connections(self, n: int, timeout: float = 15.0) -> None:
        """Wait until at least ``n`` connections were made in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.n_connected >= n, timeout), self.n_connected

    def handle(self, connection: ServerConnection) -> None:
        """Greet a client, and record its acknowledgements until it leaves."""
        send_frame = connection.protocol.send_frame

        def send_unless_frozen(frame: Frame) -> None:
            if not (self.is_frozen and frame.opcode is Opcode.PONG):
                send_frame(frame)

        connection.protocol.send_frame = send_unless_frozen  # type: ignore[method-assign]
        if self.greets:
            hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0APP"}}
            connection.send(json.dumps(hello))
        with self._changed:
            self.connections.append(connection)
            self.n_connected += 1
            self._changed.notify_all()
        try:
            for message in connection:
                self._acknowledge(str(message))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._changed:
                self.connections.remove(connection)

    def _acknowledge(self, message: str) -> None:
        envelope = self.envelopes.get(json.loads(message).get("envelope_id", ""))
        if envelope is None:
            self.unknown.append(message)
            return
        envelope.n_acknowledgements += 1
        envelope.seconds = min(envelope.seconds, time.monotonic() - envelope.sent_at)
        envelope.acknowledged.set()


@contextmanager
def serving_socket_mode() -> Iterator[SocketMode]:
    """Serve WebSockets on a free loopback port until the block ends."""
    mode = SocketMode()
    with serve(mode.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=1) as server:
        mode.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link?ticket=t"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield mode
        finally:
            mode.cut()
            server.shutdown()
            thread.join(5)


def press_payload(
    element: dict[str, Any], user: str, channel: str, **changes: Any
) -> dict[str, Any]:
    """Return the payload of a press of a button, or of the first choice of a menu."""
    number = next(_presses)
    action = {key: element[key] for key in ("type", "action_id", "value") if key in element}
    if "options" in element:
        action["selected_option"] = element["options"][0]
    action |= {"block_id": "b", "action_ts": f"1700000000.{number:06d}"}
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "test"},
        "user": {"id": user, "username": "ann", "name": "ann", "team_id": TEAM},
        "api_app_id": "A0APP",
        "container": {"type": "message", "channel_id": channel, "is_ephemeral": False},
        "trigger_id": f"{number}.1.t",
        "channel": {"id": channel, "name": "drift"},
        "actions": [action],
        **changes,
    }


_presses = itertools.count(1)
