"""The pages of blind human evaluation: what there is to rate, an item, progress, results."""

from typing import Any

import numpy as np
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.review.human_evaluation import rating, view
from monitor.review.human_evaluation.locking import lock_study
from monitor.settings import Settings
from monitor.store.accounts.users import ReviewerRow, list_reviewers
from monitor.store.engine import transaction
from monitor.web.clock import Clock
from monitor.web.review.review_pages import DIMENSIONS

Form = URLEncodedBody[dict[str, str]]


@get("/", sync_to_thread=True)
def studies(
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template:
    """List the studies, the newest first."""
    with transaction(engine) as connection:
        views = view.view_studies(connection, reviewer, clock())
    return Template("studies.html", context={"person": reviewer, "views": views})


@get("/{study_id:int}", sync_to_thread=True)
def study(
    study_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template:
    """Show a study: one's own part, for leads the progress, and once it is locked the results.

    A cancelled one says so.
    """
    return _study_page(engine, study_id, reviewer, clock)


@post("/{study_id:int}/rate", status_code=303, sync_to_thread=True)
def start(
    study_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Claim the next item and go to it."""
    with transaction(engine) as connection:
        number = rating.claim_next(
            connection, study_id, reviewer.id, clock(), settings.review.lease_minutes
        )
    target = f"/studies/{study_id}/rate" if number else f"/studies/{study_id}"
    return Redirect(target, status_code=303)


@get("/{study_id:int}/rate", sync_to_thread=True)
def rate(
    study_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Show the item that the person is at; the study's page where they are at none."""
    now = clock()
    with transaction(engine) as connection:
        item = rating.view_at_work(connection, study_id, reviewer.id, now)
        if item is None:
            return Redirect(f"/studies/{study_id}", status_code=303)
        whole = view.view_study(connection, study_id, reviewer, now)
    lettered = list(zip(rating.LETTERS, item.answers, strict=False))
    initial = {
        "study": study_id,
        "number": item.number,
        "person": reviewer.id,
        "draft": item.draft,
        "lease_until": item.lease_until.isoformat(),
        "now": now.isoformat(),
        "dimensions": item.study.dimensions,
        "letters": [letter for letter, _ in lettered],
    }
    context = {
        "person": reviewer,
        "item": item,
        "view": whole,
        "lettered": lettered,
        "scale": range(item.study.scale_lowest, item.study.scale_highest + 1),
        "questions": DIMENSIONS,
        "initial": initial,
    }
    return Template("study_rate.html", context=context)


@post("/{study_id:int}/lock", status_code=303, sync_to_thread=True)
def lock(
    study_id: FromPath[int],
    data: Form,
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Lock a study, once the box is ticked that says so."""
    if data.get("confirmed") != "yes":
        problem = "tick the box: a lock can't be undone"
        return _study_page(engine, study_id, lead, clock, status=409, problem=problem)
    try:
        with transaction(engine) as connection:
            lock_study(connection, study_id, lead, clock(), although_missing=True)
    except WorkflowError as error:
        return _study_page(engine, study_id, lead, clock, status=409, problem=str(error))
    return Redirect(f"/studies/{study_id}", status_code=303)


@get("/{study_id:int}/ratings", sync_to_thread=True)
def ratings(
    study_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    page: FromQuery[int] = 1,
) -> Template:
    """Show every item of a locked study with its ratings, and whose each answer is."""
    with transaction(engine) as connection:
        shown = view.rated_page(connection, study_id, page)
    return Template("study_ratings.html", context={"person": reviewer, "shown": shown})


def _study_page(
    engine: Engine,
    study_id: int,
    person: ReviewerRow,
    clock: Clock,
    *,
    status: int = 200,
    problem: str = "",
) -> Template:
    with transaction(engine) as connection:
        shown = view.view_study(connection, study_id, person, clock())
        context = _context(connection, shown, person)
    context |= {"person": person, "view": shown, "problem": problem}
    return Template("study.html", context=context, status_code=status)


def _context(connection: Connection, shown: view.StudyView, person: ReviewerRow) -> dict[str, Any]:
    """Return what leads see of every study, and everybody once it is locked."""
    row = shown.study
    if not row.is_locked and not person.leads:
        return {}
    names = {one.id: one.name for one in list_reviewers(connection)}
    return {
        "people": view.people_at_work(connection, row.id),
        # Drawn alike at each visit: a figure that changes by itself would look like news.
        "agreement": view.agreement_by_dimension(connection, row, np.random.default_rng(row.id)),
        "locked_by": names.get(row.locked_by or 0, ""),
    }


router = Router("/studies", route_handlers=[studies, study, start, rate, lock, ratings])
