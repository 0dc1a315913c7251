"""OpenAI chat completions: ``{"request": {...}, "response": {...}}``, as a proxy logs the pair.

Beside the two may stand ``id``, ``timestamp``, ``user``, ``task_type`` and ``metadata``.
"""

from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.draft import Draft, convert, read_content, text_of

#: Roles that newer and older versions of the API name differently.
ROLES = {"developer": "system", "function": "tool"}


class Function(msgspec.Struct):
    """The function that a tool call names."""

    name: str = ""
    arguments: str = ""


class ToolCall(msgspec.Struct):
    """A call that the model asked for."""

    function: Function | None = None


class ChatMessage(msgspec.Struct):
    """A message of a request, or the answer."""

    role: str = "assistant"
    content: str | list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Request(msgspec.Struct):
    """The body of a request."""

    messages: list[ChatMessage] | None = None
    model: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None


class Choice(msgspec.Struct):
    """One of the answers."""

    message: ChatMessage | None = None
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    """Tokens of the pair."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Response(msgspec.Struct):
    """The body of a response."""

    id: str | None = None
    created: float | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None


class Pair(msgspec.Struct):
    """Request and response in one record."""

    request: Request
    response: Response | None = None
    id: str | int | None = None
    timestamp: str | float | None = None
    user: str | int | None = None
    task_type: str | None = None
    metadata: dict[str, Any] | None = None


def matches(content: dict[str, Any]) -> bool:
    """Return whether this looks like a pair of a chat-completions request and its response."""
    request = content.get("request")
    return isinstance(request, dict) and "messages" in request


def read(content: Any) -> list[Draft]:
    """Read one exchange; of several choices the first was served."""
    pair = convert(content, Pair)
    request, response = pair.request, pair.response or Response()
    if not request.messages:
        raise RecordError("missing_prompt", "`request.messages` holds no message")
    choice = (response.choices or [Choice()])[0]
    return [
        Draft(
            messages=tuple(
                Message(ROLES.get(message.role, message.role), _text(message))
                for message in request.messages
            ),
            response=_text(choice.message) if choice.message else "",
            exchange_id=text_of(pair.id) or response.id or "",
            timestamp=response.created if pair.timestamp is None else pair.timestamp,
            model=request.model or response.model or "",
            task_type=pair.task_type or "",
            user=text_of(pair.user) or request.user or "",
            attributes=_attributes(pair, choice, response),
        )
    ]


def _text(message: ChatMessage) -> str:
    """Return what was said: the content, else the refusal, and any tool calls."""
    calls = [call.function for call in message.tool_calls or [] if call.function]
    said = read_content(message.content) or message.refusal or ""
    return "\n".join([*([said] if said else []), *(f"{c.name}({c.arguments})" for c in calls)])


def _attributes(pair: Pair, choice: Choice, response: Response) -> dict[str, Any]:
    usage = response.usage or Usage()
    found = {
        "finish_reason": choice.finish_reason,
        "refusal": bool(choice.message and choice.message.refusal) if choice.message else None,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }
    return {**found, **(pair.request.metadata or {}), **(pair.metadata or {})}
