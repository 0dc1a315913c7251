"""Socket Mode: each press is stored and acknowledged, on whichever replica it arrives."""

import logging
import select
import socket
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StoringTimeoutError
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from sqlalchemy import Engine

from monitor.alerts.actions.payload import parse_press
from monitor.alerts.actions.replies import TRANSIENT, SlackReplies, buttons_configured
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
    DatabaseUnavailableError,
)
from monitor.settings import Secrets
from monitor.store.alerts.slack_actions import Press, insert_press
from monitor.store.engine import transaction
from monitor.telemetry import SLACK_CONNECTED, get_logger

#: Slack waits three seconds for the acknowledgement; the rest of them is for the network.
STORING_SECONDS = 2.0
#: Presses that are handled at once; more wait.
MAX_PRESSES = 128
#: Transactions at once, so that presses leave connections to the other parts; and replies.
MAX_TRANSACTIONS = 4
#: Between pings. A connection without a response to them for four times as long is made anew.
PING_SECONDS = 5.0
#: The client reads a burst of frames by recursion, one level for each buffer.
BUFFER_BYTES = 1 << 16
#: Between attempts to connect, at the start and at most.
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
#: For the first attempt, before messages are sent.
ATTEMPT_SECONDS = 5.0
#: Length of the envelope that announces the end of a connection.
MAX_DISCONNECT = 1000
#: Between looks at the connection.
WATCH_SECONDS = 1.0
#: For the threads of the client, one of which may be waiting for Slack.
CLOSING_SECONDS = 5.0

NOT_RECORDED = (
    "Your press was not recorded, because the database is unavailable. Nothing was done: press "
    "again in a minute."
)

ADVICE = {
    "invalid_auth": "check SLACK_APP_TOKEN",
    "missing_scope": "give the app-level token the scope connections:write",
    "not_allowed_token_type": "set SLACK_APP_TOKEN to the app-level token, xapp-...",
    "token_revoked": "set SLACK_APP_TOKEN to a current token",
}

log = get_logger(__name__)


