"""Replies to the user who pressed a button: messages that nobody else sees."""

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from monitor.errors import ChannelRefusedError, ChannelUnavailableError
from monitor.settings import Secrets

#: Errors of Slack after which a later attempt may succeed.
TRANSIENT = frozenset({"fatal_error", "internal_error", "ratelimited", "service_unavailable"})


class SlackReplies:
    """Send replies by the bot.

    Args:
        secrets: ``SLACK_BOT_TOKEN`` (scope ``chat:write``) and ``SLACK_API_URL``.
        timeout_seconds: Timeout of a request.
    """

    def __init__(self, secrets: Secrets, timeout_seconds: int = 5) -> None:
        self._client = WebClient(
            token=secrets.slack_bot_token.get_secret_value(),
            base_url=secrets.slack_api_url.rstrip("/") + "/",
            timeout=timeout_seconds,
        )

    def send(self, user: str, channel: str, payload: dict[str, Any]) -> None:
        """Show a message to a user in a channel.

        Args:
            user: Id of the user.
            channel: Id of the channel.
            payload: ``text`` and, optionally, ``blocks``.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelRefusedError: Slack refuses the reply; another attempt would not help.
        """
        body = {"channel": channel, "user": user, **payload}
        try:
            self._client.api_call("chat.postEphemeral", json=body)
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if error.response.status_code >= 429 or code in TRANSIENT or not code:
                raise ChannelUnavailableError(f"Slack is unavailable: {code}") from error
            raise ChannelRefusedError(f"Slack refused the reply: {code}") from error
        except (SlackClientError, OSError) as error:
            raise ChannelUnavailableError(f"Slack is unavailable: {error}") from error
