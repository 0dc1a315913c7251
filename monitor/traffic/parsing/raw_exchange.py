"""What a format reads from a record: not yet cleaned, and with what is missing still missing."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Labels, Message
from monitor.traffic.parsing.cleaning import MAX_INTEGER

T = TypeVar("T")


class CallMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What logs tell beside the texts; it has the same names whatever the format.

    Values are taken as they come: one of a wrong type is left out, as no text hangs on it.
    """

    finish_reason: Any = None
    #: Whether the model refused, where the format has a way to say so.
    refusal: bool | None = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    latency_seconds: Any = None
    time_to_first_token_seconds: Any = None
    cost_usd: Any = None
    #: The kind of error that the request ended with.
    error: Any = None

    def attributes(self) -> dict[str, Any]:
        """Return what is known, as attributes of an exchange."""
        if self is NO_CALL_METADATA:
            return {}
        known: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_text = name in {"finish_reason", "error"}
            if value is not None and (
                name == "refusal" or (isinstance(value, str) if is_text else is_number(value))
            ):
                known[name] = value
        return known


NO_CALL_METADATA = CallMetadata()


class RawExchange(Labels, frozen=True, kw_only=True):
    """An exchange, or one half of it, before cleaning and defaults."""

    #: Place in a record that carries several: the number of the log record or span.
    index: int = 0
    #: The conversation up to the response; empty where the record holds only the response.
    messages: tuple[Message, ...] = ()
    #: ``None`` where the record says nothing of a response: it may come in a record of its own.
    #: Empty where it says that there was none.
    response: str | None = None
    #: The record is a conversation: its last message is the answer where the assistant said it and
    #: no response is given.
    is_conversation: bool = False
    exchange_id: str = ""
    #: What request and response have in common where each has a record of its own; the id above
    #: where the format has nothing better.
    join_id: str = ""
    trace_id: str = ""
    timestamp: str | float | None = None
    call_metadata: CallMetadata = NO_CALL_METADATA
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    #: The source kept the texts back.
    withheld: bool = False
    #: Makes a record of this exchange alone; ``None`` where the record holds nothing else.
    to_record: Callable[[], bytes] | None = None


class UnreadablePart(msgspec.Struct, frozen=True, kw_only=True):
    """One of several exchanges in a record that can't be read, while the others can."""

    index: int
    error: RecordError
    #: Makes a record of what can't be read alone.
    to_record: Callable[[], bytes]


class IgnoredParts(msgspec.Struct, frozen=True):
    """Parts of a record that are no exchanges and not meant to be."""

    count: int = 1


#: What reading a record brings.
RecordPart = RawExchange | UnreadablePart | IgnoredParts


def split_final_response(raw: RawExchange) -> RawExchange:
    """Return a conversation that ends with the assistant's message with that as the response."""
    last = raw.messages[-1] if raw.messages else None
    if not raw.is_conversation or raw.response is not None or last is None:
        return raw
    if last.role != "assistant":
        return raw
    return msgspec.structs.replace(raw, messages=raw.messages[:-1], response=last.content)


def convert(content: Any, shape: type[T]) -> T:
    """Check decoded JSON against a struct.

    Raises:
        RecordError: ``wrong_type``, with the path of what is wrong.
    """
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", str(error)) from None
    except UnicodeEncodeError:  # msgspec looks into texts where it expects none
        raise RecordError("wrong_type", "half of a surrogate pair where no text belongs") from None


def reported_version_metadata(asked: str | None, answered: str) -> dict[str, str]:
    """Return the metadata that names a model's version: what answered in an alias's name."""
    return {"model_version": answered} if asked and answered and asked != answered else {}


def to_text(value: str | float | None) -> str:
    """Return an id or name as text; numbers are common where texts are meant."""
    return "" if value is None else str(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a number that a database takes, and no boolean."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_INTEGER
