"""Decisions and review items that wait for a step of a user, over all models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from monitor.store.model_sets import Models, Portion
from monitor.store.review.audits import is_open
from monitor.store.review.decision_states import DecisionState, decision_states
from monitor.store.review.portions import items_of_models, items_of_portions
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import (
    Decision,
    DriftEvaluation,
    Review,
    ReviewAudit,
    ReviewBatch,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
    TrainingRun,
)

_OWN, _OTHER = aliased(ReviewProposal), aliased(ReviewProposal)


@dataclass(frozen=True)
class StandingDecision:
    """The decision about the newest window of a model for which there is one."""

    id: int
    model: str
    #: ``retrain``, ``fix_context``, ``fix_guidelines`` or ``keep``.
    recommendation: str
    decided_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    has_run: bool
    #: Why its training run can't start; empty or ``None``: it can, or isn't checked.
    refusal: str | None
    #: Error rates of the control slice and at launch, and the reviewers' agreement.
    rate: float | None
    launch_rate: float | None
    alpha: float | None
    #: Digest of the guidelines of its newest item; empty: none.
    taxonomy_version: str

    @property
    def is_unconfirmed(self) -> bool:
        """Return whether it recommends a retraining that nobody has confirmed or started."""
        is_new = self.confirmed_by is None and not self.has_run
        return self.recommendation == "retrain" and is_new


@dataclass(frozen=True)
class WaitingItems:
    """The items of a model that wait for the same step."""

    model: str
    n: int
    #: Since when the oldest waits.
    since: datetime
    first_id: int


def standing_decisions(
    connection: Connection,
    models: Models = None,
    states: Mapping[int, DecisionState] | None = None,
) -> list[StandingDecision]:
    """Return the newest final decision of each of some models that is open.

    ``states`` are those of their decisions, where the caller has read them.
    """
    states = decision_states(connection, models) if states is None else states
    standing = [number for number, state in states.items() if state.is_open]
    place = func.row_number().over(
        partition_by=Decision.model,
        order_by=(
            DriftEvaluation.window_end.desc(), Decision.decided_at.desc(), Decision.id.desc(),
        ),
    )  # fmt: skip
    ranked = (
        select(Decision.id, place.label("place"))
        .join(ReviewBatch, ReviewBatch.id == Decision.batch_id)
        .join(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .where(Decision.recommendation != "undecided", Decision.id.in_(standing))
        .subquery()
    )
    newest_version = (
        select(ReviewItem.taxonomy_version)
        .where(ReviewItem.batch_id == Decision.batch_id)
        .order_by(ReviewItem.id.desc())
        .limit(1)
        .correlate(Decision)
        .scalar_subquery()
    )
    columns = columns_of(
        StandingDecision,
        Decision,
        has_run=exists().where(TrainingRun.decision_id == Decision.id),
        refusal=Decision.preview["refusal"].as_string(),
        rate=Decision.inputs[("rate", "rate")].as_float(),
        launch_rate=Decision.inputs[("baseline", "rate")].as_float(),
        alpha=Decision.inputs[("agreement", "alpha")].as_float(),
        taxonomy_version=func.coalesce(newest_version, ""),
    )
    statement = select(*columns).join(ranked, ranked.c.id == Decision.id).where(ranked.c.place == 1)
    return read_rows(connection, StandingDecision, statement)


def waiting_to_adjudicate(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> list[WaitingItems]:
    """Return the items in adjudication that a user may decide: not those that they reviewed."""
    return _by_model(
        connection,
        ReviewItem.status == "adjudication",
        ~_reviewed_by(reviewer_id),
        *items_of_portions(portions),
    )


def waiting_to_audit(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> list[WaitingItems]:
    """Return the items whose audit is open and that a user may audit."""
    drawn_at = (
        select(func.max(ReviewAudit.drawn_at))
        .where(ReviewAudit.item_id == ReviewItem.id, *is_open())
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    # Of the few open audits, and not of all gold.
    undecided = select(ReviewAudit.item_id).where(ReviewAudit.decided_at.is_(None))
    return _by_model(
        connection,
        ReviewItem.id.in_(undecided),
        drawn_at.is_not(None),
        ~_reviewed_by(reviewer_id),
        *items_of_portions(portions),
        since=drawn_at,
    )


def waiting_flags(connection: Connection, models: Models) -> list[WaitingItems]:
    """Return the flagged items of some models, which a lead excludes or restores."""
    return _by_model(connection, ReviewItem.status == "flagged", *items_of_models(models))


def waiting_to_discuss(
    connection: Connection, reviewer_id: int, portions: Sequence[Portion]
) -> list[WaitingItems]:
    """Return the disagreed items of a user that wait for them, and not for the other reviewer.

    They wait for the other one after the user has proposed, until the other proposes or writes.
    """
    mine = and_(_OWN.item_id == ReviewItem.id, _OWN.reviewer_id == reviewer_id)
    answered = or_(
        exists().where(
            _OTHER.item_id == _OWN.item_id,
            _OTHER.reviewer_id != reviewer_id,
            _OTHER.proposed_at > _OWN.proposed_at,
        ),
        exists().where(
            ReviewMessage.item_id == _OWN.item_id,
            ReviewMessage.reviewer_id != reviewer_id,
            ReviewMessage.written_at > _OWN.proposed_at,
        ),
    )
    return _by_model(
        connection,
        ReviewItem.status == "disagreed",
        _reviewed_by(reviewer_id),
        ~exists().where(mine, ~answered).correlate(ReviewItem),
        *items_of_portions(portions),
    )


def models_reviewed_by(connection: Connection, reviewer_id: int, since: datetime) -> set[str]:
    """Return the models of which a user has reviewed items since a time."""
    statement = (
        select(ReviewBatch.model)
        .join(ReviewItem, ReviewItem.batch_id == ReviewBatch.id)
        .join(Review, Review.item_id == ReviewItem.id)
        .where(Review.reviewer_id == reviewer_id, Review.submitted_at >= since)
        .distinct()
    )
    return set(connection.execute(statement).scalars())


def _reviewed_by(reviewer_id: int) -> ColumnElement[bool]:
    return ReviewItem.id.in_(select(Review.item_id).where(Review.reviewer_id == reviewer_id))


def _by_model(
    connection: Connection,
    *conditions: ColumnElement[bool],
    since: ColumnElement[datetime] | None = None,
) -> list[WaitingItems]:
    """Return the items under some conditions; they wait since their last review by default."""
    reviewed_at = (
        select(func.max(Review.submitted_at))
        .where(Review.item_id == ReviewItem.id)
        .correlate(ReviewItem)
        .scalar_subquery()
    )
    items = (
        select(
            ReviewItem.id,
            ReviewItem.batch_id,
            (reviewed_at if since is None else since).label("since"),
        )
        .where(*conditions)
        .subquery()
    )
    oldest = func.min(func.coalesce(items.c.since, ReviewBatch.created_at))
    statement = (
        select(ReviewBatch.model, func.count(), oldest, func.min(items.c.id))
        .join(items, items.c.batch_id == ReviewBatch.id)
        .group_by(ReviewBatch.model)
    )
    return read_rows(connection, WaitingItems, statement)
