"""Repetitions of evaluations by users: who, when, and the result that no longer counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.store.audit_log import append_entry, entries_on
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.late_exchanges import late_exchanges

ACTION = "evaluated_again"


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


def _subject(evaluation_id: int) -> str:
    return f"drift_evaluation:{evaluation_id}"
