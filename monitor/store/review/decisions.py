"""Queries of decisions whether to retrain: recomputed while undecided, final afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, read_row, read_rows
from monitor.store.tables import Decision, ModelScore, ModelVersion

#: Metric and stratum of a production version's accuracy at launch.
LAUNCH_METRIC = ("exact_match", "")


@dataclass(frozen=True)
class DecisionRow:
    """A recommendation with all its figures."""

    id: int
    batch_id: int
    model: str
    #: The version that it is about, as of then; empty: unknown.
    version: str
    #: The stage change by which it came into production; 0: the first one, or not registered.
    promotion_id: int
    #: ``retrain``, ``fix_context``, ``fix_guidelines``, ``keep`` or ``undecided``.
    recommendation: str
    inputs: dict[str, Any]
    decided_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    #: See :class:`retrain.planning.preview.Preview`.
    preview: dict[str, Any] | None

    @property
    def refusal(self) -> str:
        """Why its training run can't start, as last checked; empty: it can, or isn't checked."""
        return str((self.preview or {}).get("refusal", ""))


_COLUMNS = columns_of(DecisionRow, Decision)


def decision_of_batch(connection: Connection, batch_id: int) -> DecisionRow | None:
    """Return the newest decision of a batch, or ``None``."""
    return next(iter(decisions_of_batch(connection, batch_id)), None)


def decisions_of_batch(connection: Connection, batch_id: int) -> list[DecisionRow]:
    """Return the decisions of a batch, the newest first: each about a version in production."""
    statement = select(*_COLUMNS).where(Decision.batch_id == batch_id).order_by(Decision.id.desc())
    return read_rows(connection, DecisionRow, statement)


def decision_by_id(connection: Connection, decision_id: int, *, lock: bool = False) -> DecisionRow:
    """Return a decision, or ``NotFoundError``; ``lock`` locks it until the transaction ends."""
    statement = select(*_COLUMNS).where(Decision.id == decision_id)
    row = read_row(connection, DecisionRow, statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFoundError(f"unknown decision: {decision_id}")
    return row


def list_decisions(connection: Connection, model: Models = None) -> list[DecisionRow]:
    """Return decisions, the newest first."""
    statement = select(*_COLUMNS).order_by(Decision.decided_at.desc(), Decision.id.desc())
    statement = statement.where(*of_models(Decision.model, model))
    return read_rows(connection, DecisionRow, statement)


def save_decision(
    connection: Connection,
    batch_id: int,
    model: str,
    *,
    recommendation: str,
    inputs: dict[str, Any],
    now: datetime,
    version: str = "",
    promotion_id: int = 0,
) -> DecisionRow:
    """Write a batch's decision about a version unless it is final; return the stored one.

    An undecided one is written again at each cycle. An insertion that is refused would take a
    number of PostgreSQL's sequence each time.
    """
    values = {"recommendation": recommendation, "inputs": inputs, "decided_at": now}
    own = (
        Decision.batch_id == batch_id,
        Decision.version == version,
        Decision.promotion_id == promotion_id,
    )
    undecided = (
        update(Decision).where(*own, Decision.recommendation == "undecided").values(**values)
    )
    stored = select(*_COLUMNS).where(*own)
    if read_row(connection, DecisionRow, stored) is not None:
        connection.execute(undecided)
    else:
        try:
            with connection.begin_nested():
                key = {"version": version, "promotion_id": promotion_id}
                connection.execute(
                    insert(Decision).values(batch_id=batch_id, model=model, **key, **values)
                )
        except IntegrityError:  # another process was faster
            connection.execute(undecided)
    row = read_row(connection, DecisionRow, stored)
    if row is None:
        raise NotFoundError(f"decision of batch {batch_id} was deleted meanwhile; try again")
    return row


def confirm_decision(connection: Connection, decision_id: int, by: str, now: datetime) -> bool:
    """Record who confirmed a recommended retraining; return whether this call did."""
    result = connection.execute(
        update(Decision)
        .where(
            Decision.id == decision_id,
            Decision.recommendation == "retrain",
            Decision.confirmed_by.is_(None),
        )
        .values(confirmed_by=by, confirmed_at=now)
    )
    return result.rowcount == 1


def save_preview(connection: Connection, decision_id: int, preview: dict[str, Any] | None) -> None:
    """Store the preview of a decision's training run; ``None``: it is to be checked again."""
    connection.execute(update(Decision).where(Decision.id == decision_id).values(preview=preview))


def launch_accuracy(connection: Connection, model: str, version: int) -> tuple[float, int] | None:
    """Return accuracy and number of cases of a version's evaluation; ``None`` without one.

    Cases of all its benchmarks have equal weight.
    """
    metric, stratum = LAUNCH_METRIC
    statement = (
        select(ModelScore.value, ModelScore.n)
        .join(ModelVersion, ModelScore.version_id == ModelVersion.id)
        .where(
            ModelVersion.model == model,
            ModelVersion.version == version,
            ModelScore.stratum == stratum,
            ModelScore.metric == metric,
            ModelScore.n > 0,
        )
    )
    rows = connection.execute(statement).all()
    if not rows:
        return None
    n = sum(row.n for row in rows)
    return sum(row.value * row.n for row in rows) / n, n
