"""Pages of the human evaluations: list, rating, progress, results."""

from typing import Any

import numpy as np
from litestar import Router
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.review.human_evaluation import rating, view
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.human_evaluation.assignments import progress_by_rater
from monitor.web.access.audience import LEADS, NO_FINDINGS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get
from monitor.web.review.review_pages import DIMENSIONS

_TEXTS = texts("human_evaluation")

Form = URLEncodedBody[dict[str, str]]


@get("/", opt=REVIEWERS | NO_FINDINGS)
def human_evaluations(visit: NamedDependency[Visit]) -> Template:
    """List the human evaluations, newest first."""
    with visit.transaction() as connection:
        views = view.view_human_evaluations(connection, visit.user, visit.now, visit.scope)
    return visit.page("human_evaluations.html", {"views": views})


@get("/{human_evaluation_id:int}", opt=REVIEWERS | NO_FINDINGS)
def human_evaluation(human_evaluation_id: FromPath[int], visit: NamedDependency[Visit]) -> Template:
    """Show a human evaluation: the own part, for leads the progress, and results once locked."""
    return _human_evaluation_page(visit, human_evaluation_id)


@form("/{human_evaluation_id:int}/rate", opt=REVIEWERS | NO_FINDINGS)
def start(human_evaluation_id: FromPath[int], visit: NamedDependency[Visit]) -> Redirect:
    """Claim the next item and redirect to it."""
    with visit.transaction() as connection:
        number = rating.RatingQueue(human_evaluation_id).claim_next(
            connection, visit.user.id, visit.now, visit.lease
        )
    target = (
        f"/human-evaluations/{human_evaluation_id}/rate"
        if number
        else f"/human-evaluations/{human_evaluation_id}"
    )
    return Redirect(target, status_code=303)


@get("/{human_evaluation_id:int}/rate", opt=REVIEWERS | NO_FINDINGS | _TEXTS)
def rate(human_evaluation_id: FromPath[int], visit: NamedDependency[Visit]) -> Template | Redirect:
    """Show the user's current item; without one, redirect to the human evaluation."""
    now = visit.now
    with visit.transaction() as connection:
        item = rating.view_current_item(connection, human_evaluation_id, visit.user.id, now)
        if item is None:
            return Redirect(f"/human-evaluations/{human_evaluation_id}", status_code=303)
        summary = view.view_human_evaluation(connection, human_evaluation_id, visit.user, now)
    labelled = list(zip(rating.LABELS, item.responses, strict=False))
    initial = {
        "human_evaluation": human_evaluation_id,
        "number": item.number,
        "user": visit.user.id,
        "draft": item.draft,
        "lease_until": item.lease_until.isoformat(),
        "now": now.isoformat(),
        "dimensions": item.human_evaluation.dimensions,
        "labels": [label for label, _ in labelled],
    }
    context = {
        "item": item,
        "view": summary,
        "labelled": labelled,
        "scale": range(item.human_evaluation.scale_min, item.human_evaluation.scale_max + 1),
        "questions": DIMENSIONS,
        "initial": initial,
    }
    return visit.page("rating.html", context)


@form("/{human_evaluation_id:int}/lock", opt=LEADS)
def lock(
    human_evaluation_id: FromPath[int], data: Form, lead_visit: NamedDependency[Visit]
) -> Template | Redirect:
    """Lock a human evaluation, if the confirmation box is selected."""
    if data.get("confirmed") != "yes":
        problem = "select the box to confirm: a lock can't be undone"
        return _human_evaluation_page(lead_visit, human_evaluation_id, status=409, problem=problem)
    try:
        with lead_visit.transaction() as connection:
            lock_human_evaluation(
                connection, human_evaluation_id, lead_visit.user, lead_visit.now, allow_missing=True
            )
    except WorkflowError as error:
        return _human_evaluation_page(
            lead_visit, human_evaluation_id, status=409, problem=str(error)
        )
    return Redirect(f"/human-evaluations/{human_evaluation_id}", status_code=303)


@get("/{human_evaluation_id:int}/ratings", opt=REVIEWERS | _TEXTS)
def ratings(
    human_evaluation_id: FromPath[int], visit: NamedDependency[Visit], page: FromQuery[int] = 1
) -> Template:
    """Show the items of a locked human evaluation with ratings and systems."""
    with visit.transaction() as connection:
        ratings_page = view.rated_page(connection, human_evaluation_id, visit.user, page)
    return visit.page("ratings.html", {"page": ratings_page})


def _human_evaluation_page(
    visit: Visit, human_evaluation_id: int, *, status: int = 200, problem: str = ""
) -> Template:
    with visit.transaction() as connection:
        summary = view.view_human_evaluation(connection, human_evaluation_id, visit.user, visit.now)
        context = _context(connection, summary, visit.user)
    if summary.human_evaluation.is_locked:
        visit.require_findings(summary.human_evaluation.model)
    leads = visit.user.is_lead_of(summary.human_evaluation.model)
    context |= {"leads": leads, "view": summary, "problem": problem}
    return visit.page("human_evaluation.html", context, status=status)


def _context(
    connection: Connection, summary: view.HumanEvaluationView, user: UserRow
) -> dict[str, Any]:
    """Return progress and agreement: for leads always, for other users once locked."""
    row = summary.human_evaluation
    if not row.is_locked and not user.is_lead_of(row.model):
        return {"raters": None, "agreement": None, "locked_by": ""}
    names = {row.id: row.name for row in list_users(connection)}
    return {
        "raters": progress_by_rater(connection, row.id),
        # A fixed seed, because an interval that changes between visits would look like news.
        "agreement": view.agreement_by_dimension(connection, row, np.random.default_rng(row.id)),
        "locked_by": names.get(row.locked_by_id or 0, ""),
    }


router = Router(
    "/human-evaluations",
    route_handlers=[human_evaluations, human_evaluation, start, rate, lock, ratings],
)
