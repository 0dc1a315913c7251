"""Raw exchanges: content of a record before cleaning and defaults."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Labels, Message
from monitor.traffic.parsing.cleaning import MAX_INTEGER

T = TypeVar("T")


class CallMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata of a model call, under the same names in every format.

    A value of a wrong type is left out.
    """

    finish_reason: Any = None
    #: Whether the model refused, if the format says so.
    refusal: bool | None = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    latency_seconds: Any = None
    time_to_first_token_seconds: Any = None
    cost_usd: Any = None
    #: Kind of error.
    error: Any = None
    #: Definitions of the tools that the model was offered, by ``parsing/tools.py``.
    tools: Any = None

    def attributes(self) -> dict[str, Any]:
        """Return the known values as attributes of an exchange."""
        if self is NO_CALL_METADATA:
            return {}
        known: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_text = name in {"finish_reason", "error", "tools"}
            if value is not None and (
                name == "refusal" or (isinstance(value, str) if is_text else is_number(value))
            ):
                known[name] = value
        return known


NO_CALL_METADATA = CallMetadata()


class RawExchange(Labels, frozen=True, kw_only=True):
    """An exchange, or one half of it, before cleaning and defaults."""

    #: Index in a record with several exchanges: the number of the log record or span.
    index: int = 0
    #: The conversation up to the response; empty where the record holds only the response.
    messages: tuple[Message, ...] = ()
    #: ``None`` if the record has no response: it may come in a record of its own. Empty if there
    #: was none.
    response: str | None = None
    #: The record says that there was no response, such as by null. An empty text is a response.
    response_missing: bool = False
    #: The record is a conversation: without a response, a last message of the assistant is the
    #: response.
    is_conversation: bool = False
    exchange_id: str = ""
    #: The id that request and response share if each has a record of its own; by default the
    #: exchange id.
    join_id: str = ""
    trace_id: str = ""
    timestamp: str | float | None = None
    call_metadata: CallMetadata = NO_CALL_METADATA
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    #: The source cut a text.
    truncated: bool = False
    #: The source withholds the texts.
    withheld: bool = False
    #: Makes a record of this exchange alone; ``None`` if the record holds nothing else.
    to_record: Callable[[], bytes] | None = None


class RawFeedback(Labels, frozen=True, kw_only=True):
    """Feedback on an exchange of another record, before it is checked."""

    #: Empty where the record has none: the id header or the key counts.
    exchange_id: str = ""
    timestamp: str | float | None = None
    values: dict[str, Any]


class UnreadablePart(msgspec.Struct, frozen=True, kw_only=True):
    """An unreadable exchange of a record with several; the decoder makes a record of it."""

    index: int
    error: RecordError
    #: Makes a record of the unreadable part alone.
    to_record: Callable[[], bytes]


class IgnoredParts(msgspec.Struct, frozen=True):
    """Parts of a record that are no exchanges and not meant to be."""

    count: int = 1


#: A part of a record, as formats return it.
RecordPart = RawExchange | RawFeedback | UnreadablePart | IgnoredParts


def split_final_response(raw: RawExchange) -> RawExchange:
    """Return a conversation with its last message as the response, if the assistant's."""
    last = raw.messages[-1] if raw.messages else None
    if not raw.is_conversation or raw.response is not None or last is None:
        return raw
    if last.role != "assistant":
        return raw
    return msgspec.structs.replace(raw, messages=raw.messages[:-1], response=last.content)


def convert(content: Any, shape: type[T]) -> T:
    """Convert JSON to a struct; ``RecordError`` (``wrong_type``) has the path of the value."""
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", str(error)) from None
    except UnicodeEncodeError:  # msgspec looks into texts where it expects none
        raise RecordError("wrong_type", "a lone surrogate where no text is expected") from None


def reported_version_metadata(requested: str | None, responding: str) -> dict[str, str]:
    """Return ``model_version`` if the responding model differs from the requested alias."""
    is_alias = bool(requested and responding and requested != responding)
    return {"model_version": responding} if is_alias else {}


def to_text(value: str | float | None) -> str:
    """Return an id or name as text; numbers are common in their place."""
    return "" if value is None else str(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a number that fits a database column, and no boolean."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_INTEGER
