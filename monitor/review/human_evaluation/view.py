"""Views of human evaluations: the rater's own, the lead's, and all ratings after the lock."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.human_evaluation.locking import Completeness, completeness
from monitor.review.human_evaluation.rating import rater_of
from monitor.statistics.agreement import Agreement, measure_agreement
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.human_evaluation.assignments import (
    blind_ratings,
    count_ratable_items,
    count_rated_items,
    current_item_of,
    submitted_assignments,
)
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationItemRow,
    HumanEvaluationRow,
    human_evaluation_by_id,
    items_of,
    items_under_human_evaluation,
    list_human_evaluations,
    responses_of,
)
from monitor.store.human_evaluation.keys import systems_by_response, unblinded_ratings
from monitor.store.model_sets import ModelSet

#: Items on a page of all ratings.
ITEMS_PER_PAGE = 20


@dataclass(frozen=True)
class HumanEvaluationView:
    """A human evaluation as one user sees it."""

    human_evaluation: HumanEvaluationRow
    completeness: Completeness
    #: Items that the user has rated.
    n_mine: int
    #: Items that the user can still claim.
    n_waiting: int
    #: The number of the item that the user works on.
    at_work: int | None


@dataclass(frozen=True)
class RatedResponse:
    """A response of a locked human evaluation, with its systems."""

    systems: list[str]
    text: str
    #: Rater -> dimension -> rating.
    scores: dict[str, dict[str, int]]


@dataclass(frozen=True)
class RatedItem:
    """An item of a locked human evaluation, with all ratings and comments."""

    number: int
    benchmark: str
    item_id: str
    task_type: str
    messages: list[dict[str, str]]
    responses: list[RatedResponse]
    #: Rater -> comment, if there is one.
    comments: dict[str, str]


@dataclass(frozen=True)
class RatedPage:
    """A page of items of a locked human evaluation."""

    human_evaluation: HumanEvaluationRow
    items: list[RatedItem]
    page: int
    n_pages: int
    #: Hidden items, because they are being rated blind in another human evaluation.
    n_withheld: int


def view_human_evaluations(
    connection: Connection, user: UserRow, now: datetime, models: ModelSet
) -> list[HumanEvaluationView]:
    """Return the human evaluations of some of a user's models, the newest first."""
    return [
        _view(connection, human_evaluation, user, now)
        for human_evaluation in list_human_evaluations(connection, models)
    ]


def human_evaluations_to_rate(
    connection: Connection, user: UserRow, now: datetime, models: ModelSet
) -> list[HumanEvaluationView]:
    """Return the open human evaluations with an item for a user, the newest first."""
    views = [
        _view(connection, human_evaluation, user, now)
        for human_evaluation in list_human_evaluations(connection, models)
        if human_evaluation.is_open
    ]
    return [human_evaluation for human_evaluation in views if human_evaluation.n_waiting]


def view_human_evaluation(
    connection: Connection, human_evaluation_id: int, user: UserRow, now: datetime
) -> HumanEvaluationView:
    """Return a human evaluation as one user sees it, or ``NotFoundError``."""
    return _view(connection, human_evaluation_by_id(connection, human_evaluation_id), user, now)


def agreement_by_dimension(
    connection: Connection, human_evaluation: HumanEvaluationRow, rng: np.random.Generator
) -> dict[str, Agreement]:
    """Return the raters' agreement on each dimension, over the responses of all systems."""
    by_response: dict[int, list[dict[str, int]]] = defaultdict(list)
    for rating in blind_ratings(connection, human_evaluation.id):
        by_response[rating.response_id].append(rating.scores)
    return {
        dimension: measure_agreement(
            [[scores[dimension] for scores in ratings] for ratings in by_response.values()],
            rng=rng,
            metric="ordinal",
        )
        for dimension in human_evaluation.dimensions
    }


