"""Flaws of messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.game_days.ledger import Message

#: ``doubled``: told twice; ``missing``: not told to a channel, or not at all.
KINDS = ("false", "stale", "contradicting", "doubled", "missing")
#: Time after a disturbance in which a channel may be behind: the longest delay of an attempt.
BEHIND = timedelta(minutes=65)
#: Times in messages are to the minute.
ROUNDING = timedelta(minutes=1)


@dataclass(frozen=True)
class Flaw:
    """A message that was wrong, or is missing."""

    #: One of :data:`KINDS`.
    kind: str
    at: datetime
    channel: str
    why: str
    text: str


def flaw(kind: str, message: Message, why: str, at: datetime | None = None) -> Flaw:
    """Return the flaw of a message."""
    return Flaw(kind, at or message.at, message.channel, why, message.title)
