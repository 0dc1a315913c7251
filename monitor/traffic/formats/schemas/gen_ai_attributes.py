"""Attributes of OpenTelemetry's GenAI conventions, old and new."""

from typing import Any

from monitor.traffic.formats.otlp.item import OtlpItem
from monitor.traffic.parsing.raw_exchange import CallMetadata, is_number
from monitor.traffic.parsing.tools import describe_tools

#: Operations that respond to a prompt. Operations of agents and tools contain these calls, which
#: would otherwise count twice.
OPERATIONS = {"chat", "text_completion", "generate_content", "completion"}

USERS = (
    *("user.id", "enduser.id", "enduser.pseudo.id", "session.id", "gen_ai.conversation.id"),
    *("traceloop.association.properties.user_id", "traceloop.association.properties.session_id"),
    *("gen_ai.user.id", "gen_ai.openai.request.user"),
)
MODELS = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "llm.request.model")
PROMPT_TOKENS = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    "llm.token_count.prompt",
)
COMPLETION_TOKENS = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    *("llm.usage.completion_tokens", "llm.token_count.completion"),
)
#: Namespaces of conventions; others are the application's own.
CONVENTIONS = (
    *("gen_ai.", "llm.", "openai.", "az.", "aws.", "gcp.", "traceloop.", "openinference."),
    *("input.", "output.", "server.", "network.", "http.", "url.", "error.", "exception."),
    *("event.", "code.", "thread.", "user.", "enduser.", "session.", "metadata", "telemetry."),
)


def operation_of(attributes: dict[str, Any]) -> str | None:
    """Return the operation in the terms of :data:`OPERATIONS`; ``None`` if unknown."""
    operation = attributes.get("gen_ai.operation.name")
    if operation is None and "openinference.span.kind" in attributes:
        operation = "chat" if attributes["openinference.span.kind"] == "LLM" else "other"
    if operation is None and "llm.request.type" in attributes:
        operation = attributes["llm.request.type"]
    return operation if isinstance(operation, str | None) else "other"


def first(attributes: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first of these attributes that is set."""
    return next((attributes[name] for name in names if attributes.get(name) is not None), None)


def name_of(attributes: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of these attributes as a name."""
    value = first(attributes, names)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def read_call_metadata(
    item: OtlpItem, attributes: dict[str, Any], *, finish_reason: Any, refuses: bool
) -> CallMetadata:
    """Return the metadata of a call; the response's own finish reason takes precedence."""
    reasons = attributes.get("gen_ai.response.finish_reasons")
    if finish_reason is None:
        finish_reason = reasons[0] if isinstance(reasons, list) and reasons else reasons
    latency = (item.end_ns - item.start_ns) / 1e9 if item.end_ns > item.start_ns > 0 else None
    return CallMetadata(
        finish_reason=finish_reason,
        refusal=refuses or finish_reason == "refusal" or None,
        prompt_tokens=first(attributes, PROMPT_TOKENS),
        completion_tokens=first(attributes, COMPLETION_TOKENS),
        latency_seconds=latency,
        time_to_first_token_seconds=attributes.get("gen_ai.response.time_to_first_chunk"),
        cost_usd=first(attributes, ("gen_ai.usage.cost", "llm.cost.total")),
        error=attributes.get("error.type"),
        tools=describe_tools(attributes.get("gen_ai.tool.definitions")),
    )


def own_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the application's own values: those outside the conventions' namespaces."""
    return {
        name: value
        for name, value in attributes.items()
        if not name.startswith(CONVENTIONS) and (isinstance(value, str | bool) or is_number(value))
    }