def rated_page(
    connection: Connection, human_evaluation_id: int, user: UserRow, page: int
) -> RatedPage:
    """Return a page of a locked human evaluation's items with all ratings and systems.

    A user of some task types sees items of these.

    Items that an open human evaluation of the same model has too are hidden: some of its responses
    may be the same.

    Raises:
        NotFoundError: There is no such human evaluation, or no such page of it.
        WorkflowError: The human evaluation is open or was cancelled.
    """
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    if human_evaluation.is_open:
        raise WorkflowError(
            "the human evaluation is open; its ratings are visible once it is locked", code="open"
        )
    if not human_evaluation.is_locked:
        raise WorkflowError(
            "the human evaluation was cancelled; its ratings are preserved but not visible",
            code="cancelled",
        )
    all_items = [
        item
        for item in items_of(connection, human_evaluation_id)
        if user.grants.reads_texts_of(human_evaluation.model, item.task_type)
    ]
    rated_now = items_under_human_evaluation(connection, human_evaluation.model)
    items = [
        item for item in all_items if (item.benchmark, item.benchmark_item_id) not in rated_now
    ]
    n_pages = max(1, -(-len(items) // ITEMS_PER_PAGE))
    if not 1 <= page <= n_pages:
        raise NotFoundError(f"human evaluation {human_evaluation_id} has no page {page}")
    on_page = items[(page - 1) * ITEMS_PER_PAGE : page * ITEMS_PER_PAGE]
    rated = _rated(connection, human_evaluation_id, on_page)
    return RatedPage(human_evaluation, rated, page, n_pages, len(all_items) - len(items))


def rated_items(connection: Connection, human_evaluation_id: int) -> list[RatedItem]:
    """Return all items of a locked human evaluation with all ratings and systems.

    Raises:
        NotFoundError: There is no such human evaluation.
        WorkflowError: The human evaluation is open or was cancelled.
    """
    human_evaluation_by_id(connection, human_evaluation_id)
    return _rated(connection, human_evaluation_id, items_of(connection, human_evaluation_id))


def _rated(
    connection: Connection, human_evaluation_id: int, items: Sequence[HumanEvaluationItemRow]
) -> list[RatedItem]:
    names = {row.id: row.name for row in list_users(connection)}
    systems = systems_by_response(connection, human_evaluation_id)
    scores: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    for rating in unblinded_ratings(connection, human_evaluation_id):
        scores[rating.response_id][names[rating.reviewer_id]] = rating.scores
    ids = [item.id for item in items]
    responses: dict[int, list[RatedResponse]] = defaultdict(list)
    for response in responses_of(connection, ids):
        responses[response.item_id].append(
            RatedResponse(systems[response.id], response.text, scores[response.id])
        )
    comments: dict[int, dict[str, str]] = defaultdict(dict)
    for assignment in submitted_assignments(connection, ids):
        if assignment.comment:
            comments[assignment.item_id][names[assignment.reviewer_id]] = assignment.comment
    return [
        RatedItem(
            number=item.number,
            benchmark=item.benchmark,
            item_id=item.benchmark_item_id,
            task_type=item.task_type,
            messages=item.messages,
            responses=sorted(responses[item.id], key=lambda response: response.systems),
            comments=comments[item.id],
        )
        for item in items
    ]


def _view(
    connection: Connection, human_evaluation: HumanEvaluationRow, user: UserRow, now: datetime
) -> HumanEvaluationView:
    rater = rater_of(user.id, user.grants, human_evaluation.model)
    waiting = (
        count_ratable_items(
            connection, human_evaluation.id, rater, human_evaluation.raters_per_item, now
        )
        if human_evaluation.is_open
        else 0
    )
    return HumanEvaluationView(
        human_evaluation=human_evaluation,
        completeness=completeness(connection, human_evaluation),
        n_mine=count_rated_items(connection, human_evaluation.id, user.id),
        n_waiting=waiting,
        at_work=current_item_of(connection, human_evaluation.id, rater, now)
        if human_evaluation.is_open
        else None,
    )
