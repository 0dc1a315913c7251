"""Position of a record in its source, and the rows of halves and feedback that have one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Position:
    """The place of a record: a Kafka topic or a file, its partition and offset."""

    source: str
    partition: int
    offset: int
    #: Position inside a record that carries several exchanges.
    record_index: int = 0


@dataclass(frozen=True, kw_only=True)
class FeedbackRow:
    """A value of the feedback on an exchange; its id is redacted as the exchange's is."""

    position: Position
    exchange_id: str
    #: Empty where the record names none.
    model: str
    name: str
    value: float
    given_at: datetime
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class HalfRow:
    """A pending request or response."""

    position: Position
    join_id: str
    side: Literal["request", "response"]
    end_user: str
    occurred_at: datetime
    received_at: datetime
    #: As in ``exchanges``, but of the decision before the rate of its kind.
    randomness: int
    threshold: int
    inclusion_probability: float
    payload: dict[str, Any]

    @property
    def is_sampled(self) -> bool:
        """Whether the sample has it; else it waits to be observed only."""
        return self.randomness >= self.threshold
