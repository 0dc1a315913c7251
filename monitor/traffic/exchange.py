"""Exchanges, as every format is decoded to."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from monitor.settings.models.names import ModelNames


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A turn of a conversation."""

    #: ``system``, ``user``, ``assistant`` or ``tool``.
    role: str
    content: str
    #: Parts that are no text, such as images, before cleaning; 0, which is not stored, afterwards.
    n_other_parts: int = 0


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """Names that describe an exchange; each is a column of its own.

    Cleaning, joining, dead letters, storage and digests loop over these fields, and the plain
    format has a key for each: a new label is declared here, as a column of
    :class:`monitor.store.traffic.exchange_columns.Exchanges` and in the table.
    """

    model: str = ""
    task_type: str = ""
    #: User or session id, the unit that is exchangeable; empty if unknown.
    end_user: str = ""


LABELS = Labels.__struct_fields__


class Exchange(Labels, frozen=True, kw_only=True):
    """A prompt and its response, as production served them."""

    exchange_id: str
    #: Aware, UTC.
    occurred_at: datetime
    #: Whether the record itself has a time; else it is that of Kafka's record, or of reading.
    has_timestamp: bool = True
    #: The conversation up to the response.
    messages: tuple[Message, ...]
    response: str
    #: Whether the record itself has a response, if only an empty text or the error of a call; else
    #: nothing is known of it.
    has_response: bool = True
    #: Scalars only. Numbers and booleans are metrics.
    attributes: dict[str, Any] = {}
    #: Set when text was cut.
    truncated: bool = False
    #: Images and other parts of the conversation that are no text.
    n_other_parts: int = 0
    #: Position in a record that carries several exchanges.
    record_index: int = 0
    #: The source withholds the texts: the exchange is counted, not stored.
    withheld: bool = False

    @property
    def prompt(self) -> str:
        """The last user message: a constant system prompt would hide what changes."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")


#: Attribute with the name that the traffic gave a model which is listed under another.
TRAFFIC_NAME = "traffic_model"


def name_model(exchange: Exchange, names: ModelNames) -> Exchange:
    """Return an exchange under the name of its listed model; others keep theirs."""
    model = names.resolve(exchange.model)
    if model is None or model == exchange.model:
        return exchange
    attributes = {TRAFFIC_NAME: exchange.model} | exchange.attributes
    return replace(exchange, model=model, attributes=attributes)


class Feedback(Labels, frozen=True, kw_only=True):
    """A user's feedback on a response, in a record of its own; a label may be empty."""

    exchange_id: str
    #: Aware, UTC.
    given_at: datetime
    #: Finite numbers by name; booleans are 0 and 1.
    values: dict[str, float]


class Half(msgspec.Struct, frozen=True):
    """A request or response whose partner has a record of its own."""

    side: Literal["request", "response"]
    #: The id that both records carry.
    join_id: str
    #: The request without a response, or the response without messages.
    exchange: Exchange
