"""The protocol of a channel that the outbox delivers to."""

from typing import Any, Protocol


class Sender(Protocol):
    """A configured channel; calls return a message's channel and timestamp, or ids in their place.

    Each raises :class:`monitor.errors.ChannelUnavailableError` where a retry helps, and
    :class:`monitor.errors.ChannelMisconfiguredError` where it helps once somebody has mended the
    configuration; upon both the outbox backs off and repeats. It raises
    :class:`monitor.errors.ChannelRefusedError` where this message is never accepted.
    """

    def post(self, payload: dict[str, Any], thread_ts: str | None = None) -> tuple[str, str]:
        """Post a message, in a thread where ``thread_ts`` names one.

        Args:
            payload: ``text``, a summary, and ``blocks``, as :mod:`monitor.alerts.messages` builds
                them; ``render_text`` of ``messages/mrkdwn.py`` renders blocks as plain text.
            thread_ts: Timestamp of the first message of the thread.
        """

    def update(self, payload: dict[str, Any], channel: str, ts: str) -> tuple[str, str]:
        """Replace a message."""

    def check(self) -> str:
        """Return where messages go, for `driftwarden check`; nobody sees a message."""
