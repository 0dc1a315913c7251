"""The progress page of leads: review batches, their pace, agreement and flagged items."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from monitor.errors import WorkflowError
from monitor.review.items.flags import confirm_flag, reject_flag
from monitor.review.items.giving import DEFAULT_DAYS, MAX_DAYS, give_items
from monitor.review.progress.lead_view import build_lead_view
from monitor.store.accounts.users import list_users
from monitor.store.review.assignments import given_counts
from monitor.store.review.decision_states import OUTCOMES
from monitor.store.review.items import items_of_batches
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get
from monitor.web.typed_text import UNREAD


@get("/progress", opt=LEADS | texts("flagged_items"))
def progress(
    *,
    request: Request[Any, Any, Any],
    lead_visit: NamedDependency[Visit],
    batch: FromQuery[int | None] = None,
    items: FromQuery[int] = 0,
    unfit: FromQuery[int] = 0,
    to: FromQuery[list[int] | None] = None,
    taken: FromQuery[list[int] | None] = None,
) -> Template | Redirect:
    """Show a batch: progress, pace, agreement and the decision that follows.

    After items were given to users, say so: the number of the items and of the unfit ones, and the
    ids of the users who got them, and of those from whom they were ``taken``.
    """
    gift = {"n_items": items, "n_unfit": unfit, "to": to or [], "taken_from": taken or []}
    partial = "hx-request" in request.headers
    return _render(lead_visit, batch, partial=partial, gift=gift if items > 0 else None)


def _render(
    lead_visit: Visit,
    batch: int | None,
    *,
    partial: bool = False,
    status: int = 200,
    gift: Mapping[str, Any] | None = None,
    typed: Mapping[str, Any] | None = None,
    problem: str = "",
) -> Template | Redirect:
    """Show a batch; beside its form the ``gift``, or what was ``typed`` and its problem."""
    now = lead_visit.now
    with lead_visit.transaction() as connection:
        view = build_lead_view(
            connection,
            lead_visit.settings,
            lead_visit.user.id,
            now,
            models=lead_visit.scope,
            batch_id=batch,
        )
        users, gifts = [], []
        if view is not None:
            own = view.progress.batch
            users = [
                user for user in list_users(connection) if user.grants.on(own.model) is not None
            ]
            gifts = given_counts(connection, own.id, now)
    model = lead_visit.model if view is None else view.progress.batch.model
    if batch is None and model != lead_visit.model and len(lead_visit.choices) > 1:
        return Redirect(lead_visit.of(model=model).address("/progress"), status_code=303)
    confirms = view is not None and (
        lead_visit.settings.settings_of(view.progress.batch.model).retrain.require_confirmation
    )
    context = {
        "view": view,
        "now": now,
        "outcomes": OUTCOMES,
        "reviewers": [user for user in users if user.active],
        "gifts": gifts,
        "gift": gift,
        "names_of": lambda ids: ", ".join(user.name for user in users if user.id in ids),
        "problem": problem,
        "typed": {"reviewer": [], "task_type": "*", "days": DEFAULT_DAYS, **(typed or {})},
        "max_days": MAX_DAYS,
        "require_confirmation": confirms,
    }
    name = "batch_progress.html" if partial else "progress.html"
    return lead_visit.page(name, context, model=model, status=status)


@form("/progress/items/{item_id:int}/restore", opt=LEADS)
def restore(item_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Return a flagged item to its earlier status."""
    with lead_visit.transaction() as connection:
        reject_flag(connection, item_id, lead_visit.user, lead_visit.now)
    return Redirect(lead_visit.address("/progress"), status_code=303)


@form("/progress/items/{item_id:int}/exclude", opt=LEADS)
def exclude(item_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Exclude a flagged item permanently."""
    with lead_visit.transaction() as connection:
        confirm_flag(connection, item_id, lead_visit.user, lead_visit.now)
    return Redirect(lead_visit.address("/progress"), status_code=303)


@form(
    "/progress/batches/{batch_id:int}/give",
    opt=LEADS | texts("flagged_items") | {UNREAD: ("reviewer", "task_type", "days")},
)
def give(
    batch_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, Any]],
) -> Template | Redirect:
    """Give the queued items of a batch, or of one of its task types, to reviewers."""
    chosen = data.get("reviewer") or []
    names = [str(name) for name in (chosen if isinstance(chosen, list) else [chosen])]
    days = str(data.get("days") or DEFAULT_DAYS)
    task_type = str(data.get("task_type", "*"))
    typed = {"reviewer": names, "task_type": task_type, "days": days}
    try:
        query = _give(lead_visit, batch_id, names, task_type, days)
    except WorkflowError as error:
        return _render(lead_visit, batch_id, status=409, typed=typed, problem=str(error))
    address = urlencode({"batch": batch_id, **query}, doseq=True)
    return Redirect(f"/progress?{address}#give", status_code=303)


def _give(
    lead_visit: Visit, batch_id: int, names: Collection[str], task_type: str, days: str
) -> dict[str, Any]:
    """Give items, and return the query of the page that says so."""
    if not (days.isascii() and days.isdigit() and 1 <= int(days[:4]) <= MAX_DAYS):
        raise WorkflowError(f"the number of days is none: {days[:20]!r}; choose 1 to {MAX_DAYS}")
    with lead_visit.transaction() as connection:
        users = list_users(connection)
        reviewers = [user for user in users if user.name in names]
        items = [
            item
            for item in items_of_batches(connection, [batch_id])
            if task_type in {"*", item.task_type}
        ]
        gift = give_items(
            connection,
            items,
            reviewers,
            until=lead_visit.now + timedelta(days=int(days)),
            by=lead_visit.user.name,
            now=lead_visit.now,
        )
    return {
        "items": gift.n_items,
        "unfit": gift.n_unfit,
        "to": [user.id for user in reviewers],
        "taken": [user.id for user in users if user.name in gift.taken_from],
    }


HANDLERS = (progress, restore, exclude, give)
