"""Life cycle of training runs and candidate evaluations: rows with a child process.

Every step of either goes through :func:`advance`, which checks it against :data:`TRANSITIONS`,
writes the row and appends the audit entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, update

from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.rows import update_row
from monitor.store.tables import CandidateEvaluation, TrainingRun

Status = Literal[
    "draft", "planned", "running", "awaiting_ratings", "succeeded", "failed", "cancelled"
]
Event = Literal[
    "plan",
    "revise",
    "start",
    "resume",
    "postpone",
    "await_ratings",
    "succeed",
    "fail",
    "cancel",
    "reopen",
]
ChildTable = type[TrainingRun] | type[CandidateEvaluation]

FINAL: tuple[Status, ...] = ("succeeded", "failed", "cancelled")
UNFINISHED: tuple[Status, ...] = ("draft", "planned", "running", "awaiting_ratings")


@dataclass(frozen=True)
class ChildTransition:
    """A step of the life cycle."""

    event: Event
    sources: tuple[Status, ...]
    target: Status
    #: Ends the action's name in the audit log: ``run.started``.
    action: str
    effect: str


TRANSITIONS: tuple[ChildTransition, ...] = (
    ChildTransition(
        "plan", ("draft",), "planned", "planned", "a run that a lead drafted has its data"
    ),
    ChildTransition(
        "revise", ("draft", "planned"), "draft", "revised", "a lead changes a run on the page"
    ),
    ChildTransition("start", ("planned",), "running", "started", "the child's handle is stored"),
    ChildTransition(
        "resume", ("running",), "running", "resumed", "a training child that died starts again"
    ),
    ChildTransition(
        "postpone", ("running",), "planned", "postponed", "an evaluation child starts again later"
    ),
    ChildTransition(
        "await_ratings",
        ("running",),
        "awaiting_ratings",
        "awaiting_ratings",
        "the results are stored; a human evaluation follows",
    ),
    ChildTransition(
        "succeed", ("running", "awaiting_ratings"), "succeeded", "succeeded", "the result is final"
    ),
    ChildTransition(
        "fail",
        ("planned", "running", "awaiting_ratings"),
        "failed",
        "failed",
        "the error is stored",
    ),
    ChildTransition(
        "cancel", UNFINISHED, "cancelled", "cancelled", "the child is terminated afterwards"
    ),
    ChildTransition(
        "reopen",
        ("failed", "cancelled"),
        "planned",
        "reopened",
        "a run resumes from its checkpoint",
    ),
)
_BY_EVENT = {transition.event: transition for transition in TRANSITIONS}
_NOUNS: dict[ChildTable, str] = {TrainingRun: "run", CandidateEvaluation: "evaluation"}


def advance(
    connection: Connection,
    table: ChildTable,
    row_id: int,
    event: Event,
    now: datetime,
    *,
    by: str = SYSTEM,
    details: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Take a step of a row's life cycle and append it to the audit log.

    Call it inside the caller's transaction; the audit entry comes last, as it blocks other writers.
    The table is ``TrainingRun`` or ``CandidateEvaluation``. Return whether this call took the step:
    not where the row's status doesn't allow it, since another process was faster.
    """
    transition = _BY_EVENT[event]
    if transition.target in FINAL:
        values["finished_at"] = now
    outcome = connection.execute(
        update(table)
        .where(table.id == row_id, table.status.in_(transition.sources))
        .values(status=transition.target, **values)
    )
    if outcome.rowcount != 1:
        return False
    action = f"{_NOUNS[table]}.{transition.action}"
    append_entry(connection, now, by, action, f"{table.__tablename__}/{row_id}", details)
    return True


def finish(
    connection: Connection,
    table: ChildTable,
    row_id: int,
    status: str,
    now: datetime,
    *,
    by: str = SYSTEM,
    details: Mapping[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Finish a row with a final status; return whether this call did it."""
    events: dict[str, Event] = {"succeeded": "succeed", "failed": "fail", "cancelled": "cancel"}
    return advance(connection, table, row_id, events[status], now, by=by, details=details, **values)


def record_unterminated_child(
    connection: Connection, table: ChildTable, row_id: int, handle: dict[str, Any], reason: str
) -> None:
    """Record the child of a cancelled row that is still to be terminated, and the reason."""
    update_row(connection, table, row_id, handle=handle, termination_error=reason)


def set_termination_error(
    connection: Connection, table: ChildTable, row_id: int, reason: str | None
) -> None:
    """Set the reason why a child couldn't be terminated; ``None``: it was."""
    update_row(connection, table, row_id, termination_error=reason)
