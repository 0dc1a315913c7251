"""Exports of LangSmith: runs, as JSON Lines, Parquet or CSV.

Names of the fields by the "Run (span) data format" of its documentation, which the bulk export
follows; ``inputs``, ``outputs`` and ``extra`` may be JSON texts. Inputs and outputs are those of
OpenAI's, Anthropic's and LangChain's calls ("Log LLM calls", section "Messages format").
``session_id`` is the project of a run and not a session. Not verified on an export of a real
project.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from monitor.traffic.files.shapes.call_texts import read_input, read_output, seconds_between
from monitor.traffic.files.shapes.common_keys import name_at, time_at
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import decode_text
from monitor.traffic.parsing.raw_exchange import (
    CallMetadata,
    IgnoredParts,
    RawExchange,
    RecordPart,
)


def _matches(content: Object) -> bool:
    return "run_type" in content and bool({"inputs", "outputs"} & content.keys())


def _read(content: Object) -> Sequence[RecordPart]:
    """Read a call of a model; chains, tools and retrievers are no exchanges."""
    if content["run_type"] != "llm":
        return [IgnoredParts()]
    output = read_output(content.get("outputs"))
    error = content.get("error")
    failed = isinstance(error, str) and bool(error)
    extra = _object(content.get("extra"))
    metadata = _object(extra.get("metadata"))
    parameters = _object(extra.get("invocation_params"))
    return [
        RawExchange(
            messages=read_input(content.get("inputs")),
            response=None if output.missing and not failed else output.text,
            response_missing=output.missing,
            exchange_id=name_at(content, "id"),
            trace_id=name_at(content, "trace_id"),
            timestamp=time_at(content, "start_time"),
            model=name_at(metadata, "ls_model_name")
            or name_at(parameters, "model", "model_name")
            or output.model,
            end_user=name_at(
                metadata, "user_id", "user", "session_id", "thread_id", "conversation_id"
            ),
            call_metadata=CallMetadata(
                prompt_tokens=content.get("prompt_tokens"),
                completion_tokens=content.get("completion_tokens"),
                latency_seconds=seconds_between(content.get("start_time"), content.get("end_time")),
                cost_usd=content.get("total_cost"),
                error="error" if failed else output.call_metadata.error,
                refusal=output.call_metadata.refusal,
                finish_reason=output.call_metadata.finish_reason,
            ),
        )
    ]


def _object(value: Any) -> dict[str, Any]:
    decoded = decode_text(value)
    return decoded if isinstance(decoded, dict) else {}


def _problem(first: Sequence[Object]) -> str:
    types = Counter(str(content["run_type"]) for content in first)
    if types["llm"]:
        return ""
    return (
        f"no run has the run_type llm, only {', '.join(sorted(types))}; export the runs of models, "
        "or map the texts of these: traffic.fields.prompt and traffic.fields.response, such as "
        "inputs.question and outputs.answer"
    )


RUNS = Shape(
    "LangSmith runs",
    _matches,
    _read,
    remark="runs of the type llm are exchanges, others are not",
    problem=_problem,
)
