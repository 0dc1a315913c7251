"""Texts that an export left encoded: JSON in a column of texts, or whole responses of an API."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.call_texts import OUTPUT_KEYS, TEXT_KEYS
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import are_turns, decode_text, read_turns
from monitor.traffic.formats.schemas.bodies import is_api_response, read_response_content
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import NO_CALL_METADATA, RawExchange

#: Share of the first texts that must be encoded: a user or a model may write JSON now and then.
MIN_ENCODED = 0.9

#: Returns the content of an encoded response; ``None`` of another text.
_Decode = Callable[[str], ResponseContent | None]


def decode_texts(shape: Shape, first: Sequence[Object]) -> Shape:
    """Return a shape that reads encoded texts as what they hold, with a remark; else the same.

    Prompts, or responses, are encoded where at least 90% of the first ones are. JSON in the
    responses alone is what the model wrote and stays, unless it is the response of an API, a text
    in quotes or ``{"text": ...}``.
    """
    exchanges = [raw for content in first for raw in _read(shape, content)]
    prompts = [raw.messages[-1].content for raw in exchanges if raw.messages]
    responses = [raw.response for raw in exchanges if raw.response]
    has_prompts = _are_encoded(prompts, _prompt)
    decoders: tuple[_Decode, ...] = (_api_response, _text, *((_enclosed,) if has_prompts else ()))
    decode = next((decode for decode in decoders if _are_encoded(responses, decode)), None)
    if not has_prompts and decode is None:
        return shape
    names = [
        *(["prompts"] if has_prompts else []),
        *(["responses"] if decode is not None else []),
    ]
    remark = f"the {' and '.join(names)} are JSON in a text, whose content is read"
    return replace(
        shape,
        amend=partial(_amend, has_prompts=has_prompts, decode=decode),
        remark="; ".join(part for part in (shape.remark, remark) if part),
    )


def _read(shape: Shape, content: Object) -> Iterator[RawExchange]:
    try:
        parts = shape.read(Payload.of(dict(content)))
    except RecordError:
        return
    yield from (part for part in parts if isinstance(part, RawExchange))


def _are_encoded(texts: Sequence[str], decode: Callable[[str], Any]) -> bool:
    n_encoded = sum(decode(text) is not None for text in texts)
    return n_encoded >= MIN_ENCODED * len(texts) > 0


def _amend(raw: RawExchange, *, has_prompts: bool, decode: _Decode | None) -> RawExchange:
    if has_prompts and raw.messages:
        messages = _prompt(raw.messages[-1].content) or raw.messages[-1:]
        raw = msgspec.structs.replace(raw, messages=(*raw.messages[:-1], *messages))
    content = decode(raw.response) if decode is not None and raw.response else None
    if content is None:
        return raw
    known = raw.call_metadata is not NO_CALL_METADATA
    return msgspec.structs.replace(
        raw,
        response=content.text,
        response_missing=content.missing,
        call_metadata=raw.call_metadata if known else content.call_metadata,
    )


def _prompt(text: str) -> tuple[Message, ...] | None:
    """Return the messages of an encoded prompt."""
    value = _decoded(text)
    turns = request_turns(value)
    if turns:
        return read_turns(turns)
    content = enclosed_text(value)
    return None if content is None else (Message("user", content),)


def _api_response(text: str) -> ResponseContent | None:
    value = _decoded(text)
    is_error = isinstance(value, dict) and isinstance(value.get("error"), dict)
    try:
        return read_response_content(value) if is_error or is_api_response(value) else None
    except RecordError:
        return None


def _text(text: str) -> ResponseContent | None:
    """Return a text in quotes, a sentence alone in a list, or ``{"text": ...}``."""
    value = _decoded(text)
    is_sentence = isinstance(value, list) and len(value) == 1 and " " in str(value[0])
    if isinstance(value, str) or is_sentence:
        return _content(_joined(value))
    return _content(_only_text(value, ("text",)))


def _enclosed(text: str) -> ResponseContent | None:
    """Return what a list of texts, or an object with nothing else, encloses."""
    return _content(enclosed_text(_decoded(text)))


def _content(text: str | None) -> ResponseContent | None:
    return None if text is None else ResponseContent(text=text)


def _decoded(text: str) -> Any:
    """Return the list, object or text that a text encodes, once or more; ``None`` of another."""
    stripped = text.strip()
    if stripped.startswith('"') and stripped.endswith('"'):
        try:
            inner = parse_json(stripped)
        except RecordError:
            return None
        deeper = _decoded(inner)
        return inner if deeper is None else deeper
    value = decode_text(stripped)
    return None if isinstance(value, str) else value


def request_turns(value: Any) -> Sequence[Any]:
    """Return the messages of a conversation, or of the body of a request; none of another value."""
    turns = value.get("messages") if isinstance(value, dict) else value
    return turns if isinstance(turns, list) and are_turns(turns) else ()


def enclosed_text(value: Any) -> str | None:
    """Return the text that a list of texts, or an object with nothing else, encloses."""
    content = _joined(value)
    return _only_text(value, (*TEXT_KEYS, *OUTPUT_KEYS)) if content is None else content


def _joined(value: Any) -> str | None:
    """Return a text, or the texts of a list; a missing one is left out."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return None
    texts = [part for part in value if part is not None]
    return "\n".join(texts) if all(isinstance(part, str) for part in texts) else None


def _only_text(value: Any, keys: Sequence[str]) -> str | None:
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((key, text),) = value.items()
    return text if key in keys and isinstance(text, str) else None
