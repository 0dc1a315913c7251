"""Pages of the training runs: state, losses, log, cancellation."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Response, Template
from sqlalchemy import Connection

from monitor.store.audit_log import append_entry
from monitor.store.review.decision_states import decision_state, decision_states
from monitor.store.review.decisions import list_decisions
from monitor.store.training.children import FINAL
from monitor.store.training.plan_requests import (
    PlanRequest,
    decision_id_of,
    open_plan_after,
    open_plan_of,
    plan_token,
    read_plan_request,
)
from monitor.store.training.registry import version_of_run
from monitor.store.training.runs import (
    RunRow,
    list_runs,
    request_cancel,
    run_by_id,
    run_of_decision,
)
from monitor.store.training.start_requests import pending_request, read_request
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get
from monitor.web.runs.child_log import read_log
from monitor.web.runs.loss_curve import draw_losses
from monitor.web.runs.plan_changes import plan_changes
from monitor.web.runs.plan_form import PlanForm
from retrain.planning.preview import plan_status, stored_preview
from retrain.planning.proposal import UNTRAINABLE, Proposal
from retrain.recipes.recipe_file import RecipeFile
from retrain.recipes.recipe_form import setting_texts
from retrain.training.resumption import RESUMABLE, resume_refusal

_TEXTS = texts("run")

#: Lines of the log on the page; the whole log has an address of its own.
LINES_SHOWN = 40

#: Status -> badge.
BADGES = {
    "draft": "warn",
    "refused": "bad",
    "running": "warn",
    "succeeded": "good",
    "failed": "bad",
}


@get("/runs", opt=LEADS)
def runs(lead_visit: NamedDependency[Visit]) -> Template:
    """List the training runs, newest first."""
    with lead_visit.transaction() as connection:
        rows = list_runs(connection, model=lead_visit.scope)
        states = decision_states(connection, lead_visit.scope)
        decided = [
            decision
            for decision in list_decisions(connection, lead_visit.scope)
            if decision.recommendation == "retrain"
            and states[decision.id].is_open
            and run_of_decision(connection, decision.id) is None
            and open_plan_of(connection, decision.model, decision.id) is None
            and (
                decision.confirmed_by
                or lead_visit.settings.settings_of(decision.model).retrain.require_confirmation
            )
        ]
    requested = {
        row.id for row in rows if pending_request(row.id, row.status, row.start_request) is not None
    }
    context = {
        "runs": rows,
        "statuses": {row.id: plan_status(row) for row in rows},
        "badges": BADGES,
        "decided": decided,
        "requested": requested,
        "can_plan": bool(lead_visit.choices),
    }
    return lead_visit.page("runs.html", context)


@get("/runs/{run_id:int}", opt=LEADS | _TEXTS)
def run(
    run_id: FromPath[int], request: Request[Any, Any, Any], lead_visit: NamedDependency[Visit]
) -> Template:
    """Show a training run: state, losses, speed and the end of its log."""
    with lead_visit.transaction() as connection:
        row = run_by_id(connection, run_id)
        context = _view(connection, row, lead_visit.now)
        context["changed"] = plan_changes(connection, lead_visit.settings, row)
    return lead_visit.page(
        "run_state.html" if "hx-request" in request.headers else "run.html", context
    )


@get("/runs/{run_id:int}/log.txt", opt=LEADS | _TEXTS)
def log(run_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Response[str]:
    """Return the log of a run as plain text."""
    with lead_visit.transaction() as connection:
        text = read_log(run_by_id(connection, run_id))
    if text is None:
        raise NotFoundException("the log of this run is not on this machine")
    return Response(text, media_type="text/plain")


@form("/runs/{run_id:int}/cancel", opt=LEADS)
def cancel(run_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Request the cancellation of a run; the daemon that launched it carries it out."""
    with lead_visit.transaction() as connection:
        run_by_id(connection, run_id)
        if request_cancel(connection, run_id, lead_visit.user.name):
            subject = f"training_runs/{run_id}"
            append_entry(
                connection,
                lead_visit.now,
                lead_visit.user.name,
                "run.cancel_requested",
                subject,
                {},
            )
    return Redirect(f"/runs/{run_id}", status_code=303)


def _view(connection: Connection, row: RunRow, now: datetime) -> dict[str, Any]:
    progress = row.progress or {}
    last = progress.get("last") or {}
    text = read_log(row)
    plan = read_plan_request(row)
    preview = stored_preview(row.plan) if row.status == "draft" else None
    is_open = row.status in {"draft", "planned"}
    decision_id = decision_id_of(row)
    state = None if decision_id is None else decision_state(connection, decision_id, row.model)
    follows = state is None or state.is_open
    next_plan = None if is_open else open_plan_after(connection, row)
    lines = (progress.get("log") or []) if text is None else text.splitlines()[-LINES_SHOWN:]
    return {
        "took": None if row.started_at is None else (row.finished_at or now) - row.started_at,
        "whole_log": text is not None,
        "row": row,
        "start_request": read_request(row.id, row.start_request),
        "can_resume": row.status in RESUMABLE and not resume_refusal(connection, row),
        "can_start": row.status == "planned" and not row.decision_id and follows,
        "can_plan": follows
        and ((row.status in RESUMABLE and not next_plan) or (is_open and plan is not None)),
        "decision_id": decision_id,
        "ended_decision": None if follows else state,
        "settings": setting_texts(row.recipe),
        "status": plan_status(row),
        "plan": plan,
        "preview": preview,
        "raise_to": preview.raise_to(row.recipe.get("max_length", 0)) if preview else 0,
        "leave_out": _leave_out(row, plan) if preview and preview.code in UNTRAINABLE else None,
        "next_plan": next_plan,
        "next_status": plan_status(next_plan) if next_plan else "",
        "badges": BADGES,
        "ended": row.status in FINAL,
        "version": version_of_run(connection, row.id),
        "last": last,
        "curve": draw_losses(
            progress.get("losses") or [], progress.get("validation") or [], last.get("steps") or 0
        ),
        "validation": progress.get("validation") or [],
        "log": lines,
        "waits": progress.get("pending_reason") or "",
        "checks": (row.result or {}).get("checks") or [],
        "memory": (row.result or {}).get("memory"),
    }


def _leave_out(row: RunRow, plan: PlanRequest | None) -> PlanForm:
    """Return the form of a refused draft that leaves out what can't be trained on."""
    recipe = msgspec.convert(row.recipe, RecipeFile)
    proposal = Proposal(recipe, plan.left_out if plan else (), accept_untrainable=True)
    return PlanForm.of(proposal, plan_token(row, {}))


HANDLERS = (runs, run, log, cancel)
