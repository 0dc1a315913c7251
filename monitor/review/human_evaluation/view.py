"""What the pages show of studies: one's own part, a lead's overview, and after the lock, all."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import numpy as np
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.human_evaluation.locking import Completeness, completeness
from monitor.review.human_evaluation.rating import load_rater
from monitor.statistics.agreement import Agreement, measure_agreement
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.human_evaluation.assignments import (
    RaterProgress,
    blind_ratings,
    count_ratable_items,
    count_rated_items,
    current_item_of,
    progress_by_rater,
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

#: Items on a page of all ratings.
ITEMS_PER_PAGE = 20


@dataclass(frozen=True)
class HumanEvaluationView:
    """A study as one person sees it."""

    human_evaluation: HumanEvaluationRow
    completeness: Completeness
    #: Items that the person has rated.
    n_mine: int
    #: Items that they could still be given.
    n_waiting: int
    #: The number of the item that they are at.
    at_work: int | None


@dataclass(frozen=True)
class RaterSummary:
    """How far a person is, for leads."""

    name: str
    n_submitted: int
    n_declined: int
    #: Minutes for one item; ``None`` where there is none.
    median_minutes: float | None
    last_at: datetime | None


@dataclass(frozen=True)
class RatedResponse:
    """An answer of a locked study, with whose it is."""

    systems: list[str]
    text: str
    #: Person -> dimension -> rating.
    scores: dict[str, dict[str, int]]


@dataclass(frozen=True)
class RatedItem:
    """An item of a locked study, with everything that was said of it."""

    number: int
    benchmark: str
    item_id: str
    task_type: str
    messages: list[dict[str, str]]
    answers: list[RatedResponse]
    #: Person -> comment, where there is one.
    comments: dict[str, str]


@dataclass(frozen=True)
class RatedPage:
    """Some items of a locked study."""

    human_evaluation: HumanEvaluationRow
    items: list[RatedItem]
    page: int
    n_pages: int
    #: Items that aren't shown, since another study has people rate them blind now.
    n_withheld: int


def view_human_evaluations(
    connection: Connection, user: UserRow, now: datetime
) -> list[HumanEvaluationView]:
    """Return all studies, the newest first."""
    return [
        _view(connection, human_evaluation, user, now)
        for human_evaluation in list_human_evaluations(connection)
    ]


def human_evaluations_to_rate(
    connection: Connection, user: UserRow, now: datetime
) -> list[HumanEvaluationView]:
    """Return the open studies in which an item waits for a person, the newest first."""
    found = [
        _view(connection, human_evaluation, user, now)
        for human_evaluation in list_human_evaluations(connection)
        if human_evaluation.is_open
    ]
    return [one for one in found if one.n_waiting]


def view_human_evaluation(
    connection: Connection, human_evaluation_id: int, user: UserRow, now: datetime
) -> HumanEvaluationView:
    """Return a study.

    Raises:
        NotFoundError: There is no such study.
    """
    return _view(connection, human_evaluation_by_id(connection, human_evaluation_id), user, now)


def summarize_raters(connection: Connection, human_evaluation_id: int) -> list[RaterSummary]:
    """Return how far each person is, for leads."""
    return [_progress(one) for one in progress_by_rater(connection, human_evaluation_id)]


def agreement_by_dimension(
    connection: Connection, human_evaluation: HumanEvaluationRow, rng: np.random.Generator
) -> dict[str, Agreement]:
    """Return the agreement of the people on each dimension, over all answers, whosever they are."""
    by_answer: dict[int, list[dict[str, int]]] = defaultdict(list)
    for one in blind_ratings(connection, human_evaluation.id):
        by_answer[one.response_id].append(one.scores)
    return {
        dimension: measure_agreement(
            [[scores[dimension] for scores in given] for given in by_answer.values()],
            rng=rng,
            metric="ordinal",
        )
        for dimension in human_evaluation.dimensions
    }


def rated_page(connection: Connection, human_evaluation_id: int, page: int) -> RatedPage:
    """Return a page of a locked study's items with all ratings and whose the answers are.

    Items that an open study of the same model has too are withheld: some of its answers may be the
    same ones.

    Raises:
        NotFoundError: There is no such study, or no such page of it.
        WorkflowError: The study is open, or was cancelled.
    """
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    if human_evaluation.is_open:
        raise WorkflowError("the ratings are shown once the study is locked")
    if not human_evaluation.is_locked:
        raise WorkflowError("the study was cancelled: its ratings are kept and shown to nobody")
    all_items = items_of(connection, human_evaluation_id)
    rated_now = items_under_human_evaluation(connection, human_evaluation.model)
    items = [one for one in all_items if (one.benchmark, one.benchmark_item_id) not in rated_now]
    n_pages = max(1, -(-len(items) // ITEMS_PER_PAGE))
    if not 1 <= page <= n_pages:
        raise NotFoundError(f"study {human_evaluation_id} has no page {page}")
    some = items[(page - 1) * ITEMS_PER_PAGE : page * ITEMS_PER_PAGE]
    shown = _rated(connection, human_evaluation_id, some)
    return RatedPage(human_evaluation, shown, page, n_pages, len(all_items) - len(items))


def rated_items(connection: Connection, human_evaluation_id: int) -> list[RatedItem]:
    """Return all items of a locked study with all ratings and whose the answers are.

    Raises:
        NotFoundError: There is no such study.
        WorkflowError: The study is open, or was cancelled.
    """
    human_evaluation_by_id(connection, human_evaluation_id)
    return _rated(connection, human_evaluation_id, items_of(connection, human_evaluation_id))


def _rated(
    connection: Connection, human_evaluation_id: int, items: Sequence[HumanEvaluationItemRow]
) -> list[RatedItem]:
    names = {row.id: row.name for row in list_users(connection)}
    systems = systems_by_response(connection, human_evaluation_id)
    scores: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    for one in unblinded_ratings(connection, human_evaluation_id):
        scores[one.response_id][names[one.reviewer_id]] = one.scores
    ids = [item.id for item in items]
    answers: dict[int, list[RatedResponse]] = defaultdict(list)
    for answer in responses_of(connection, ids):
        told = RatedResponse(systems[answer.id], answer.text, scores[answer.id])
        answers[answer.item_id].append(told)
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
            answers=sorted(answers[item.id], key=lambda one: one.systems),
            comments=comments[item.id],
        )
        for item in items
    ]


def _view(
    connection: Connection, human_evaluation: HumanEvaluationRow, user: UserRow, now: datetime
) -> HumanEvaluationView:
    rater = load_rater(connection, user.id)
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
        at_work=current_item_of(connection, human_evaluation.id, user.id, now)
        if human_evaluation.is_open
        else None,
    )


def _progress(one: RaterProgress) -> RaterSummary:
    return RaterSummary(
        name=one.name,
        n_submitted=one.n_submitted,
        n_declined=one.n_declined,
        median_minutes=median(one.seconds) / 60 if one.seconds else None,
        last_at=one.last_at,
    )
