"""Exports of Langfuse: observations and traces, as JSON, JSON Lines or CSV.

Names of the fields: in the UI's export camelCase (langfuse/langfuse,
worker/src/features/database-read-stream/observation-stream.ts and trace-stream.ts), in the export
to blob storage snake_case (docs "Blob storage export field reference"). In CSV, structured values
are JSON texts. Not verified on an export of a real project; scores, which the UI's export adds as
columns under names of the site's own, are not read.
"""

from collections import Counter
from collections.abc import Sequence

from monitor.traffic.files.shapes.call_texts import read_input, read_output, seconds_between
from monitor.traffic.files.shapes.common_keys import first_value, name_at, time_at
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import decode_text
from monitor.traffic.parsing.raw_exchange import (
    CallMetadata,
    IgnoredParts,
    RawExchange,
    RecordPart,
    is_number,
)

#: Types of observations (langfuse/langfuse, packages/shared/src/domain/observations.ts).
TYPES = {
    *("GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR"),
    *("EMBEDDING", "GUARDRAIL"),
}


def _is_observation(content: Object) -> bool:
    return bool({"traceId", "trace_id"} & content.keys()) and str(content.get("type")) in TYPES


def _is_trace(content: Object) -> bool:
    is_trace = {"bookmarked", "public", "timestamp"} <= content.keys()
    return is_trace and bool({"input", "output"} & content.keys())


def _read_observation(content: Object) -> Sequence[RecordPart]:
    """Read a generation; other observations enclose generations, or are no calls of a model."""
    if content["type"] != "GENERATION":
        return [IgnoredParts()]
    started = time_at(content, "startTime", "start_time")
    usage = decode_text(first_value(content, "usageDetails", "usage_details"))
    usage = usage if isinstance(usage, dict) else {}
    output = read_output(content.get("output"))
    failed = content.get("level") == "ERROR"
    return [
        RawExchange(
            messages=read_input(content.get("input")),
            response=None if output.missing and not failed else output.text,
            response_missing=output.missing,
            exchange_id=name_at(content, "id"),
            trace_id=name_at(content, "traceId", "trace_id"),
            timestamp=started,
            model=name_at(content, "model", "provided_model_name", "providedModelName"),
            end_user=_user(content),
            call_metadata=CallMetadata(
                prompt_tokens=_number(usage.get("input")),
                completion_tokens=_number(usage.get("output")),
                latency_seconds=seconds_between(
                    started, first_value(content, "endTime", "end_time")
                ),
                cost_usd=_number(first_value(content, "totalCost", "total_cost")),
                error="error" if failed else None,
            ),
        )
    ]


def _read_trace(content: Object) -> Sequence[RecordPart]:
    output = read_output(content.get("output"))
    return [
        RawExchange(
            messages=read_input(content.get("input")),
            response=None if output.missing else output.text,
            response_missing=output.missing,
            exchange_id=name_at(content, "id"),
            trace_id=name_at(content, "id"),
            timestamp=time_at(content, "timestamp"),
            end_user=_user(content),
        )
    ]


def _user(content: Object) -> str:
    return name_at(content, "userId", "user_id", "sessionId", "session_id")


def _number(value: object) -> object:
    """Return a number, of a CSV from its text; anything else as it is."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if is_number(value) else None


def _problem(first: Sequence[Object]) -> str:
    types = Counter(str(content["type"]) for content in first)
    if types["GENERATION"]:
        return ""
    return (
        f"no observation has the type GENERATION, only {', '.join(sorted(types))}; export the "
        "generations, or the traces"
    )


OBSERVATIONS = Shape(
    "Langfuse observations",
    _is_observation,
    _read_observation,
    remark="generations are exchanges, other observations are not",
    problem=_problem,
)
TRACES = Shape(
    "Langfuse traces", _is_trace, _read_trace, remark="each trace is one exchange: input and output"
)
