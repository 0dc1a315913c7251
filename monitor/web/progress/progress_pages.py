"""The pages of those who answer for the model: progress, incidents, versions."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.review.decision.decisions import confirm_retraining
from monitor.review.items.flags import confirm_flag, reject_flag
from monitor.review.progress.lead_view import build_lead_view
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.alerts.incidents import acknowledge_incident, incident_by_id, list_incidents
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import models_under_human_evaluation
from monitor.store.training.model_age import production_age
from monitor.store.training.registry import list_versions, scores_of
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
    """Show how far a batch is, at what pace, how well reviewers agree, and what follows."""
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


@post("/decisions/{decision_id:int}/confirm", status_code=303, sync_to_thread=True)
def confirm(
    decision_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Confirm that the recommended retraining may start."""
    with transaction(engine) as connection:
        confirm_retraining(connection, decision_id, lead, clock())
    return Redirect("/progress", status_code=303)


@post("/progress/items/{item_id:int}/restore", status_code=303, sync_to_thread=True)
def restore(
    item_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Put a flagged item back where it was."""
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
    """Exclude a flagged item for good."""
    with transaction(engine) as connection:
        confirm_flag(connection, item_id, lead, clock())
    return Redirect("/progress", status_code=303)


@get("/incidents", sync_to_thread=True)
def incidents(user: NamedDependency[UserRow], engine: NamedDependency[Engine]) -> Template:
    """List the spells of drift, the newest first."""
    with transaction(engine) as connection:
        rows = list_incidents(connection, None, 60)
    return Template("incidents.html", context={"user": user, "incidents": rows})


@post("/incidents/{incident_id:int}/acknowledge", status_code=303, sync_to_thread=True)
def acknowledge(
    incident_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Note who looks after an incident."""
    with transaction(engine) as connection:
        incident_by_id(connection, incident_id)
        if acknowledge_incident(connection, incident_id, lead.name):
            subject = f"incident:{incident_id}"
            append_entry(connection, clock(), lead.name, "acknowledged", subject)
    return Redirect("/incidents", status_code=303)


@get("/models", sync_to_thread=True)
def models(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Template:
    """Show the versions, their stages and scores, and whether the one that serves is old."""
    max_age = settings.retrain.max_age
    with transaction(engine) as connection:
        rows = list_versions(connection)
        # How often a version answers in JSON, say, tells whose an answer of a study is.
        withheld = models_under_human_evaluation(connection)
        versions = [
            (row, [] if row.model in withheld else scores_of(connection, row.id)) for row in rows
        ]
        serving = [
            production_age(connection, name, clock()) for name in {row.model for row in rows}
        ]
    context = {
        "user": user,
        "versions": versions,
        "withheld": withheld,
        "ages": {live.version.id: live for live in serving if live is not None},
        "max_age": max_age,
    }
    return Template("models.html", context=context)


HANDLERS = (
    progress,
    confirm,
    restore,
    exclude,
    incidents,
    acknowledge,
    models,
)
