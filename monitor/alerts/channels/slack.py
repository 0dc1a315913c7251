"""Slack channel by its Web API; the only module that imports slack-sdk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import (
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryState,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler

from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)
from monitor.settings import Alerts, Secrets

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

#: The text of a message is not parsed, and what it names is not linked.
LITERAL = {"parse": "none", "link_names": False, "mrkdwn": False}

log = structlog.get_logger()


class SlackSender:
    """Post to one channel.

    Args:
        secrets: ``SLACK_BOT_TOKEN`` (scope ``chat:write``) and ``SLACK_API_URL``.
        channel: Id of the channel; the bot must be a member.
        timeout_seconds: Timeout of a request.
    """

    def __init__(self, secrets: Secrets, channel: str, timeout_seconds: int = 10) -> None:
        self.channel = channel
        self._client = WebClient(
            token=secrets.slack_bot_token.get_secret_value(),
            base_url=secrets.slack_api_url.rstrip("/") + "/",
            timeout=timeout_seconds,
            retry_handlers=[
                _BriefRateLimitRetryHandler(max_retry_count=1),
                ServerErrorRetryHandler(max_retry_count=2),
            ],
        )

    def post(self, payload: dict[str, Any], thread_ts: str | None = None) -> tuple[str, str]:
        """Post a message; return its channel and timestamp.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelMisconfiguredError: Slack rejects all messages until the configuration changes.
            ChannelRefusedError: Slack rejects this message.
        """
        return self._call(
            "chat.postMessage",
            {
                "channel": self.channel,
                "thread_ts": thread_ts,
                # Untrusted texts must not make Slack fetch their links.
                "unfurl_links": False,
                "unfurl_media": False,
                **LITERAL,
                **payload,
            },
        )

    def update(self, payload: dict[str, Any], channel: str, ts: str) -> tuple[str, str]:
        """Replace a message; return its channel and timestamp.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelMisconfiguredError: Slack rejects all messages until the configuration changes.
            ChannelRefusedError: Slack rejects this message.
        """
        return self._call("chat.update", {"channel": channel, "ts": ts, **LITERAL, **payload})

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
        channel = str(scheduled["channel"])
        deleted = {"channel": channel, "scheduled_message_id": scheduled["scheduled_message_id"]}
        self._request("chat.deleteScheduledMessage", deleted)
        if channel != self.channel:
            raise ChannelMisconfiguredError(
                f"alerts.channel = {self.channel!r} is a name, and messages in it can't be "
                f"updated; set its id: alerts.channel = {channel!r}"
            )
        team, user = workspace.get("team", "?"), workspace.get("user", "?")
        return f"{team} as {user}, channel {channel}"

    def _call(self, method: str, arguments: dict[str, Any]) -> tuple[str, str]:
        response = self._request(method, arguments)
        return str(response["channel"]), str(response["ts"])

    def _request(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        body = {key: value for key, value in arguments.items() if value is not None}
        try:
            response = self._client.api_call(method, json=body)
        except SlackApiError as error:
            raise _translate(error) from error
        except (SlackClientError, OSError) as error:  # OSError: refused, reset, timed out, no name
            raise ChannelUnavailableError(f"Slack is unavailable: {error}") from error
        if not isinstance(response.data, dict):
            raise ChannelUnavailableError("Slack is unavailable: its response is not JSON")
        return response.data


def missing(secrets: Secrets, alerts: Alerts) -> list[str]:
    """Return which of the channel and the token are not set."""
    values = {
        "alerts.channel": alerts.channel,
        "the variable SLACK_BOT_TOKEN": secrets.slack_bot_token.get_secret_value(),
    }
    return [name for name, value in values.items() if not value]


def build(secrets: Secrets, alerts: Alerts) -> SlackSender | None:
    """Build the sender; ``None`` without a channel, and, with a warning, without a token."""
    if not alerts.channel:
        return None
    if not secrets.slack_bot_token.get_secret_value():
        log.warning("slack_disabled", reason="SLACK_BOT_TOKEN is not set")
        return None
    return SlackSender(secrets, alerts.channel)


def _translate(
    error: SlackApiError,
) -> ChannelUnavailableError | ChannelMisconfiguredError | ChannelRefusedError:
    response = error.response
    status = getattr(response, "status_code", 0)
    data = response if isinstance(response, dict) else getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or status >= 500 or code in TRANSIENT or not code:
        return ChannelUnavailableError(
            f"Slack is unavailable: {code or f'HTTP {status}'}", _retry_after(response)
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
    "channel_not_found": "check alerts.channel, and invite the bot to the channel",
    "invalid_auth": "check SLACK_BOT_TOKEN",
    "is_archived": "the channel is archived: set alerts.channel to another",
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
