"""Starting a training run on the page: what it will do, and the lead's confirmation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import DriftwardenError, WorkflowError
from monitor.review.decision.decisions import confirm_retraining, require_plannable
from monitor.review.export import read_gold, sft_rows
from monitor.settings import Settings
from monitor.store.review.decisions import (
    DecisionRow,
    decision_by_id,
    save_preview,
)
from monitor.store.review.gold_export import ItemFilter, gold_state
from monitor.store.review.training_batches import batches_of_decision, training_batches
from monitor.store.training.children import UNFINISHED
from monitor.store.training.plan_requests import (
    PlanRequest,
    is_unplanned,
    plan_token,
    read_plan_request,
)
from monitor.store.training.runs import (
    RunRow,
    list_runs,
    run_by_id,
    run_of_decision,
    set_decision,
)
from monitor.store.training.start_requests import pending_request
from monitor.store.training.taints import taints_of_run
from monitor.web.access.audience import LEADS
from monitor.web.current_user import Visit
from monitor.web.filters import minute
from monitor.web.forms.reason import require_reason
from monitor.web.handlers import form, get
from monitor.web.runs.plan_changes import plan_changes
from retrain.planning.options import Option, stored_options
from retrain.planning.preview import stored_preview
from retrain.recipes.recipe_file import read_recipe_file
from retrain.run_folder import RunFolder, read_json
from retrain.training.resumption import RESUMABLE
from retrain.training.start_requests import request_start, require_startable

Fields = URLEncodedBody[dict[str, Any]]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Outlook:
    """The preview of a run, as far as this machine knows."""

    method: str
    base: str
    #: Empty where the size of the data isn't known here.
    examples: str
    #: Estimated peak memory in GiB, at most; ``None``: not known before it is planned.
    needed_gib: float | None
    #: Peak memory that a run of the method on the base needed; ``None``: there is none.
    measured_gib: float | None
    #: How long the last such run took.
    took: timedelta | None
    #: Steps done of all steps, where it was interrupted; empty for a new one.
    progress: str = ""


@get("/runs/{run_id:int}/start", opt=LEADS)
def start_page(run_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show what a run will do, with a form that starts or resumes it."""
    return _start_page(lead_visit, run_id)


def _start_page(visit: Visit, run_id: int, read: Mapping[str, Any] | None = None) -> Template:
    """Render the page; ``read`` is a form whose plan has changed since."""
    with visit.transaction() as connection:
        run = run_by_id(connection, run_id)
        request, gold = read_plan_request(run), _gold(connection, run)
        changes = [] if request is None else _changes(visit, run, request, gold, read or {})
        ended = _refusal_of_plan(connection, request)
        can_plan = not ended and (request is not None or run.status in RESUMABLE)
        context: dict[str, Any] = {
            "plan": f"/runs/{run_id}/plan" if can_plan else "",
            "seen": "" if request is None else plan_token(run, gold),
            "asked": "" if request is None else request.requested_at.isoformat(),
            "n_gold": gold["n"],
            "changes": changes,
            "title": f"{'Resume' if run.status in RESUMABLE else 'Start'} training run {run_id}",
            "model": run.model,
            "action": f"/runs/{run_id}/start",
            "back": f"/runs/{run_id}",
            "is_resumption": run.status in RESUMABLE,
            "taints": taints_of_run(connection, run_id),
            "outlook": None if is_unplanned(run) else _outlook_of_run(connection, run),
            "requested": _requested(run) or _waiting(run, request),
            "refusal": ended or _refusal_of_run(connection, run),
            "preview": stored_preview(run.plan),
            "changed": plan_changes(connection, visit.settings, run),
            "check": "",
        }
    return visit.page("start.html", context, status=200 if read is None else 409)


@form("/runs/{run_id:int}/start", opt=LEADS)
def start(
    request: Request[Any, Any, Any],
    run_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: Fields,
) -> Redirect | Template:
    """Request the start or resumption of a run; the leader carries it out.

    A plan that was changed since it was read is shown again, with what changed.
    """
    with lead_visit.transaction() as connection:
        run = run_by_id(connection, run_id, lock=True)
        plan = read_plan_request(run)
        is_read = (
            plan is None
            or run.status in RESUMABLE
            or data.get("seen") == plan_token(run, _gold(connection, run))
        )
        if is_read:
            is_tainted = bool(taints_of_run(connection, run_id))
            reason = require_reason(request, data) if is_tainted else ""
            request_start(
                connection, run_id, lead_visit.now, by=lead_visit.user.name, accept_taint=reason
            )
            if plan is not None:
                _follow(connection, lead_visit, run, plan)
    if not is_read:
        return _start_page(lead_visit, run_id, data)
    return Redirect(f"/runs/{run_id}", status_code=303)


