"""GenAI conversations as one event per message, up to semantic conventions 1.36.

The events of a model call share trace and span; the last is ``gen_ai.choice``.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.gen_ai_messages import (
    Output,
    read_chat_message,
    read_inputs,
    read_outputs,
)
from monitor.traffic.formats.schemas.messages import read_message
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.raw_exchange import convert

#: Event name -> role, if the event names none.
ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
#: Older convention: one event for the whole prompt, one for the completion.
PROMPT, COMPLETION = "gen_ai.content.prompt", "gen_ai.content.completion"
#: Prefixes of texts that are the JSON of messages.
JSON_BEGINS = ("[{", '{"')
NAMES = {*ROLES, CHOICE, PROMPT, COMPLETION}


class Conversation(msgspec.Struct, frozen=True):
    """Conversation of a call."""

    messages: tuple[Message, ...]
    #: ``None`` if no event has a response.
    outputs: list[Output] | None


def read_events(events: Iterable[tuple[str, Any]]) -> Conversation:
    """Return the conversation of one call's events.

    An event has a name and a content: a log record's body, or a span event's attributes.

    Raises:
        RecordError: An event has an invalid structure.
    """
    messages: list[Message] = []
    choices: list[tuple[int, Output]] = []
    for name, carried in events:
        content = _content(carried)
        if name == PROMPT:
            messages += read_prompt(content.get("gen_ai.prompt"))
        elif name == COMPLETION:
            choices += [(0, output) for output in read_completion(content.get("gen_ai.completion"))]
        elif name == CHOICE:
            choices.append(_read_choice(content))
        else:
            message = read_chat_message({**content, "role": content.get("role") or ROLES[name]})
            messages.append(read_message(message))
    choices.sort(key=lambda choice: choice[0])
    return Conversation(tuple(messages), [output for _, output in choices] if choices else None)


def read_prompt(value: Any) -> tuple[Message, ...]:
    """Return a prompt given as text, messages, or the JSON of messages."""
    if isinstance(value, str) and not value.startswith(JSON_BEGINS):
        return (Message("user", value),)
    return read_inputs(value) if value else ()


def read_completion(value: Any) -> list[Output]:
    """Return the responses of a completion given as text, messages, or the JSON of messages."""
    if isinstance(value, str) and not value.startswith(JSON_BEGINS):
        return [Output(value)]
    return read_outputs(value) if value else []


def _content(carried: Any) -> dict[str, Any]:
    """Return the content of an event as an object."""
    if isinstance(carried, dict) and isinstance(carried.get("gen_ai.event.content"), str):
        carried = carried["gen_ai.event.content"]
    if isinstance(carried, str):
        carried = parse_json(carried) if carried.startswith(JSON_BEGINS) else {"content": carried}
    return convert(carried or {}, dict[str, Any])


def _read_choice(content: dict[str, Any]) -> tuple[int, Output]:
    message = content.get("message", content)
    if isinstance(message, str):
        message = parse_json(message) if message.startswith(JSON_BEGINS) else {"content": message}
    chat_message = read_chat_message(convert(message or {}, dict[str, Any]))
    index = content.get("index")
    finish_reason = content.get("finish_reason")
    return index if isinstance(index, int) else 0, Output(
        chat_message.text, finish_reason, chat_message.refuses
    )
