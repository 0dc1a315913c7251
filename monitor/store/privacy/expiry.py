"""Erasure by age: rows that are deleted, and columns whose content is erased while rows stay.

The registry of personal data names the period of each column; a test compares both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    delete,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from monitor.store.privacy.human_evaluation_texts import REMOVED
from monitor.store.tables import (
    AccessEntry,
    CandidateEvaluation,
    DriftEvaluation,
    Feedback,
    HumanEvaluation,
    HumanEvaluationAssignment,
    HumanEvaluationItem,
    HumanEvaluationResponse,
    Incident,
    IncidentEvent,
    PendingHalf,
    Probe,
    ProbeRun,
    RecordCount,
    RegistryMirror,
    Rollout,
    RolloutEvent,
    RolloutLabel,
    RolloutLook,
    RolloutObservation,
    SignalCount,
    SlackAction,
    StageChange,
    TrafficWeights,
    TrainingRun,
    UnlistedExchanges,
)

Column = InstrumentedAttribute[Any]

#: What takes the place of a conversation.
NO_MESSAGES = [{"role": "user", "content": REMOVED}]


@dataclass(frozen=True)
class Expiry:
    """Rows, or columns of rows, that expire."""

    #: A key of ``[retention]``.
    period: str
    #: From when a row's age counts; ``NULL``: it can't expire yet.
    since: ColumnElement[Any]
    #: Columns that are erased; of a row that is deleted, one of its table.
    columns: tuple[Column, ...]

    @property
    def table(self) -> Table:
        """The table of the columns."""
        table: Table = self.columns[0].class_.__table__
        return table


def _closed(reference: Column) -> ColumnElement[Any]:
    """Return when the human evaluation of a row was locked or cancelled."""
    time = func.coalesce(HumanEvaluation.locked_at, HumanEvaluation.cancelled_at)
    statement = select(time).where(HumanEvaluation.id == reference)
    return statement.correlate_except(HumanEvaluation).scalar_subquery()


def _closed_of_item(reference: Column) -> ColumnElement[Any]:
    time = func.coalesce(HumanEvaluation.locked_at, HumanEvaluation.cancelled_at)
    statement = (
        select(time)
        .join(HumanEvaluationItem, HumanEvaluationItem.human_evaluation_id == HumanEvaluation.id)
        .where(HumanEvaluationItem.id == reference)
    )
    return statement.correlate_except(HumanEvaluation, HumanEvaluationItem).scalar_subquery()


#: When the run of a probe ended; a reference keeps its responses.
_PROBED = (
    select(ProbeRun.finished_at)
    .where(ProbeRun.id == Probe.run_id, ProbeRun.is_reference.is_(False))
    .correlate_except(ProbeRun)
    .scalar_subquery()
)

#: Rows that are deleted.
EXPIRED_ROWS: Sequence[Expiry] = (
    Expiry("exchanges", PendingHalf.received_at.expression, (PendingHalf.payload,)),
    Expiry("exchanges", Feedback.received_at.expression, (Feedback.exchange_id,)),
    Expiry("exchanges", UnlistedExchanges.day.expression, (UnlistedExchanges.model,)),
    Expiry("exchanges", SignalCount.day.expression, (SignalCount.name,)),
    Expiry("exchanges", RecordCount.read_from.expression, (RecordCount.reason,)),
    Expiry("observations", RolloutLabel.last_seen_at.expression, (RolloutLabel.label,)),
    Expiry("observations", RolloutObservation.received_at.expression, (RolloutObservation.prompt,)),
    # An old button stays without effect: the version of its incident, or its decision, has changed.
    Expiry("slack_actions", SlackAction.received_at.expression, (SlackAction.reply,)),
    Expiry("access_log", AccessEntry.occurred_at.expression, (AccessEntry.actor,)),
)
#: Columns that are erased.
EXPIRED_COLUMNS: Sequence[Expiry] = (
    Expiry("probes", _PROBED, (Probe.response, Probe.error, Probe.served_model)),
    Expiry(
        "errors",
        TrainingRun.finished_at.expression,
        (TrainingRun.error, TrainingRun.termination_error),
    ),
    Expiry(
        "errors",
        CandidateEvaluation.finished_at.expression,
        (CandidateEvaluation.error, CandidateEvaluation.termination_error),
    ),
    Expiry("errors", DriftEvaluation.started_at.expression, (DriftEvaluation.error,)),
    Expiry("errors", ProbeRun.started_at.expression, (ProbeRun.error,)),
    Expiry("errors", TrafficWeights.created_at.expression, (TrafficWeights.error,)),
    Expiry(
        "errors",
        func.coalesce(RegistryMirror.next_attempt_at, RegistryMirror.mirrored_at),
        (RegistryMirror.error,),
    ),
    Expiry("incidents", IncidentEvent.at.expression, (IncidentEvent.reason,)),
    Expiry("incidents", Incident.resolved_at.expression, (Incident.summary,)),
    Expiry("reasons", RolloutEvent.at.expression, (RolloutEvent.reason,)),
    Expiry("reasons", RolloutLook.looked_at.expression, (RolloutLook.reason,)),
    Expiry("reasons", Rollout.finished_at.expression, (Rollout.reason,)),
    Expiry("reasons", StageChange.changed_at.expression, (StageChange.reason,)),
    Expiry("reasons", TrafficWeights.created_at.expression, (TrafficWeights.reason,)),
    Expiry(
        "reasons",
        CandidateEvaluation.approved_at.expression,
        (CandidateEvaluation.approved_reason,),
    ),
    Expiry("reasons", ProbeRun.accepted_at.expression, (ProbeRun.accepted_reason,)),
    Expiry(
        "human_evaluations",
        _closed(HumanEvaluationItem.human_evaluation_id),
        (HumanEvaluationItem.messages,),
    ),
    Expiry(
        "human_evaluations",
        _closed_of_item(HumanEvaluationResponse.item_id),
        (HumanEvaluationResponse.text,),
    ),
    Expiry(
        "human_evaluations",
        _closed_of_item(HumanEvaluationAssignment.item_id),
        (
            HumanEvaluationAssignment.draft,
            HumanEvaluationAssignment.declined_reason,
            HumanEvaluationAssignment.comment,
        ),
    ),
)


def delete_rows(connection: Connection, number: int, before: datetime, limit: int) -> int:
    """Delete rows that are older than a time; return their number, which is at most ``limit``.

    ``number`` is an index of ``EXPIRED_ROWS``.
    """
    expiry = EXPIRED_ROWS[number]
    keys = list(expiry.table.primary_key)
    rows = connection.execute(select(*keys).where(expiry.since < before).limit(limit)).all()
    if rows:
        chosen = tuple_(*keys).in_([tuple(row) for row in rows])
        connection.execute(delete(expiry.table).where(chosen))
    return len(rows)


def erase_columns(connection: Connection, number: int, before: datetime, limit: int) -> int:
    """Erase columns of rows that are older than a time; see :func:`delete_rows`.

    ``number`` is an index of ``EXPIRED_COLUMNS``.
    """
    expiry = EXPIRED_COLUMNS[number]
    table, keys = expiry.table, list(expiry.table.primary_key)
    has_content = or_(*map(_has_content, expiry.columns))
    statement = select(*keys).where(expiry.since < before, has_content).limit(limit)
    rows = connection.execute(statement).all()
    if rows:
        chosen = tuple_(*keys).in_([tuple(row) for row in rows])
        for column in expiry.columns:
            changed = and_(chosen, _has_content(column))
            connection.execute(update(table).where(changed).values({column.key: _erased(column)}))
    return len(rows)


def _erased(column: Column) -> Any:
    """Return what takes the place of a content: of a reason a text, as one was given."""
    if column is HumanEvaluationItem.messages:
        return NO_MESSAGES
    return REMOVED if isinstance(column.type, String) else {}


def _has_content(column: Column) -> ColumnElement[bool]:
    """Return whether a column has something that isn't erased."""
    if isinstance(column.type, String):
        return column.is_not(None) & column.not_in(("", REMOVED))
    text = cast(column, String)
    return column.is_not(null()) & text.not_in(("{}", "[]", "null")) & ~text.contains(REMOVED)