def _gold(connection: Connection, run: RunRow) -> dict[str, Any]:
    plan = read_plan_request(run)
    batches = batches_of_decision(connection, plan.decision_id if plan else None)
    return gold_state(connection, run.model, batches)


def _changes(
    visit: Visit,
    run: RunRow,
    plan: PlanRequest,
    gold: Mapping[str, Any],
    read: Mapping[str, Any],
) -> list[str]:
    """Say how a plan differs from what was read, and its gold from the present one."""
    changes = []
    if read.get("asked", plan.requested_at.isoformat()) != plan.requested_at.isoformat():
        by = "You" if plan.requested_by == visit.user.name else plan.requested_by
        changes.append(
            f"{by} changed the plan {minute(plan.requested_at)}; this is the new one. Nothing was "
            "started."
        )
    planned = (run.plan or {}).get("gold", gold)
    if planned != gold:
        changes.append(
            f"The gold changed since it was planned: {planned['n']} items then, {gold['n']} now. "
            "The run learns from the former; plan it again to train on the present gold."
        )
    if read and not changes:
        changes.append("The plan changed since you read it; this is the present one.")
    return changes


def _follow(connection: Connection, visit: Visit, run: RunRow, plan: PlanRequest) -> None:
    """Let a run that a lead planned follow its decision, which it confirms.

    Raises:
        WorkflowError: Another run follows the decision, or the earlier one was resumed.
    """
    if plan.after_run is not None:
        before = run_by_id(connection, plan.after_run)
        if before.status in UNFINISHED:
            raise WorkflowError(
                f"training run {before.id} is {before.status} again; cancel one of both",
                code="resumed",
            )
    if plan.decision_id is None:
        return
    decision = decision_by_id(connection, plan.decision_id, lock=True)
    require_plannable(connection, decision)
    follower = run_of_decision(connection, decision.id)
    if follower is not None and follower.id != run.id and plan.after_run is None:
        raise WorkflowError(
            f"training run {follower.id} follows from decision {decision.id} already",
            code="has_run",
        )
    if follower is None:
        set_decision(connection, run.id, decision.id)
        confirm_retraining(connection, decision.id, visit.user, visit.now, has_plan=True)


