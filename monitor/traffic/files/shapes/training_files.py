"""Files of fine-tuning besides chat messages: completions and preferences.

``{"prompt", "completion"}``: OpenAI's older fine-tuning format, and TRL's "prompt-completion" type,
whose values may be lists of messages (TRL, docs/source/dataset_formats.md).

``{"prompt", "chosen", "rejected"}``: TRL's preference type, where ``chosen`` may repeat the
prompt's messages ("implicit prompt"). ``{"input": {"messages"}, "preferred_output",
"non_preferred_output"}``: OpenAI's preference format (documentation, "Direct preference
optimization"). The preferred response is the response, the rejected one is not read.
"""

from typing import Any

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.call_texts import read_input
from monitor.traffic.files.shapes.common_keys import read_common_keys
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import are_turns, decode_text, read_turns
from monitor.traffic.formats.schemas.messages import as_text
from monitor.traffic.parsing.raw_exchange import RawExchange, RecordPart


def _is_completion(content: Object) -> bool:
    return {"prompt", "completion"} <= content.keys() and not isinstance(
        content["completion"], int | float
    )


def _read_completion(content: Object) -> list[RecordPart]:
    return [_exchange(read_input(content["prompt"]), content["completion"], content)]


def _is_preference(content: Object) -> bool:
    return {"chosen", "rejected"} <= content.keys() or {
        "preferred_output",
        "non_preferred_output",
    } <= content.keys()


def _read_preference(content: Object) -> list[RecordPart]:
    if "preferred_output" in content:
        return [_exchange(read_input(content.get("input")), content["preferred_output"], content)]
    return [_exchange(read_input(content.get("prompt")), content["chosen"], content)]


def _exchange(messages: tuple[Message, ...], response: Any, content: Object) -> RawExchange:
    """Return the exchange; a response that is a conversation is its last turn."""
    turns = decode_text(response)
    turns = [turns] if isinstance(turns, dict) else turns
    if are_turns(turns):
        *before, last = read_turns(turns)
        if last.role != "assistant":
            raise RecordError("missing_response", "the last message is not the assistant's")
        repeats = any(turn.role == "user" for turn in before)
        messages, response = (tuple(before) if repeats else (*messages, *before)), last.content
    if not messages:
        raise RecordError(
            "missing_prompt", "no `prompt`, and the response is no list of messages that holds it"
        )
    return RawExchange(
        messages=messages,
        response=None if response is None else as_text(response),
        response_missing=response is None,
        **read_common_keys(content),
    )


COMPLETIONS = Shape(
    "prompts with completions",
    _is_completion,
    _read_completion,
    remark="the completion is the response",
)
PREFERENCES = Shape(
    "preferences",
    _is_preference,
    _read_preference,
    remark="the preferred response is read, the rejected one is not",
)
