"""Responses of chat-completions APIs, whole or as chunks of a stream."""

from typing import Any

import msgspec

from monitor.traffic.formats.schemas.messages import ChatMessage, CustomTool, Function, ToolCall
from monitor.traffic.formats.schemas.response_content import ResponseContent, read_error
from monitor.traffic.parsing.raw_exchange import CallMetadata, convert


class Choice(msgspec.Struct):
    """A choice, or a part of one in a stream."""

    index: Any = 0
    message: ChatMessage | None = None
    #: Addition of a chunk.
    delta: ChatMessage | None = None
    #: Text of the older text completions.
    text: str | None = None
    finish_reason: Any = None


class Usage(msgspec.Struct):
    """Numbers of tokens."""

    prompt_tokens: Any = None
    completion_tokens: Any = None


class Completion(msgspec.Struct):
    """The body of a response, or a chunk of it."""

    id: str | None = None
    created: str | float | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: Any = None


def read_completion(body: Any) -> ResponseContent:
    """Read a response: an object, or the list of a stream's chunks.

    Of several choices the first counts.

    Raises:
        RecordError: ``wrong_type``.
    """
    if isinstance(body, list):
        completion = assemble(convert(body, list[Completion]))
    else:
        completion = convert(body, Completion)
    choice = (completion.choices or [Choice()])[0]
    message = choice.message or ChatMessage(content=choice.text)
    usage = completion.usage or Usage()
    return ResponseContent(
        text=message.text,
        missing=not completion.choices,
        id=completion.id or "",
        model=completion.model or "",
        created=completion.created,
        call_metadata=CallMetadata(
            finish_reason=choice.finish_reason,
            refusal=message.refuses if choice.message else None,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            error=read_error(completion.error),
        ),
    )


def assemble(chunks: list[Completion]) -> Completion:
    """Return the completion of a stream's chunks, with its first choice only."""
    whole = ChatMessage(role="assistant")
    result = Completion()
    finish_reason: Any = None
    texts: dict[str, list[str]] = {"content": [], "refusal": [], "text": []}
    calls: dict[Any, ToolCall] = {}
    has_choice = False
    for chunk in chunks:
        result.id = result.id or chunk.id
        result.model = result.model or chunk.model
        result.created = chunk.created if result.created is None else result.created
        result.usage = chunk.usage or result.usage
        result.error = chunk.error or result.error
        for choice in chunk.choices or []:
            if isinstance(choice.index, int) and choice.index != 0:
                continue
            has_choice = True
            finish_reason = choice.finish_reason or finish_reason
            texts["text"].append(choice.text or "")
            delta = choice.delta or choice.message or ChatMessage()
            texts["content"].append(delta.content if isinstance(delta.content, str) else "")
            texts["refusal"].append(delta.refusal or "")
            _add_calls(calls, delta)
    whole.content = "".join(texts["content"]) or "".join(texts["text"])
    whole.refusal = "".join(texts["refusal"])
    whole.tool_calls = list(calls.values())
    result.choices = [Choice(message=whole, finish_reason=finish_reason)] if has_choice else []
    return result


def _add_calls(calls: dict[Any, ToolCall], delta: ChatMessage) -> None:
    """Add the tool calls of a chunk; their arguments come in pieces."""
    parts = [*(delta.tool_calls or [])]
    if delta.function_call:
        parts.append(ToolCall(function=delta.function_call))
    for part in parts:
        number = part.index if isinstance(part.index, int) else len(calls)
        call = calls.setdefault(number, ToolCall())
        if part.function:
            call.function = call.function or Function(arguments="")
            call.function.name = (call.function.name or "") + (part.function.name or "")
            if isinstance(part.function.arguments, str):
                call.function.arguments += part.function.arguments
        if part.custom:
            call.custom = call.custom or CustomTool(input="")
            call.custom.name = (call.custom.name or "") + (part.custom.name or "")
            call.custom.input = (call.custom.input or "") + (part.custom.input or "")
