"""The pages of those who answer for the model: progress, evaluations, incidents, versions."""

from typing import Any, Literal

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from sqlalchemy import Engine

from monitor.report.page import render_body, render_page
from monitor.review.decision import confirm_retraining
from monitor.review.flags import confirm_flag, reject_flag
from monitor.review.progress import batch_progress
from monitor.review.web.clock import Clock
from monitor.review.web.pages import WORDS
from monitor.review.web.security import REPORT_POLICY
from monitor.settings import Settings
from monitor.store.assessment import Assessment
from monitor.store.audit import append_entry
from monitor.store.engine import transaction
from monitor.store.evaluations import evaluation_by_id, list_evaluations
from monitor.store.incidents import acknowledge_incident, incident_by_id, list_incidents
from monitor.store.registry import list_versions, scores_of
from monitor.store.reports import load_report, report_kinds
from monitor.store.reviewers import ReviewerRow


@get("/lead", sync_to_thread=True)
def progress(
    request: Request[Any, Any, Any],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
) -> Template:
    """Show how far each batch is, how well reviewers agree, and what follows."""
    with transaction(engine) as connection:
        batches = batch_progress(connection, settings.review)
    partial = "hx-request" in request.headers
    return Template(
        "lead_batches.html" if partial else "lead.html",
        context={
            "person": lead,
            "batches": batches,
            "require_confirmation": settings.retrain.require_confirmation,
            **WORDS,
        },
    )


@post("/lead/decisions/{decision_id:int}/confirm", status_code=303, sync_to_thread=True)
def confirm(
    decision_id: FromPath[int],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Confirm that the recommended retraining may start."""
    with transaction(engine) as connection:
        confirm_retraining(connection, decision_id, lead, clock())
    return Redirect("/lead", status_code=303)


@post("/lead/items/{item_id:int}/restore", status_code=303, sync_to_thread=True)
def restore(
    item_id: FromPath[int],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Put a flagged item back where it was."""
    with transaction(engine) as connection:
        reject_flag(connection, item_id, lead, clock())
    return Redirect("/lead", status_code=303)


@post("/lead/items/{item_id:int}/exclude", status_code=303, sync_to_thread=True)
def exclude(
    item_id: FromPath[int],
    lead: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Exclude a flagged item for good."""
    with transaction(engine) as connection:
        confirm_flag(connection, item_id, lead, clock())
    return Redirect("/lead", status_code=303)


@get("/evaluations", sync_to_thread=True)
def evaluations(
    reviewer: NamedDependency[ReviewerRow], engine: NamedDependency[Engine]
) -> Template:
    """List the windows, the newest first."""
    with transaction(engine) as connection:
        rows = list_evaluations(connection, None, 60)
    return Template("evaluations.html", context={"person": reviewer, "evaluations": rows})


@get("/evaluations/{evaluation_id:int}", sync_to_thread=True)
def evaluation(
    evaluation_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
) -> Template:
    """Show what moved in a window, with examples."""
    with transaction(engine) as connection:
        row = evaluation_by_id(connection, evaluation_id)
        kinds = report_kinds(connection, evaluation_id)
    report = None
    if row.assessment is not None:
        link = f"/evaluations/{evaluation_id}/report?kind=evidently"
        report = render_body(
            row.assessment,
            window=(row.window_start, row.window_end),
            evidently=link if "evidently" in kinds else "",
        )
    return Template("evaluation.html", context={"person": reviewer, "row": row, "report": report})


@get("/evaluations/{evaluation_id:int}/report", sync_to_thread=True)
def report(
    evaluation_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],  # noqa: ARG001 - only who is signed in gets here
    engine: NamedDependency[Engine],
    kind: FromQuery[Literal["page", "evidently"]] = "page",
) -> Response[str]:
    """Return a report as one file, sandboxed: the text in it is hostile."""
    with transaction(engine) as connection:
        row = evaluation_by_id(connection, evaluation_id)
        evidently = load_report(connection, evaluation_id, "evidently")
    if kind == "evidently":
        html = evidently
    elif row.assessment is not None:
        html = render_page(
            row.assessment,
            window=(row.window_start, row.window_end),
            evidently="" if evidently is None else "?kind=evidently",
        )
    else:
        html = None
    if html is None:
        raise NotFoundException("this evaluation has no such report")
    return Response(
        html, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY}
    )


@get("/evaluations/{evaluation_id:int}/assessment.json", sync_to_thread=True)
def assessment(
    evaluation_id: FromPath[int],
    reviewer: NamedDependency[ReviewerRow],  # noqa: ARG001 - only who is signed in gets here
    engine: NamedDependency[Engine],
) -> Assessment:
    """Return what an evaluation concluded, as docs/reference/assessment.schema.json has it."""
    with transaction(engine) as connection:
        row = evaluation_by_id(connection, evaluation_id)
    if row.assessment is None:
        raise NotFoundException("this evaluation is not done")
    return row.assessment


@get("/incidents", sync_to_thread=True)
def incidents(reviewer: NamedDependency[ReviewerRow], engine: NamedDependency[Engine]) -> Template:
    """List the spells of drift, the newest first."""
    with transaction(engine) as connection:
        rows = list_incidents(connection, None, 60)
    return Template("incidents.html", context={"person": reviewer, "incidents": rows})


@post("/incidents/{incident_id:int}/acknowledge", status_code=303, sync_to_thread=True)
def acknowledge(
    incident_id: FromPath[int],
    lead: NamedDependency[ReviewerRow],
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
def models(reviewer: NamedDependency[ReviewerRow], engine: NamedDependency[Engine]) -> Template:
    """Show the versions, their stages and scores."""
    with transaction(engine) as connection:
        versions = [(row, scores_of(connection, row.id)) for row in list_versions(connection)]
    return Template("models.html", context={"person": reviewer, "versions": versions})


HANDLERS = (
    progress,
    confirm,
    restore,
    exclude,
    evaluations,
    evaluation,
    report,
    assessment,
    incidents,
    acknowledge,
    models,
)
