"""The progress page of leads: review batches, their pace, agreement and flagged items."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.review.items.flags import confirm_flag, reject_flag
from monitor.review.progress.lead_view import build_lead_view
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.clock import Clock
from monitor.web.decisions.decision_pages import OUTCOMES


@get("/progress", sync_to_thread=True)
def progress(
    *,
    request: Request[Any, Any, Any],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
    batch: FromQuery[int | None] = None,
) -> Template:
    """Show a batch: progress, pace, agreement and the decision that follows."""
    now = clock()
    with transaction(engine) as connection:
        view = build_lead_view(connection, settings.review, lead.id, now, batch_id=batch)
    partial = "hx-request" in request.headers
    return Template(
        "batch_progress.html" if partial else "progress.html",
        context={
            "user": lead,
            "view": view,
            "now": now,
            "outcomes": OUTCOMES,
            "require_confirmation": settings.retrain.require_confirmation,
        },
    )


@post("/progress/items/{item_id:int}/restore", status_code=303, sync_to_thread=True)
def restore(
    item_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Return a flagged item to its earlier status."""
    with transaction(engine) as connection:
        reject_flag(connection, item_id, lead, clock())
    return Redirect("/progress", status_code=303)


@post("/progress/items/{item_id:int}/exclude", status_code=303, sync_to_thread=True)
def exclude(
    item_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Exclude a flagged item permanently."""
    with transaction(engine) as connection:
        confirm_flag(connection, item_id, lead, clock())
    return Redirect("/progress", status_code=303)


HANDLERS = (progress, restore, exclude)