@get("/decisions/{decision_id:int}/start", opt=LEADS)
def start_decided(decision_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show what the retraining of a decision will do, with the form that confirms it."""
    with lead_visit.transaction() as connection:
        row = decision_by_id(connection, decision_id)
        settings = lead_visit.settings.settings_of(row.model)
        run = run_of_decision(connection, decision_id)
        refusal = requested = ""
        can_check = can_plan = run is None and row.recommendation == "retrain"
        if run is not None:
            refusal = f"training run {run.id} follows from it already"
        elif why := _why_not(require_plannable, connection, row):
            refusal, can_check, can_plan = why, False, False
        elif row.refusal:
            refusal = row.refusal
        elif row.confirmed_by:
            requested = (
                f"{row.confirmed_by} confirmed it {minute(row.confirmed_at)}; "
                "the daemon plans the run."
            )
        outlook = None
        try:  # the page of a run shows its own plan
            outlook = None if run else _outlook_of_decision(connection, row, settings)
        except DriftwardenError as error:  # the daemon could not plan it either
            refusal = refusal or str(error)
    context: dict[str, Any] = {
        "title": f"Start the retraining of decision {decision_id}",
        "model": row.model,
        "action": f"/decisions/{decision_id}/confirm",
        "back": f"/decisions/{decision_id}",
        "is_resumption": False,
        "taints": [],
        "outlook": outlook,
        "requested": requested,
        "refusal": refusal,
        "preview": None if run else stored_preview(row.preview),
        "check": f"/decisions/{decision_id}/check" if can_check else "",
        "plan": f"/decisions/{decision_id}/plan" if can_plan else "",
        "seen": "",
        "changes": [],
        "changed": None,
    }
    return lead_visit.page("start.html", context)


@form("/decisions/{decision_id:int}/check", opt=LEADS)
def check_again(decision_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Let the daemon check the run of a decision again, after the cause of a refusal is mended."""
    with lead_visit.transaction() as connection:
        decision_by_id(connection, decision_id)
        save_preview(connection, decision_id, None)
    return Redirect(f"/decisions/{decision_id}/start", status_code=303)


def _why_not(require: Callable[[Connection, Row], None], connection: Connection, row: Row) -> str:
    """Return why a requirement of a row isn't met; empty: it is."""
    try:
        require(connection, row)
    except WorkflowError as error:
        return str(error)
    return ""


def _requested(run: RunRow) -> str:
    """Say who requested the start, while the leader has not carried it out; else empty."""
    request = pending_request(run.id, run.status, run.start_request)
    if request is None:
        return ""
    step = "start" if run.status == "planned" else "resumption"
    return (
        f"{request.requested_by} requested the {step} {minute(request.requested_at)}; "
        "the daemon starts the run within a minute."
    )


def _waiting(run: RunRow, plan: PlanRequest | None) -> str:
    """Say that the daemon has yet to check a draft; empty: it has, or the run is no draft."""
    if run.status != "draft" or plan is None or stored_preview(run.plan) is not None:
        return ""
    return f"The plan of {minute(plan.requested_at)} waits for the daemon's check."


def _refusal_of_run(connection: Connection, run: RunRow) -> str:
    """Say why a run can't be started; empty: it can, or it is a draft without a check."""
    if run.status != "draft":
        return _why_not(require_startable, connection, run)
    preview = stored_preview(run.plan)
    return "" if preview is None else f"its plan was refused: {preview.refusal}"


def _refusal_of_plan(connection: Connection, plan: PlanRequest | None) -> str:
    """Say why the decision that a plan follows is no longer one to retrain; empty: it is."""
    if plan is None or plan.decision_id is None:
        return ""
    return _why_not(require_plannable, connection, decision_by_id(connection, plan.decision_id))


def _outlook_of_run(connection: Connection, run: RunRow) -> Outlook:
    method, base = str(run.recipe["method"]), str(run.recipe["base"])
    option = _option(run, method, base)
    before = _last_success(connection, run.model, method, base)
    card, preview = _card(run), stored_preview(run.plan)
    if preview is not None and preview.by_task_type:  # below, in full
        card = {"n_examples": sum(preview.by_task_type.values())} | preview.as_json()
    last = (run.progress or {}).get("last") or {}
    return Outlook(
        method=method,
        base=base,
        examples=""
        if card is None
        else f"{card.get('n_examples', 0):,} examples: {card.get('n_gold', 0):,} gold, "
        f"{card.get('n_replay', 0):,} replay",
        needed_gib=option.needed_gib if option else preview.needed_gib if preview else None,
        measured_gib=_measured_gib(before),
        took=_duration(before),
        progress=f"{last['step']} of {last['steps']}" if last.get("steps") else "",
    )


def _outlook_of_decision(connection: Connection, row: DecisionRow, settings: Settings) -> Outlook:
    preview = stored_preview(row.preview)
    if preview is not None and preview.method:
        before = _last_success(connection, row.model, preview.method, preview.base)
        return Outlook(
            method=preview.method,
            base=preview.base,
            examples=f"{preview.n_gold:,} gold, {preview.n_replay:,} replay, and "
            f"{preview.n_validation:,} held back for the validation loss",
            needed_gib=preview.needed_gib,
            measured_gib=_measured_gib(before),
            took=_duration(before),
        )
    recipe = read_recipe_file(settings.retrain.recipe)
    gold = read_gold(
        connection,
        settings.model,
        ItemFilter(batch_ids=training_batches(connection, row), model=row.model),
    )
    n_gold = len(sft_rows(gold, settings.model))
    method = recipe.method or ""
    base = recipe.bases[0] if len(recipe.bases) == 1 else ""
    before = _last_success(connection, row.model, method, base)
    return Outlook(
        method=method or "the first in the order (QLoRA, LoRA) that fits and was not rejected",
        base=base or f"the largest servable one of {', '.join(recipe.bases)}",
        examples=f"{n_gold:,} gold examples, and replay of the original data for "
        f"{recipe.replay_share:.0%} of all",
        needed_gib=None,
        measured_gib=_measured_gib(before),
        took=_duration(before),
    )


def _card(run: RunRow) -> dict[str, Any] | None:
    """Return the data card of a run; ``None`` where its folder isn't on this machine."""
    try:
        return read_json(RunFolder(Path(run.work_dir)).card)
    except (DriftwardenError, OSError):
        return None


def _option(run: RunRow, method: str, base: str) -> Option | None:
    options = [] if run.plan is None else stored_options(run.plan)
    fitting = (option for option in options if (option.method, option.base) == (method, base))
    return next(fitting, None)


def _last_success(connection: Connection, model: str, method: str, base: str) -> RunRow | None:
    """Return the newest succeeded run of a method on a base; empty: of any."""
    runs = list_runs(connection, statuses=("succeeded",), model=model)
    return next(
        (
            run
            for run in runs
            if method in ("", run.recipe["method"]) and base in ("", run.recipe["base"])
        ),
        None,
    )


def _measured_gib(run: RunRow | None) -> float | None:
    memory = {} if run is None else (run.result or {}).get("memory") or {}
    measured = memory.get("measured_gib")
    return None if measured is None else float(measured)


def _duration(run: RunRow | None) -> timedelta | None:
    if run is None or run.started_at is None or run.finished_at is None:
        return None
    return run.finished_at - run.started_at


HANDLERS = (start_page, start, start_decided, check_again)
