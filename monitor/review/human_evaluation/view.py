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
from monitor.review.human_evaluation.rating import rater_of
from monitor.statistics.agreement import Agreement, measure_agreement
from monitor.store.accounts.users import ReviewerRow, list_reviewers
from monitor.store.human_evaluation.assignments import (
    RaterProgress,
    blind_ratings,
    count_available,
    count_of_rater,
    item_at_work,
    progress_by_rater,
    sheets_of_items,
)
from monitor.store.human_evaluation.human_evaluations import (
    StudyItemRow,
    StudyRow,
    answers_of,
    items_of,
    list_studies,
    open_study_item_ids,
    study_by_id,
)
from monitor.store.human_evaluation.keys import key_of, revealed_ratings

#: Items on a page of all ratings.
ITEMS_PER_PAGE = 20


@dataclass(frozen=True)
class StudyView:
    """A study as one person sees it."""

    study: StudyRow
    so_far: Completeness
    #: Items that the person has rated.
    n_mine: int
    #: Items that they could still be given.
    n_waiting: int
    #: The number of the item that they are at.
    at_work: int | None


@dataclass(frozen=True)
class PersonProgress:
    """How far a person is, for leads."""

    name: str
    n_submitted: int
    n_declined: int
    #: Minutes for one item; ``None`` where there is none.
    median_minutes: float | None
    last_at: datetime | None


@dataclass(frozen=True)
class RatedAnswer:
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
    answers: list[RatedAnswer]
    #: Person -> comment, where there is one.
    comments: dict[str, str]


@dataclass(frozen=True)
class RatedPage:
    """Some items of a locked study."""

    study: StudyRow
    items: list[RatedItem]
    page: int
    n_pages: int
    #: Items that aren't shown, since another study has people rate them blind now.
    n_withheld: int


def view_studies(connection: Connection, person: ReviewerRow, now: datetime) -> list[StudyView]:
    """Return all studies, the newest first."""
    return [_view(connection, study, person, now) for study in list_studies(connection)]


def studies_to_rate(connection: Connection, person: ReviewerRow, now: datetime) -> list[StudyView]:
    """Return the open studies in which an item waits for a person, the newest first."""
    found = [
        _view(connection, study, person, now) for study in list_studies(connection) if study.is_open
    ]
    return [one for one in found if one.n_waiting]


def view_study(
    connection: Connection, study_id: int, person: ReviewerRow, now: datetime
) -> StudyView:
    """Return a study.

    Raises:
        NotFoundError: There is no such study.
    """
    return _view(connection, study_by_id(connection, study_id), person, now)


def people_at_work(connection: Connection, study_id: int) -> list[PersonProgress]:
    """Return how far each person is, for leads."""
    return [_progress(one) for one in progress_by_rater(connection, study_id)]


def agreement_by_dimension(
    connection: Connection, study: StudyRow, rng: np.random.Generator
) -> dict[str, Agreement]:
    """Return the agreement of the people on each dimension, over all answers, whosever they are."""
    by_answer: dict[int, list[dict[str, int]]] = defaultdict(list)
    for one in blind_ratings(connection, study.id):
        by_answer[one.answer_id].append(one.scores)
    return {
        dimension: measure_agreement(
            [[scores[dimension] for scores in given] for given in by_answer.values()],
            rng=rng,
            metric="ordinal",
        )
        for dimension in study.dimensions
    }


def rated_page(connection: Connection, study_id: int, page: int) -> RatedPage:
    """Return a page of a locked study's items with all ratings and whose the answers are.

    Items that an open study of the same model has too are withheld: some of its answers may be the
    same ones.

    Raises:
        NotFoundError: There is no such study, or no such page of it.
        WorkflowError: The study is open, or was cancelled.
    """
    study = study_by_id(connection, study_id)
    if study.is_open:
        raise WorkflowError("the ratings are shown once the study is locked")
    if not study.is_locked:
        raise WorkflowError("the study was cancelled: its ratings are kept and shown to nobody")
    of_study = items_of(connection, study_id)
    rated_now = open_study_item_ids(connection, study.model)
    items = [one for one in of_study if (one.benchmark, one.item_id) not in rated_now]
    n_pages = max(1, -(-len(items) // ITEMS_PER_PAGE))
    if not 1 <= page <= n_pages:
        raise NotFoundError(f"study {study_id} has no page {page}")
    some = items[(page - 1) * ITEMS_PER_PAGE : page * ITEMS_PER_PAGE]
    shown = _rated(connection, study_id, some)
    return RatedPage(study, shown, page, n_pages, len(of_study) - len(items))


def rated_items(connection: Connection, study_id: int) -> list[RatedItem]:
    """Return all items of a locked study with all ratings and whose the answers are.

    Raises:
        NotFoundError: There is no such study.
        WorkflowError: The study is open, or was cancelled.
    """
    study_by_id(connection, study_id)
    return _rated(connection, study_id, items_of(connection, study_id))


def _rated(connection: Connection, study_id: int, items: Sequence[StudyItemRow]) -> list[RatedItem]:
    names = {row.id: row.name for row in list_reviewers(connection)}
    systems = key_of(connection, study_id)
    scores: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    for one in revealed_ratings(connection, study_id):
        scores[one.answer_id][names[one.reviewer_id]] = one.scores
    ids = [item.id for item in items]
    answers: dict[int, list[RatedAnswer]] = defaultdict(list)
    for answer in answers_of(connection, ids):
        told = RatedAnswer(systems[answer.id], answer.text, scores[answer.id])
        answers[answer.item_id].append(told)
    comments: dict[int, dict[str, str]] = defaultdict(dict)
    for sheet in sheets_of_items(connection, ids):
        if sheet.comment:
            comments[sheet.item_id][names[sheet.reviewer_id]] = sheet.comment
    return [
        RatedItem(
            number=item.number,
            benchmark=item.benchmark,
            item_id=item.item_id,
            task_type=item.task_type,
            messages=item.messages,
            answers=sorted(answers[item.id], key=lambda one: one.systems),
            comments=comments[item.id],
        )
        for item in items
    ]


def _view(connection: Connection, study: StudyRow, person: ReviewerRow, now: datetime) -> StudyView:
    rater = rater_of(connection, person.id)
    waiting = (
        count_available(connection, study.id, rater, study.reviewers, now) if study.is_open else 0
    )
    return StudyView(
        study=study,
        so_far=completeness(connection, study),
        n_mine=count_of_rater(connection, study.id, person.id),
        n_waiting=waiting,
        at_work=item_at_work(connection, study.id, person.id, now) if study.is_open else None,
    )


def _progress(one: RaterProgress) -> PersonProgress:
    return PersonProgress(
        name=one.name,
        n_submitted=one.n_submitted,
        n_declined=one.n_declined,
        median_minutes=median(one.seconds) / 60 if one.seconds else None,
        last_at=one.last_at,
    )
