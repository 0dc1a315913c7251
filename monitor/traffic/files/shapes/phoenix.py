"""Exports of Phoenix: spans, as a data frame in Parquet or CSV, or as JSON Lines.

Columns by ``get_spans_dataframe`` (Arize-ai/phoenix, src/phoenix/trace/dsl/query.py):
``span_kind``, ``context.span_id``, ``start_time``, ``attributes.*``, flattened by OpenInference's
conventions (Arize-ai/openinference, spec/semantic_conventions.md). Messages are lists of
``{"message.role", "message.content"}``; in CSV, texts of JSON or Python. Also read: numbered
attributes, and spans with ``attributes`` as one object, as the REST API returns them. Not verified
on an export of a real project.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.call_texts import read_input, read_output, seconds_between
from monitor.traffic.files.shapes.common_keys import name_at, time_at
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import decode_text, read_turns
from monitor.traffic.formats.schemas.messages import read_message
from monitor.traffic.formats.schemas.numbered_attributes import flattened_message, read_flattened
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.parsing.raw_exchange import (
    CallMetadata,
    IgnoredParts,
    RawExchange,
    RecordPart,
)

_PREFIX = "attributes."
_KIND = "openinference.span.kind"


def _matches(content: Object) -> bool:
    has_context = bool({"context.span_id", "context.trace_id", "context"} & content.keys())
    has_attributes = "attributes" in content or any(key.startswith(_PREFIX) for key in content)
    return has_attributes and (has_context or "span_kind" in content)


def _read(content: Object) -> Sequence[RecordPart]:
    """Read a span of a model's call; the spans around it are no exchanges."""
    attributes = _attributes(content)
    if _kind(content, attributes) != "LLM":
        return [IgnoredParts()]
    messages = _messages(attributes, "llm.input_messages")
    outputs = _messages(attributes, "llm.output_messages")
    output = (
        ResponseContent(text=outputs[-1].content)
        if outputs
        else read_output(attributes.get("output.value"))
    )
    failed = content.get("status_code") == "ERROR"
    context = content.get("context")
    ids = context if isinstance(context, dict) else {}
    started, ended = time_at(content, "start_time"), content.get("end_time")
    return [
        RawExchange(
            messages=messages or read_input(attributes.get("input.value")),
            response=None if output.missing and not failed else output.text,
            response_missing=output.missing,
            exchange_id=name_at(content, "context.span_id") or name_at(ids, "span_id"),
            trace_id=name_at(content, "context.trace_id") or name_at(ids, "trace_id"),
            timestamp=started,
            model=name_at(attributes, "llm.model_name"),
            end_user=name_at(attributes, "user.id", "session.id"),
            call_metadata=CallMetadata(
                prompt_tokens=attributes.get("llm.token_count.prompt"),
                completion_tokens=attributes.get("llm.token_count.completion"),
                latency_seconds=seconds_between(started, ended),
                cost_usd=attributes.get("llm.cost.total"),
                error="error" if failed else None,
            ),
        )
    ]


def _attributes(content: Object) -> dict[str, Any]:
    """Return the attributes under OpenInference's names, those without a value left out."""
    nested = decode_text(content.get("attributes"))
    attributes = dict(_flat(nested, "")) if isinstance(nested, dict) else {}
    for key, value in content.items():
        if key.startswith(_PREFIX):
            attributes[key.removeprefix(_PREFIX)] = value
    return {key: value for key, value in attributes.items() if value is not None}


def _flat(nested: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in nested.items():
        if isinstance(value, dict) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _kind(content: Object, attributes: dict[str, Any]) -> str:
    return str(content.get("span_kind") or attributes.get(_KIND) or "").upper()


def _messages(attributes: dict[str, Any], name: str) -> tuple[Message, ...]:
    turns = decode_text(attributes.get(name))
    if isinstance(turns, list):
        return read_turns(turns)
    return tuple(
        read_message(flattened_message(entry)) for entry in read_flattened(attributes, name)
    )


def _problem(first: Sequence[Object]) -> str:
    kinds = Counter(_kind(content, _attributes(content)) or "none" for content in first)
    if kinds["LLM"]:
        return ""
    return (
        f"no span has the kind LLM, only {', '.join(sorted(kinds))}; export the spans of models, "
        'or map the texts of these: traffic.fields.prompt = "attributes.input.value" and '
        'traffic.fields.response = "attributes.output.value"'
    )


SPANS = Shape(
    "Phoenix spans",
    _matches,
    _read,
    remark="spans of the kind LLM are exchanges, others are not",
    problem=_problem,
)
