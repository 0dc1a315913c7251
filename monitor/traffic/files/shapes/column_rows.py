"""Rows of tables, read by their columns."""

from collections.abc import Sequence
from typing import Any

from monitor.errors import InputError, RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes import column_names as names
from monitor.traffic.files.shapes.columns import Columns, is_id_number, read_boolean, read_number
from monitor.traffic.files.shapes.common_keys import time_at
from monitor.traffic.files.shapes.encoded_texts import enclosed_text, request_turns
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import (
    are_turns,
    decode_text,
    is_turn,
    read_turn,
    read_turns,
)
from monitor.traffic.formats.schemas.bodies import is_api_response, read_response_content
from monitor.traffic.formats.schemas.messages import as_text
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.raw_exchange import NO_CALL_METADATA, RawExchange, RecordPart, to_text

_RESPONSES = frozenset(name for tier in names.RESPONSES for name in tier)


def column_shape(columns: Columns) -> Shape:
    """Return the shape of objects with these columns."""

    def matches(content: Object) -> bool:
        return columns.prompt in content or columns.response in content

    def read(content: Object) -> Sequence[RecordPart]:
        if not columns.response:
            _refuse_late_response(content, columns)
        return [_read_row(content, columns)]

    return Shape(
        "columns",
        matches,
        read,
        remark="" if columns.are_plain else f"{columns}; set traffic.fields to read others",
        roles={"prompt": columns.prompt, "response": columns.response},
        columns=frozenset(columns.names),
    )


def _refuse_late_response(content: Object, columns: Columns) -> None:
    """Refuse a response under a name that none of the first rows has a value of.

    Raises:
        RecordError: ``unknown_format``.
    """
    late = (key for key in content if names.normalize(key) in _RESPONSES)
    column = next((key for key in late if key not in columns.names), None)
    if column is not None and content[column] is not None:
        raise RecordError(
            "unknown_format",
            f"a response that the first rows don't have; set traffic.fields.response = {column!r}",
        )


def check_same_columns(shapes: Sequence[Shape | None], labels: Sequence[str]) -> None:
    """Raise ``InputError`` for two files with the same columns, of which the guesses differ."""
    first, second = shapes
    if first is None or second is None:
        return
    for role, column in first.roles.items():
        other = second.roles.get(role, column)
        if column != other and (column in second.columns or other in first.columns):
            raise InputError(
                f"{labels[0]} and {labels[1]}: the {role} would be {column or 'none'!r} of the one "
                f"and {other or 'none'!r} of the other; set traffic.fields.{role}",
                code="different_columns",
            )


def _read_row(content: Object, columns: Columns) -> RawExchange:
    system = as_text(content.get(columns.system)) if columns.system else ""
    messages = _messages(content.get(columns.prompt), columns.prompt)
    body = content.get(columns.response) if columns.response else None
    whole = read_response_content(body) if is_api_response(body) else None
    response = _response(content, columns) if whole is None else whole.text
    if response is not None and messages and messages[-1] == Message("assistant", response):
        messages = messages[:-1]
    return RawExchange(
        messages=(*((Message("system", system),) if system else ()), *messages),
        response=response,
        response_missing=response is None,
        is_conversation=not columns.response,
        exchange_id=_name(content, columns.exchange_id),
        timestamp=time_at(content, columns.timestamp),
        model=_name(content, columns.model),
        task_type=_name(content, columns.task_type),
        end_user=_name(content, columns.end_user),
        call_metadata=NO_CALL_METADATA if whole is None else whole.call_metadata,
        attributes=_metadata(content, columns),
    )


def _metadata(content: Object, columns: Columns) -> dict[str, Any]:
    """Return the metrics, and the values of an object that is named ``metadata``."""
    own: dict[str, Any] = {}
    for name in columns.metadata:
        value = content.get(name)
        if isinstance(value, dict):
            own |= value
        elif names.normalize(name) in names.CONTEXTS:
            own["context"] = value
        elif value not in (None, ""):
            own[name] = _metric(value)
    return own


def _messages(value: Any, column: str) -> tuple[Message, ...]:
    if value is None:
        return ()
    turns = request_turns(decode_text(value))
    if turns:
        return read_turns(turns)
    if isinstance(value, list | dict):
        value = enclosed_text(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RecordError("wrong_type", f"`{column}` is {json_kind(value)}, not a text")
    return (Message("user", to_text(value)),)


def _response(content: Object, columns: Columns) -> str | None:
    value = content.get(columns.response) if columns.response else None
    if value is None:
        return None
    decoded = decode_text(value)
    turns = [decoded] if is_turn(decoded) else decoded
    if are_turns(turns):
        texts = [turn.content for turn in map(read_turn, turns) if turn.role == "assistant"]
        return texts[-1] if texts else None
    if isinstance(value, list | dict):
        value = enclosed_text(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RecordError("wrong_type", f"`{columns.response}` is {json_kind(value)}, not a text")
    return to_text(value)


def _name(content: Object, column: str) -> str:
    """Return an id or name; 12.0 is 12, so that one id is the same in all files."""
    value = content.get(column) if column else None
    if isinstance(value, float) and is_id_number(value):
        value = int(value)
    return to_text(value) if isinstance(value, str | int | float) else ""


def _metric(value: Any) -> Any:
    for read in (read_boolean, read_number):
        metric = read(value) if isinstance(value, str) else None
        if metric is not None:
            return metric
    return value
