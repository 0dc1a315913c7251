"""Repetitions of evaluations by users: who, when, and the result that no longer counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.store.audit_log import append_entry, entries_on
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.late_exchanges import late_exchanges

ACTION = "evaluated_again"
#: In the provenance of a repeated evaluation: what the first one depended on besides the exchanges.
FIRST = "first"
#: What may differ: the exchanges, and what changes no figure or its last digits.
_FREE = frozenset({"window", "n_other_encoder", "seed", "device", "machine", FIRST})


@dataclass(frozen=True)
class Repetition:
    """A repetition, and the result before it."""

    at: datetime
    by: str
    #: Without a quote of the traffic: verdict, what drifted, number of exchanges.
    before: str


def record_repetition(
    connection: Connection,
    evaluation: DriftEvaluationRow,
    *,
    drifted: str,
    by: str,
    now: datetime,
) -> None:
    """Record that a user evaluates again what has a result, before it begins.

    The result is as it is still stored; ``drifted`` says what drifted, empty without an alarm.
    """
    assessment = evaluation.assessment
    if assessment is None:
        return
    verdict = assessment.verdict.replace("_", " ")
    details = {
        "before": f"{f'{verdict} ({drifted})' if drifted else verdict}, "
        f"{pluralize(assessment.n_current, 'exchange')}",
        "late": (late := late_exchanges(connection, evaluation)) and late.n,
    }
    append_entry(connection, now, by, ACTION, _subject(evaluation.id), details)


def repetitions_of(connection: Connection, evaluation_id: int) -> list[Repetition]:
    """Return the repetitions of an evaluation, the oldest first."""
    return [
        Repetition(entry.occurred_at, entry.actor, entry.details["before"])
        for entry in entries_on(connection, ACTION, _subject(evaluation_id))
    ]


def first_inputs(before: dict[str, Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance's entry of what the first evaluation depended on, where that differs.

    ``before`` is the provenance of the result that is replaced; empty without one.
    """
    first = before.get(FIRST) or _inputs(before)
    return {FIRST: first} if before and first != _inputs(provenance) else {}


def changed_inputs(provenance: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return in what a repeated evaluation differs from the first one besides the exchanges.

    Each input has its value at first and now; without one it is ``None``.
    """
    first = provenance.get(FIRST)
    now = {} if first is None else _inputs(provenance)
    first = first or {}
    return {
        name: (first.get(name), now.get(name))
        for name in sorted(first | now)
        if first.get(name) != now.get(name)
    }


def _inputs(provenance: dict[str, Any]) -> dict[str, Any]:
    baseline = provenance.get("baseline") or {}
    named = {name: value for name, value in provenance.items() if name not in _FREE}
    return _flatten(named | {"baseline": baseline.get("digest")})


def _flatten(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _subject(evaluation_id: int) -> str:
    return f"drift_evaluation:{evaluation_id}"
