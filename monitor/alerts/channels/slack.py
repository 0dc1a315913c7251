"""Slack channel by its Web API."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import (
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryState,
)

from monitor.alerts.actions.offers import without_buttons
from monitor.alerts.actions.replies import buttons_configured
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)
from monitor.settings import Secrets
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.outbox import Kind

#: Longer waits are left to the outbox, which does not block.
MAX_WAIT_IN_CALL_SECONDS = 5

#: Time until the message that `check` schedules, and deletes at once; Slack allows 120 days.
FAR_AHEAD = timedelta(days=100)

#: Errors of one message, which no later attempt mends.
OF_THE_MESSAGE = {
    "cant_update_message": "another app wrote it",
    "edit_window_closed": "the workspace forbids to edit messages of this age",
    "invalid_blocks": "report this as a bug of driftwarden",
    "invalid_blocks_format": "report this as a bug of driftwarden",
    "message_not_found": "it was deleted in Slack",
    "msg_blocks_too_long": "report this as a bug of driftwarden",
    "msg_too_long": "report this as a bug of driftwarden",
    "no_text": "report this as a bug of driftwarden",
    "thread_not_found": "it was deleted in Slack",
}
#: Errors of the message that is updated or replied to.
OF_THE_PARENT = {
    "cant_update_message",
    "edit_window_closed",
    "message_not_found",
    "thread_not_found",
}

#: Transient errors of Slack; the rest need a change of the configuration.
TRANSIENT = frozenset(
    {
        "fatal_error",
        "internal_error",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)

#: Errors of those that say that nothing was posted.
NOT_TAKEN = frozenset({"rate_limited", "ratelimited", "service_unavailable", "team_added_to_org"})

#: Of slack_sdk, where what responds is not Slack.
STRANGE = (AttributeError, HTTPException, LookupError, RecursionError, ValueError)

EVENT_TYPE = "driftwarden_message"
#: Slack's clock and ours may differ by this time.
CLOCK_DIFFERENCE = timedelta(hours=1)

#: The text of a message is not parsed, and what it names is not linked.
LITERAL = {"parse": "none", "link_names": False, "mrkdwn": False}


class SlackSender:
    """Post to one channel.

    Its secrets are ``SLACK_BOT_TOKEN`` (scope ``chat:write``; with ``channels:history`` each
    message is posted exactly once) and ``SLACK_API_URL``; another ``token`` takes the bot's place.
    The bot must be a member of the channel, which is an id. Messages have buttons only where
    presses can arrive.
    """

    repeats_every = None
    is_idempotent = False

    def __init__(
        self,
        secrets: Secrets,
        channel: str,
        *,
        token: str = "",
        receives_presses: Callable[[], bool] = lambda: True,
        timeout_seconds: int = 10,
    ) -> None:
        self.channel = channel
        own = secrets.slack_bot_token.get_secret_value()
        #: Nobody receives presses without Socket Mode, and those of another app.
        self._has_socket_mode = buttons_configured(secrets) and token in {"", own}
        self._receives_presses = receives_presses
        self._client = WebClient(
            token=token or own,
            base_url=secrets.slack_api_url.rstrip("/") + "/",
            timeout=timeout_seconds,
            # A server error leaves open whether the message was posted: no retry in the call.
            retry_handlers=[_BriefRateLimitRetryHandler(max_retry_count=1)],
        )

    @property
    def target(self) -> str:
        """The configured channel."""
        return self.channel

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:  # noqa: ARG002
        """Return that the channel shows all messages."""
        return True

    def send(self, message: DueMessage, payload: dict[str, Any], thread: Thread | None) -> Thread:
        """Post a message, reply in a thread, or update its first message.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelMisconfiguredError: Slack rejects all messages until the configuration changes.
            ChannelRefusedError: Slack rejects this message.
        """
        if message.kind == "update" and thread is not None:
            arguments = {"channel": thread.address, "ts": thread.ts, **LITERAL, **payload}
            return self._call("chat.update", arguments)
        arguments = {
            "channel": self.channel if thread is None else thread.address,
            "thread_ts": None if thread is None else thread.ts,
            # Untrusted texts must not make Slack fetch their links.
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {
                "event_type": EVENT_TYPE,
                "event_payload": {"outbox_id": message.outbox_id},
            },
            **LITERAL,
            **payload,
        }
        if thread is None:
            arguments.pop("reply_broadcast", None)
        return self._call("chat.postMessage", arguments)

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:
        """Return the message where an earlier attempt has posted it.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelMisconfiguredError: The app has no permission to read the history.
        """
        since = message.attempted_at or message.created_at
        arguments: dict[str, Any] = {
            "channel": self.channel if thread is None else thread.address,
            "oldest": str((since - CLOCK_DIFFERENCE).timestamp()),
            "include_all_metadata": True,
            "limit": 200,
        }
        method = "conversations.history"
        if thread is not None:
            method = "conversations.replies"
            arguments["ts"] = thread.ts
        while True:
            page = self._request(method, arguments, read=True)
            for posted in page.get("messages", ()):
                origin = posted.get("metadata", {}).get("event_payload", {})
                if origin.get("outbox_id") == message.outbox_id:
                    return Thread(arguments["channel"], str(posted["ts"]))
            cursor = page.get("response_metadata", {}).get("next_cursor")
            if not cursor:
                return None
            arguments["cursor"] = cursor

    def check(self) -> str:
        """Return the workspace, bot and channel of the messages, for `driftwarden check`.

        The token alone says nothing about the channel, so a message is scheduled and deleted again:
        nobody sees it, and Slack checks it like a post.

        Raises:
            ChannelUnavailableError: Slack is unavailable.
            ChannelMisconfiguredError: The token or the channel can't be used.
        """
        workspace = self._request("auth.test", {})
        at = int((datetime.now(UTC) + FAR_AHEAD).timestamp())
        probe = {"channel": self.channel, "post_at": at, "text": "Check of driftwarden"}
        scheduled = self._request("chat.scheduleMessage", probe)
        channel = _field(scheduled, "channel")
        message_id = _field(scheduled, "scheduled_message_id")
        deleted = {"channel": channel, "scheduled_message_id": message_id}
        self._request("chat.deleteScheduledMessage", deleted)
        if channel != self.channel:
            raise ChannelMisconfiguredError(
                f"channel = {self.channel!r} is a name, and messages in it can't be updated; set "
                f"its id: channel = {channel!r}"
            )
        team, user = workspace.get("team", "?"), workspace.get("user", "?")
        where = f"{team} as {user}, channel {channel}"
        try:
            self._request("conversations.history", {"channel": channel, "limit": 1}, read=True)
        except ChannelMisconfiguredError:
            return f"{where}; without the scope channels:history a message may come twice"
        return where

    def probe(self) -> str:
        """Post a test message, and delete it.

        Raises:
            ChannelUnavailableError: Slack is unavailable.
            ChannelMisconfiguredError: The token or the channel can't be used.
        """
        test = {"channel": self.channel, "text": "Test of driftwarden: deleted at once."}
        posted = self._call("chat.postMessage", {**test, **LITERAL})
        self._request("chat.delete", {"channel": posted.address, "ts": posted.ts})
        return "a test message was posted and deleted"

    def _call(self, method: str, arguments: dict[str, Any]) -> Thread:
        has_buttons = self._has_socket_mode and self._receives_presses()
        body = arguments if has_buttons else without_buttons(arguments)
        response = self._request(method, body)
        return Thread(_field(response, "channel"), _field(response, "ts"))

    def _request(
        self, method: str, arguments: dict[str, Any], *, read: bool = False
    ) -> dict[str, Any]:
        values = {key: value for key, value in arguments.items() if value is not None}
        try:
            response = (
                self._client.api_call(method, params=values)  # Slack reads no JSON here
                if read
                else self._client.api_call(method, json=values)
            )
        except SlackApiError as error:
            raise _translate(error) from error
        except (SlackClientError, OSError) as error:  # OSError: refused, reset, timed out, no name
            reason = getattr(error, "reason", error)
            not_sent = isinstance(reason, (ConnectionRefusedError, socket.gaierror))
            raise ChannelUnavailableError(
                f"Slack is unavailable: {error}", code="" if not_sent else "unknown_outcome"
            ) from error
        except STRANGE:
            raise _strange() from None
        if not isinstance(response.data, dict):
            raise _strange()
        return response.data


def _field(response: dict[str, Any], name: str) -> str:
    if name not in response:
        raise _strange()
    return str(response[name])


def _strange() -> ChannelUnavailableError:
    return ChannelUnavailableError(
        "the response is not one of Slack's; is SLACK_API_URL its address?", code="unknown_outcome"
    )


def _translate(
    error: SlackApiError,
) -> ChannelUnavailableError | ChannelMisconfiguredError | ChannelRefusedError:
    response = error.response
    status = getattr(response, "status_code", 0)
    data = response if isinstance(response, dict) else getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or status >= 500 or code in TRANSIENT or not code:
        return ChannelUnavailableError(
            f"Slack is unavailable: {code or f'HTTP {status}'}",
            _retry_after(response),
            code="" if status == 429 or code in NOT_TAKEN else "unknown_outcome",
        )
    if code in OF_THE_MESSAGE:
        return ChannelRefusedError(
            f"Slack refused the message: {code}; {OF_THE_MESSAGE[code]}",
            code="parent_gone" if code in OF_THE_PARENT else "refused",
        )
    advice = ADVICE.get(code, "see the error in Slack's API documentation")
    return ChannelMisconfiguredError(f"Slack refuses all messages: {code}; {advice}")


ADVICE = {
    "account_inactive": "the bot's account was removed: install the Slack app again",
    "channel_not_found": "check the id of the channel, and invite the bot to the channel",
    "invalid_auth": "check SLACK_BOT_TOKEN",
    "is_archived": "the channel is archived: name another",
    "missing_scope": "give the Slack app the scope chat:write and install it again",
    "not_authed": "set SLACK_BOT_TOKEN",
    "not_in_channel": "invite the bot to the channel",
    "token_expired": "set SLACK_BOT_TOKEN to a current token",
    "token_revoked": "set SLACK_BOT_TOKEN to a current token",
}


def _retry_after(response: Any) -> float | None:
    headers = getattr(response, "headers", None) or {}
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
    if isinstance(value, list):
        value = value[0] if value else None
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None


class _BriefRateLimitRetryHandler(RateLimitErrorRetryHandler):
    """Retry in the call only if Slack asks for a wait of a few seconds."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        wait = _retry_after(response)
        return (
            super()._can_retry(state=state, request=request, response=response, error=error)
            and wait is not None
            and wait <= MAX_WAIT_IN_CALL_SECONDS
        )
