"""Inputs and outputs of a model's calls, as tracers record them: texts, messages, JSON."""

from collections.abc import Sequence
from typing import Any

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.turns import (
    are_turns,
    decode_text,
    is_turn,
    read_turn,
    read_turns,
)
from monitor.traffic.formats.schemas.bodies import is_completion, read_response_content
from monitor.traffic.formats.schemas.messages import as_text, read_content
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.parsing.timestamps import parse_timestamp

#: Keys of an input: of the conversation, of the user's text, of the system message.
_CONVERSATIONS = ("messages", "input_messages", "chat_history", "history")
TEXT_KEYS = ("prompt", "question", "query", "user_message", "input", "text", "message")
_SYSTEMS = ("system", "instructions", "system_prompt")
#: Keys of an output that has nothing else.
OUTPUT_KEYS = ("output", "content", "text", "completion", "message", "response")


def read_input(value: Any) -> tuple[Message, ...]:
    """Return the conversation of an input: a text, messages, or an object with either.

    An object without a known key is its JSON text.
    """
    decoded = _unwrap(decode_text(value))
    if decoded is None:
        return ()
    if are_turns(decoded):
        return read_turns(decoded)
    if is_turn(decoded):
        return (read_turn(decoded),)
    if isinstance(decoded, dict):
        return _read_object(decoded)
    if isinstance(decoded, list) and all(isinstance(part, str) for part in decoded):
        return (Message("user", "\n".join(decoded)),)
    return (Message("user", value if isinstance(value, str) else as_text(value)),)


def read_output(value: Any) -> ResponseContent:
    """Return the response of an output.

    Of several messages the last one of the assistant counts: an agent returns the whole
    conversation. An object that is no message is its JSON text: what the model was told to write.
    """
    decoded = decode_text(value)
    if decoded is None:
        return ResponseContent(missing=True)
    turns = [decoded] if is_turn(decoded) else _unwrap(decoded)
    if isinstance(decoded, dict) and not is_turn(decoded):
        if is_completion(decoded):
            return read_response_content(decoded)
        if "generations" in decoded:
            return ResponseContent(text=_read_generations(decoded["generations"]))
        if len(decoded) == 1 and next(iter(decoded)) in OUTPUT_KEYS:
            return read_output(next(iter(decoded.values())))
        turns = _unwrap(decode_text(decoded.get("messages") or decoded.get("output_messages")))
    if are_turns(turns):
        texts = [turn.content for turn in read_turns(turns) if turn.role == "assistant"]
        return ResponseContent(text=texts[-1]) if texts else ResponseContent(missing=True)
    return ResponseContent(text=value if isinstance(value, str) else as_text(value))


def seconds_between(start: Any, end: Any) -> float | None:
    """Return the seconds between two times; ``None`` where one is missing or later."""
    if start is None or end is None:
        return None
    try:
        seconds = (parse_timestamp(end) - parse_timestamp(start)).total_seconds()
    except (RecordError, TypeError):
        return None
    return seconds if seconds >= 0 else None


def _unwrap(value: Any) -> Any:
    """Return the only list of a list of lists: LangChain's batch of conversations."""
    is_batch = isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)
    return value[0] if is_batch else value


def _read_object(content: dict[str, Any]) -> tuple[Message, ...]:
    """Return the system message, the conversation and the user's text of an input."""
    system = next((content[key] for key in _SYSTEMS if content.get(key)), None)
    messages = [Message("system", read_content(system))] if system else []
    lists = (_unwrap(decode_text(content.get(key))) for key in _CONVERSATIONS)
    turns = read_turns(next((turns for turns in lists if are_turns(turns)), ()))
    text = next((content[key] for key in TEXT_KEYS if isinstance(content.get(key), str)), None)
    is_complete = bool(turns) and turns[-1].role != "assistant"
    if turns and (text is None or is_complete):
        return (*messages, *turns)
    if text is not None:
        return (*messages, *turns, Message("user", text))
    if content.get("prompts"):
        return (*messages, *read_input(content["prompts"]))
    return (Message("user", as_text(content)),)


def _read_generations(generations: Any) -> str:
    """Return the first text of LangChain's ``LLMResult.generations``, nested or flat."""
    first: Any = generations
    while isinstance(first, Sequence) and not isinstance(first, str):
        first = first[0] if first else {}
    if not isinstance(first, dict):
        return as_text(first)
    message = read_turn(first["message"]).content if is_turn(first.get("message")) else ""
    return message or as_text(first.get("text"))
