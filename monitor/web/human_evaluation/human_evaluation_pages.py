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
    """List the studies, the newest first."""
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
    """Show a study: one's own part, for leads the progress, and once it is locked the results.

    A cancelled one says so.
    """
    return _human_evaluation_page(engine, human_evaluation_id, user, clock)


@post("/{human_evaluation_id:int}/rate", status_code=303, sync_to_thread=True)
def start(
    human_evaluation_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Claim the next item and go to it."""
    with transaction(engine) as connection:
        number = rating.claim_next(
            connection, human_evaluation_id, user.id, clock(), settings.review.lease
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
    """Show the item that the person is at; the study's page where they are at none."""
    now = clock()
    with transaction(engine) as connection:
        item = rating.view_current_item(connection, human_evaluation_id, user.id, now)
        if item is None:
            return Redirect(f"/human-evaluations/{human_evaluation_id}", status_code=303)
        whole = view.view_human_evaluation(connection, human_evaluation_id, user, now)
    lettered = list(zip(rating.LETTERS, item.answers, strict=False))
    initial = {
        "human_evaluation": human_evaluation_id,
        "number": item.number,
        "user": user.id,
        "draft": item.draft,
        "lease_until": item.lease_until.isoformat(),
        "now": now.isoformat(),
        "dimensions": item.human_evaluation.dimensions,
        "letters": [letter for letter, _ in lettered],
    }
    context = {
        "user": user,
        "item": item,
        "view": whole,
        "lettered": lettered,
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
    """Lock a study, once the box is ticked that says so."""
    if data.get("confirmed") != "yes":
        problem = "tick the box: a lock can't be undone"
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
    """Show every item of a locked study with its ratings, and whose each answer is."""
    with transaction(engine) as connection:
        shown = view.rated_page(connection, human_evaluation_id, page)
    return Template("ratings.html", context={"user": user, "shown": shown})


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
        shown = view.view_human_evaluation(connection, human_evaluation_id, user, clock())
        context = _context(connection, shown, user)
    context |= {"user": user, "view": shown, "problem": problem}
    return Template("human_evaluation.html", context=context, status_code=status)


def _context(
    connection: Connection, shown: view.HumanEvaluationView, user: UserRow
) -> dict[str, Any]:
    """Return what leads see of every study, and everybody once it is locked."""
    row = shown.human_evaluation
    if not row.is_locked and not user.leads:
        return {}
    names = {one.id: one.name for one in list_users(connection)}
    return {
        "people": view.summarize_raters(connection, row.id),
        # Drawn alike at each visit: a figure that changes by itself would look like news.
        "agreement": view.agreement_by_dimension(connection, row, np.random.default_rng(row.id)),
        "locked_by": names.get(row.locked_by_id or 0, ""),
    }


router = Router(
    "/human-evaluations",
    route_handlers=[human_evaluations, human_evaluation, start, rate, lock, ratings],
)