class PressReceiver:
    """A connection to Slack that stores the presses of buttons.

    Its secrets are ``SLACK_APP_TOKEN`` (scope ``connections:write``) and ``SLACK_BOT_TOKEN``;
    ``actions`` are the names in the table. The clock is the time at which a press is received.
    """

    def __init__(
        self,
        engine: Engine,
        secrets: Secrets,
        actions: Collection[str],
        *,
        ping_seconds: float = PING_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._actions = actions
        self._clock = clock
        self._replies = SlackReplies(secrets)
        self._storing = ThreadPoolExecutor(MAX_TRANSACTIONS, "slack-press")
        self._telling = ThreadPoolExecutor(MAX_TRANSACTIONS, "slack-reply")
        self._stop = threading.Event()
        self._attempted = threading.Event()
        self._client = _Client(
            app_token=secrets.slack_app_token.get_secret_value(),
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=WebClient(base_url=secrets.slack_api_url.rstrip("/") + "/", timeout=10),
            ping_interval=ping_seconds,
            receive_buffer_size=BUFFER_BYTES,
            concurrency=MAX_PRESSES,
            on_message_listeners=[self._hasten_disconnect],
        )
        self._client.socket_mode_request_listeners.append(self._receive)
        self._connected = SLACK_CONNECTED.labels("schedule")
        self._connected.set_function(lambda: float(self._client.is_connected()))

    @classmethod
    def build(
        cls, engine: Engine, secrets: Secrets, actions: Collection[str]
    ) -> "PressReceiver | None":
        """Build the receiver; ``None`` where messages have no buttons."""
        return cls(engine, secrets, actions) if buttons_configured(secrets) else None

    @property
    def is_refused(self) -> bool:
        """Whether Slack refuses the app-level token, so that no press can arrive."""
        return self._client.is_refused

    def start(self) -> None:
        """Connect in a thread, and again after each disconnect, until closed.

        Returns after the first attempt, so that no message gets buttons in vain; or soon.
        """
        threading.Thread(target=self._stay_connected, name="slack-connect", daemon=True).start()
        self._attempted.wait(ATTEMPT_SECONDS)

    def check(self, timeout_seconds: float = 10.0) -> None:
        """Connect now and wait for Slack's greeting, for `driftwarden check`.

        A press that arrives meanwhile is stored, as always.

        Raises:
            ChannelUnavailableError: Slack is unavailable.
            ChannelMisconfiguredError: The app-level token can't be used.
        """
        greeted = threading.Event()

        def listen(
            _client: BaseSocketModeClient, message: dict[str, Any], _raw: str | None
        ) -> None:
            if message.get("type") == "hello":
                greeted.set()

        self._client.message_listeners.append(listen)
        try:
            self._client.connect()
        except SlackApiError as error:
            code = str(error.response.get("error", "")) or f"HTTP {error.response.status_code}"
            advice = ADVICE.get(code, "see the error in Slack's API documentation")
            raise ChannelMisconfiguredError(
                f"Slack refuses Socket Mode: {code}; {advice}"
            ) from error
        except (SlackClientError, OSError) as error:
            raise ChannelUnavailableError(f"Slack is unavailable: {error}") from error
        if not greeted.wait(timeout_seconds):
            raise ChannelUnavailableError(
                "Slack did not greet on the WebSocket connection; let connections to wss:// through"
            )

    def close(self) -> None:
        """Disconnect; presses that are being stored are finished."""
        self._stop.set()
        self._client.auto_reconnect_enabled = self._client.default_auto_reconnect_enabled = False
        if (connected := self._socket()) is not None:
            with suppress(OSError):  # wakes the thread that reads
                connected.shutdown(socket.SHUT_RDWR)
        # A thread of the client may sleep for as long as Slack told it to.
        closing = threading.Thread(target=self._client.close, name="slack-close", daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)
        for executor in (self._storing, self._telling):
            executor.shutdown(wait=False, cancel_futures=True)
        self._connected.set_function(lambda: 0.0)

    def _stay_connected(self) -> None:
        """Connect until Slack takes it; from then on the client connects anew after a disconnect.

        It doesn't notice the end of a connection that was cut, and reads it at full speed.
        """
        retry = FIRST_RETRY_SECONDS
        while not self._stop.is_set():
            try:
                self._client.connect()
                log.info("slack_connected", connected=self._client.is_connected())
                break
            except (SlackClientError, OSError) as error:
                log.warning("slack_not_connected", error=str(error), retry_seconds=retry)
                self._attempted.set()
                self._stop.wait(retry)
                retry = min(2 * retry, MAX_RETRY_SECONDS)
        self._attempted.set()
        while not self._stop.wait(WATCH_SECONDS):
            session, connected = self._client.current_session, self._socket()
            if session is not None and connected is not None and _is_cut(connected):
                log.warning("slack_connection_cut")
                session.close()

    def _hasten_disconnect(self, message: str) -> None:
        """Let the client leave a connection that Slack is about to end without waiting for it.

        It handles no press on the new connection until a read of the old one has timed out.
        """
        connected = self._socket()
        is_announced = len(message) < MAX_DISCONNECT and '"disconnect"' in message
        if is_announced and connected is not None:
            connected.settimeout(0.1)

    def _socket(self) -> socket.socket | None:
        session = self._client.current_session
        return None if session is None else session.sock

    def _receive(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Store a press, acknowledge its envelope, and tell the user where it was not stored."""
        press = None
        if request.type == "interactive":
            press = parse_press(request.payload, self._actions, self._clock())
        is_stored = press is None or self._store_in_time(press)
        try:
            client.send_socket_mode_response({"envelope_id": request.envelope_id})
        except SlackClientError as error:  # Slack shows the user that the press failed
            log.warning("press_not_acknowledged", error=str(error))
        if press is not None and not is_stored:
            self._telling.submit(self._tell_not_recorded, press)

    def _store_in_time(self, press: Press) -> bool:
        """Store a press; return False where that failed or took too long."""
        given_up = threading.Event()
        try:
            storing = self._storing.submit(self._store, press, given_up)
            storing.result(STORING_SECONDS)
        except StoringTimeoutError:
            given_up.set()
            log.warning("press_not_recorded", action=press.action, error="the database is too slow")
            return False
        except Exception as error:  # noqa: BLE001 - whatever it was, the user must press again
            log.warning("press_not_recorded", action=press.action, error=str(error))
            return False
        return True

    def _store(self, press: Press, given_up: threading.Event) -> None:
        with transaction(self._engine) as connection:
            is_new = insert_press(connection, press)
            if given_up.is_set():  # the user was told that it is not recorded
                raise DatabaseUnavailableError("the database was too slow")
        log.info(
            "press_received", action=press.action, subject=press.subject, delivered_again=not is_new
        )

    def _tell_not_recorded(self, press: Press) -> None:
        try:
            self._replies.send(press.slack_user, press.slack_channel, {"text": NOT_RECORDED})
        except (ChannelUnavailableError, ChannelRefusedError) as error:
            log.warning("reply_not_sent", error=str(error))


class _Client(SocketModeClient):
    """A client that remembers whether Slack refuses its token."""

    is_refused = False

    def issue_new_wss_url(self) -> str:
        """Return the address of a new connection."""
        try:
            url = super().issue_new_wss_url()
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if code and error.response.status_code < 429 and code not in TRANSIENT:
                self.is_refused = True
            raise
        self.is_refused = False
        return url


def _is_cut(connected: socket.socket) -> bool:
    """Return whether the other side has closed a connection, or its network has."""
    try:
        readable = select.poll()
        readable.register(connected, select.POLLIN)
        # Below TLS, which can't look at a byte and leave it there.
        return bool(readable.poll(0)) and not socket.socket.recv(connected, 1, socket.MSG_PEEK)
    except (TimeoutError, ValueError):  # the client has read the byte, or closed the connection
        return False
    except OSError:
        return True
