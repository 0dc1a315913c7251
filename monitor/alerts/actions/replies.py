"""Replies to the user who pressed a button: messages that nobody else sees."""

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from monitor.errors import ChannelRefusedError, ChannelUnavailableError
from monitor.settings import Secrets

#: Errors of Slack after which a later attempt may succeed.
TRANSIENT = frozenset({"fatal_error", "internal_error", "ratelimited", "service_unavailable"})


def buttons_configured(secrets: Secrets) -> bool:
    """Return whether messages in Slack have buttons: both tokens are set."""
    return bool(
        secrets.slack_app_token.get_secret_value() and secrets.slack_bot_token.get_secret_value()
    )


class SlackReplies:
    """Send replies by the bot.

    Its secrets are ``SLACK_BOT_TOKEN`` (scope ``chat:write``) and ``SLACK_API_URL``.
    """

    def __init__(self, secrets: Secrets, timeout_seconds: int = 5) -> None:
        self._client = WebClient(
            token=secrets.slack_bot_token.get_secret_value(),
            base_url=secrets.slack_api_url.rstrip("/") + "/",
            timeout=timeout_seconds,
        )

    @classmethod
    def build(cls, secrets: Secrets) -> "SlackReplies | None":
        """Build the sender of replies; ``None`` where messages have no buttons."""
        return cls(secrets) if buttons_configured(secrets) else None

    def scopes(self) -> frozenset[str]:
        """Return the scopes of the bot token, for `driftwarden check`.

        Raises:
            ChannelUnavailableError: Slack is unavailable.
            ChannelRefusedError: Slack refuses the token.
        """
        headers = self._call("auth.test", {}).headers
        granted = next((v for k, v in headers.items() if k.lower() == "x-oauth-scopes"), "")
        return frozenset(name.strip() for name in str(granted).split(",") if name.strip())

    def send(self, user: str, channel: str, payload: dict[str, Any]) -> None:
        """Show a message to a user in a channel.

        The payload has ``text`` and, optionally, ``blocks``.

        Raises:
            ChannelUnavailableError: Slack is unavailable or rate-limits.
            ChannelRefusedError: Slack refuses the reply; another attempt would not help.
        """
        # Nothing in a reply is markup but its own.
        literal = {"parse": "none", "link_names": False}
        self._call("chat.postEphemeral", {"channel": channel, "user": user, **literal, **payload})

    def _call(self, method: str, body: dict[str, Any]) -> SlackResponse:
        try:
            return self._client.api_call(method, json=body)
        except SlackApiError as error:
            code = str(error.response.get("error", ""))
            if error.response.status_code >= 429 or code in TRANSIENT or not code:
                raise ChannelUnavailableError(f"Slack is unavailable: {code}") from error
            raise ChannelRefusedError(f"Slack refused {method}: {code}") from error
        except (SlackClientError, OSError) as error:
            raise ChannelUnavailableError(f"Slack is unavailable: {error}") from error
