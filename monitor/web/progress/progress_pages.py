"""The progress page of leads: review batches, their pace, agreement and flagged items."""

from dataclasses import replace
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from monitor.review.items.flags import confirm_flag, reject_flag
from monitor.review.progress.lead_view import build_lead_view
from monitor.store.review.decision_states import OUTCOMES
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get


@get("/progress", opt=LEADS | texts("flagged_items"))
def progress(
    *,
    request: Request[Any, Any, Any],
    lead_visit: NamedDependency[Visit],
    batch: FromQuery[int | None] = None,
) -> Template | Redirect:
    """Show a batch: progress, pace, agreement and the decision that follows."""
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
    model = lead_visit.model if view is None else view.progress.batch.model
    if batch is None and model != lead_visit.model and len(lead_visit.choices) > 1:
        return Redirect(replace(lead_visit, model=model).address("/progress"), status_code=303)
    confirms = view is not None and (
        lead_visit.settings.settings_of(view.progress.batch.model).retrain.require_confirmation
    )
    partial = "hx-request" in request.headers
    context = {
        "view": view,
        "now": now,
        "outcomes": OUTCOMES,
        "require_confirmation": confirms,
    }
    name = "batch_progress.html" if partial else "progress.html"
    return lead_visit.page(name, context, model=model)


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


HANDLERS = (progress, restore, exclude)
