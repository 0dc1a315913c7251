"""One prompt and its response: what every format is decoded to."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class Message(msgspec.Struct, frozen=True):
    """A turn of a conversation."""

    #: ``system``, ``end_user``, ``assistant`` or ``tool``.
    role: str
    content: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and its response, as production served them."""

    exchange_id: str
    #: Aware, UTC.
    occurred_at: datetime
    #: Whether the record says so itself: else it is the time of Kafka's record, or of reading.
    has_timestamp: bool = True
    model: str
    task_type: str = ""
    #: User or session id, the unit that is exchangeable; empty if unknown.
    end_user: str = ""
    #: The conversation up to the response.
    messages: tuple[Message, ...]
    response: str
    #: Scalars only. Numbers and booleans are metrics.
    attributes: dict[str, Any] = {}
    #: Set when text was cut.
    truncated: bool = False
    #: The trace that the request belongs to; empty if unknown.
    trace_id: str = ""
    #: Place in a record that carries several exchanges.
    record_index: int = 0
    #: The source kept the texts back, so there is nothing to compare: it is counted, not stored.
    withheld: bool = False

    @property
    def prompt(self) -> str:
        """The last user message: a system prompt that never changes would hide what does."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")


class Half(msgspec.Struct, frozen=True):
    """A request or response whose partner has a record of its own."""

    side: Literal["request", "response"]
    #: What both have in common.
    join_id: str
    #: The request without a response, or the response without messages.
    exchange: Exchange
