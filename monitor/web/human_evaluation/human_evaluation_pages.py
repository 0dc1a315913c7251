"""Pages of the human evaluations: list, rating, progress, results."""

from typing import Any

import numpy as np
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.review.human_evaluation import rating, view
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.engine import transaction
from monitor.web.clock import Clock
from monitor.web.review.review_pages import DIMENSIONS

Form = URLEncodedBody[dict[str, str]]


@get("/", sync_to_thread=True)
def human_evaluations(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template:
    """List the human evaluations, newest first."""
    with transaction(engine) as connection:
        views = view.view_human_evaluations(connection, user, clock())
    return Template("human_evaluations.html", context={"user": user, "views": views})


@get("/{human_evaluation_id:int}", sync_to_thread=True)
def human_evaluation(
    human_evaluation_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template:
    """Show a human evaluation: the own part, for leads the progress, and results once locked."""
    return _human_evaluation_page(engine, human_evaluation_id, user, clock)


@post("/{human_evaluation_id:int}/rate", status_code=303, sync_to_thread=True)
def start(
    human_evaluation_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Claim the next item and redirect to it."""
    with transaction(engine) as connection:
        number = rating.RatingQueue(human_evaluation_id).claim_next(
            connection, user.id, clock(), settings.review.lease
        )
    target = (
        f"/human-evaluations/{human_evaluation_id}/rate"
        if number
        else f"/human-evaluations/{human_evaluation_id}"
    )
    return Redirect(target, status_code=303)


@get("/{human_evaluation_id:int}/rate", sync_to_thread=True)
def rate(
    human_evaluation_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Show the user's current item; without one, redirect to the human evaluation."""
    now = clock()
    with transaction(engine) as connection:
        item = rating.view_current_item(connection, human_evaluation_id, user.id, now)
        if item is None:
            return Redirect(f"/human-evaluations/{human_evaluation_id}", status_code=303)
        summary = view.view_human_evaluation(connection, human_evaluation_id, user, now)
    labelled = list(zip(rating.LABELS, item.responses, strict=False))
    initial = {
        "human_evaluation": human_evaluation_id,
        "number": item.number,
        "user": user.id,
        "draft": item.draft,
        "lease_until": item.lease_until.isoformat(),
        "now": now.isoformat(),
        "dimensions": item.human_evaluation.dimensions,
        "labels": [label for label, _ in labelled],
    }
    context = {
        "user": user,
        "item": item,
        "view": summary,
        "labelled": labelled,
        "scale": range(item.human_evaluation.scale_min, item.human_evaluation.scale_max + 1),
        "questions": DIMENSIONS,
        "initial": initial,
    }
    return Template("rating.html", context=context)


@post("/{human_evaluation_id:int}/lock", status_code=303, sync_to_thread=True)
def lock(
    human_evaluation_id: FromPath[int],
    data: Form,
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Lock a human evaluation, if the confirmation box is selected."""
    if data.get("confirmed") != "yes":
        problem = "select the box to confirm: a lock can't be undone"
        return _human_evaluation_page(
            engine, human_evaluation_id, lead, clock, status=409, problem=problem
        )
    try:
        with transaction(engine) as connection:
            lock_human_evaluation(
                connection, human_evaluation_id, lead, clock(), allow_missing=True
            )
    except WorkflowError as error:
        return _human_evaluation_page(
            engine, human_evaluation_id, lead, clock, status=409, problem=str(error)
        )
    return Redirect(f"/human-evaluations/{human_evaluation_id}", status_code=303)


@get("/{human_evaluation_id:int}/ratings", sync_to_thread=True)
def ratings(
    human_evaluation_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    page: FromQuery[int] = 1,
) -> Template:
    """Show the items of a locked human evaluation with ratings and systems."""
    with transaction(engine) as connection:
        ratings_page = view.rated_page(connection, human_evaluation_id, page)
    return Template("ratings.html", context={"user": user, "page": ratings_page})


def _human_evaluation_page(
    engine: Engine,
    human_evaluation_id: int,
    user: UserRow,
    clock: Clock,
    *,
    status: int = 200,
    problem: str = "",
) -> Template:
    with transaction(engine) as connection:
        summary = view.view_human_evaluation(connection, human_evaluation_id, user, clock())
        context = _context(connection, summary, user)
    context |= {"user": user, "view": summary, "problem": problem}
    return Template("human_evaluation.html", context=context, status_code=status)


def _context(
    connection: Connection, summary: view.HumanEvaluationView, user: UserRow
) -> dict[str, Any]:
    """Return progress and agreement: for leads always, for other users once locked."""
    row = summary.human_evaluation
    if not row.is_locked and not user.leads:
        return {}
    names = {row.id: row.name for row in list_users(connection)}
    return {
        "raters": view.summarize_raters(connection, row.id),
        # A fixed seed, because an interval that changes between visits would look like news.
        "agreement": view.agreement_by_dimension(connection, row, np.random.default_rng(row.id)),
        "locked_by": names.get(row.locked_by_id or 0, ""),
    }


router = Router(
    "/human-evaluations",
    route_handlers=[human_evaluations, human_evaluation, start, rate, lock, ratings],
)
