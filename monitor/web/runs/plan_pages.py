"""Planning of a training run on the page: for a decision, again after a run, or for neither."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import ConfigurationError, InputError, WorkflowError
from monitor.review.decision.decisions import require_plannable
from monitor.review.export.gold import refuse_unknown
from monitor.review.guidelines.changes import DiffLine, diff_lines
from monitor.store.audit_log import append_entry
from monitor.store.review.decisions import decision_by_id
from monitor.store.review.gold_export import gold_state, items_with_gold
from monitor.store.review.training_batches import batches_of_decision
from monitor.store.training.plan_requests import (
    PlanRequest,
    decision_id_of,
    insert_draft,
    open_plan_after,
    open_plan_of,
    plan_token,
    read_plan_request,
    revise_draft,
)
from monitor.store.training.runs import RunRow, run_by_id, run_of_decision
from monitor.web.access.audience import LEADS
from monitor.web.current_user import Visit
from monitor.web.filters import minute
from monitor.web.handlers import form, get
from monitor.web.runs.plan_form import PlanForm
from monitor.web.typed_text import UNREAD
from retrain.planning.preview import is_refused, stored_preview
from retrain.planning.proposal import Proposal, propose_after, propose_for_decision
from retrain.recipes.confirmation import require_confirmation
from retrain.recipes.recipe_file import RecipeFile, read_recipe_file
from retrain.recipes.recipe_form import FIELDS, FieldsError, merge_form, recipe_toml
from retrain.training.runs import set_folder

Fields = URLEncodedBody[dict[str, Any]]

#: Fields of numbers: a list of them can look like that of a card.
NUMBERS = {UNREAD: (*FIELDS, "left_out", "raise_to", "seen")}


@dataclass(frozen=True)
class Origin:
    """Origin of a plan: a decision, a run that is planned again, or a draft that is changed."""

    model: str
    #: Address of the decision or the run.
    back: str
    configured: RecipeFile
    proposal: Proposal
    decision_id: int | None = None
    after_run: int | None = None
    #: The draft or planned run that the form changes.
    draft: RunRow | None = None
    #: The open plan of another request for the same.
    other: RunRow | None = None

    @property
    def seen(self) -> str:
        """The state of the plan that is changed; empty: a new plan."""
        return "" if self.draft is None else plan_token(self.draft, {})


@get("/runs/{run_id:int}/plan", opt=LEADS)
def plan_again(run_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template | Redirect:
    """Show the form that plans a run again, or changes one that was planned on the page."""
    return _show(lead_visit, lambda connection: _of_run(connection, lead_visit, run_id))


@form("/runs/{run_id:int}/plan", opt=LEADS | NUMBERS)
def request_again(
    run_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Request a run's new plan, or a change of one; the leader checks it."""
    return _request(lead_visit, data, lambda connection: _of_run(connection, lead_visit, run_id))


@get("/runs/plan", opt=LEADS)
def plan_new(lead_visit: NamedDependency[Visit]) -> Template | Redirect:
    """Show the form that plans a run on the gold of all batches."""
    model = lead_visit.one_model
    if model != lead_visit.model and len(lead_visit.choices) > 1:
        return Redirect(lead_visit.of(model=model).address("/runs/plan"), status_code=303)
    return _show(lead_visit, lambda connection: _of_model(connection, lead_visit, model))


@form("/runs/plan", opt=LEADS | NUMBERS)
def request_new(lead_visit: NamedDependency[Visit], data: Fields) -> Template | Redirect:
    """Request the plan of a run on the gold of all batches; the leader checks it."""
    model = lead_visit.one_model
    return _request(lead_visit, data, lambda connection: _of_model(connection, lead_visit, model))


@get("/decisions/{decision_id:int}/plan", opt=LEADS)
def plan_decided(
    decision_id: FromPath[int], lead_visit: NamedDependency[Visit]
) -> Template | Redirect:
    """Show the form that plans the retraining of a decision."""
    return _show(lead_visit, lambda connection: _of_decision(connection, lead_visit, decision_id))


@form("/decisions/{decision_id:int}/plan", opt=LEADS | NUMBERS)
def request_decided(
    decision_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Request the plan of a decision's retraining; the leader checks it."""
    return _request(
        lead_visit, data, lambda connection: _of_decision(connection, lead_visit, decision_id)
    )


def _show(visit: Visit, origin_of: Callable[[Connection], Origin]) -> Template | Redirect:
    with visit.transaction() as connection:
        origin = origin_of(connection)
    if origin.other is not None:
        return Redirect(f"/runs/{origin.other.id}/plan", status_code=303)
    return _page(visit, origin, PlanForm.of(origin.proposal, origin.seen))


def _request(
    visit: Visit, data: dict[str, Any], origin_of: Callable[[Connection], Origin]
) -> Template | Redirect:
    typed, origin = PlanForm.read(data), None
    try:
        with visit.transaction() as connection:
            origin = origin_of(connection)
            run_id = _store(connection, visit, origin, typed)
    except (ConfigurationError, InputError, WorkflowError) as error:
        if origin is None:
            raise
        if error.code == "changed":  # another press replaces what the page now names
            typed = typed.with_seen(origin.seen)
        status = 409 if isinstance(error, WorkflowError) else 400
        return _page(visit, origin, typed, error, status=status)
    return Redirect(f"/runs/{run_id}", status_code=303)


def _store(connection: Connection, visit: Visit, origin: Origin, typed: PlanForm) -> int:
    """Store a request, and return its run.

    Raises:
        WorkflowError: Another one was stored since the form was sent.
        ConfigurationError: The recipe isn't valid, an item can't be left out, or full fine-tuning
            isn't confirmed.
        InputError: The recipe is too long.
    """
    typed.require_short()
    recipe = merge_form(typed.original, typed.recipe, typed.fields, origin.configured)
    retrain = visit.settings.settings_of(origin.model).retrain
    with _at_field("left_out"):
        items = _left_out(connection, origin, typed, retrain.data.min_gold)
    if recipe.method == "full":
        with _at_field("confirm"):
            require_confirmation(origin.model, typed.confirm)
    request = PlanRequest(
        requested_by=visit.user.name,
        requested_at=visit.now,
        decision_id=origin.decision_id,
        after_run=origin.after_run,
        left_out=items,
        accept_untrainable=typed.accept_untrainable,
        is_full_confirmed=recipe.method == "full",
    )
    content = msgspec.json.decode(msgspec.json.encode(recipe))  # as it is stored
    other = origin.other or origin.draft
    # Who has read the refusal of a plan has it checked again: its cause may be mended elsewhere.
    is_recheck = origin.draft is not None and typed.seen == origin.seen and is_refused(origin.draft)
    if other is not None and not is_recheck and _is_same(other, content, request):
        return other.id  # a second press
    if origin.draft is not None:
        if typed.seen != origin.seen:
            raise WorkflowError(_changed(origin.draft), code="changed")
        if not revise_draft(connection, origin.draft, content, request):
            raise WorkflowError("the run has started meanwhile; see its page", code="started")
        return origin.draft.id
    if other is not None:
        raise WorkflowError(
            f"run {other.id} was planned for it meanwhile; change that one: /runs/{other.id}/plan",
            code="planned",
        )
    run_id = insert_draft(
        connection,
        model=origin.model,
        launcher=retrain.launcher,
        recipe=content,
        request=request,
    )
    set_folder(connection, run_id, Path(retrain.work_dir))
    details = {"decision": origin.decision_id, "after_run": origin.after_run}
    append_entry(
        connection,
        visit.now,
        visit.user.name,
        "run.plan_requested",
        f"training_runs/{run_id}",
        details,
    )
    return run_id


@contextmanager
def _at_field(name: str) -> Iterator[None]:
    """Raise what is refused inside as an error of a field."""
    try:
        yield
    except (InputError, WorkflowError) as error:
        raise FieldsError({name: str(error)}) from None


def _left_out(
    connection: Connection, origin: Origin, typed: PlanForm, min_gold: int
) -> tuple[int, ...]:
    """Return the items to leave out.

    Raises:
        InputError: One has no gold, or so many are left out that the rest can't be enough.
    """
    items = typed.items
    batches = batches_of_decision(connection, origin.decision_id)
    refuse_unknown(items, items_with_gold(connection, origin.model, batches, items))
    n_gold = gold_state(connection, origin.model, batches)["n"]
    allowed = max(0, n_gold - min_gold)
    if len(items) > allowed:
        raise InputError(
            f"you leave out {len(items):,} of {n_gold:,} gold items, and {min_gold:,} are needed "
            f"(retrain.data.min_gold); leave out {f'at most {allowed:,}' if allowed else 'none'}"
        )
    return items


def _of_run(connection: Connection, visit: Visit, run_id: int) -> Origin:
    run = run_by_id(connection, run_id, lock=True)
    request = read_plan_request(run)
    is_open = run.status in {"draft", "planned"}
    if run.status == "running" or (is_open and (request is None or run.decision_id is not None)):
        raise WorkflowError(
            f"training run {run.id} is {run.status}; cancel it, then plan it again",
            code="not_ended",
        )
    decision_id = decision_id_of(run)
    if decision_id is not None:
        require_plannable(connection, decision_by_id(connection, decision_id))
    configured = _configured(visit, run.model)
    after_run = (request.after_run if request else None) if is_open else run.id
    return Origin(
        model=run.model,
        back=f"/runs/{run.id}",
        configured=configured,
        proposal=propose_after(connection, run, configured),
        decision_id=decision_id,
        after_run=after_run,
        draft=run if is_open else None,
        other=None if is_open else open_plan_after(connection, run),
    )


def _of_decision(connection: Connection, visit: Visit, decision_id: int) -> Origin:
    decision = decision_by_id(connection, decision_id, lock=True)
    require_plannable(connection, decision)
    run = run_of_decision(connection, decision_id)
    if run is not None:
        raise WorkflowError(
            f"training run {run.id} follows from decision {decision_id} already; plan that one "
            "again once it has ended",
            code="has_run",
        )
    configured = _configured(visit, decision.model)
    preview = stored_preview(decision.preview)
    return Origin(
        model=decision.model,
        back=f"/decisions/{decision_id}",
        configured=configured,
        proposal=propose_for_decision(connection, decision.model, configured, preview),
        decision_id=decision_id,
        other=open_plan_of(connection, decision.model, decision_id),
    )


def _of_model(connection: Connection, visit: Visit, model: str) -> Origin:
    configured = _configured(visit, model)
    return Origin(
        model=model,
        back="/runs",
        configured=configured,
        proposal=propose_for_decision(connection, model, configured, None),
        other=open_plan_of(connection, model, None),
    )


def _configured(visit: Visit, model: str) -> RecipeFile:
    try:
        return read_recipe_file(visit.settings.settings_of(model).retrain.recipe)
    except ConfigurationError as error:
        raise WorkflowError(str(error), code="no_recipe") from None


def _is_same(run: RunRow, recipe: dict[str, Any], request: PlanRequest) -> bool:
    known = read_plan_request(run)
    return (
        run.status == "draft"
        and known is not None
        and run.recipe == recipe
        and (known.requested_by, known.left_out, known.accept_untrainable)
        == (request.requested_by, request.left_out, request.accept_untrainable)
    )


def _changed(run: RunRow) -> str:
    """Say that a plan was changed since a form of it was sent."""
    request = read_plan_request(run)
    if request is None:
        return "the plan was changed meanwhile; read it again"
    return (
        f"{request.requested_by} changed the plan {minute(request.requested_at)}. "
        "Check again to replace it by what stands here"
    )


def _differences(origin: Origin, typed: PlanForm) -> list[DiffLine]:
    """Return the lines in which the open plan of somebody else differs from a valid form."""
    other = origin.draft or origin.other
    request = None if other is None else read_plan_request(other)
    if other is None or request is None or other.status != "draft":
        return []
    recipe = merge_form(typed.original, typed.recipe, typed.fields, origin.configured)
    theirs = _plan_text(msgspec.convert(other.recipe, RecipeFile), request.left_out)
    return diff_lines(theirs, _plan_text(recipe, typed.items))


def _plan_text(recipe: RecipeFile, left_out: Sequence[int]) -> str:
    return f"{recipe_toml(recipe)}\nitems left out: {', '.join(map(str, left_out)) or 'none'}"


def _page(
    visit: Visit,
    origin: Origin,
    typed: PlanForm,
    problem: Exception | None = None,
    *,
    status: int = 200,
) -> Template:
    with visit.transaction() as connection:
        batches = batches_of_decision(connection, origin.decision_id)
        gold = gold_state(connection, origin.model, batches)
    is_conflict = isinstance(problem, WorkflowError) and problem.code in {"changed", "planned"}
    again = "" if origin.after_run is None else " again"
    title = f"Plan a training run of {origin.model}"
    if origin.decision_id is not None:
        title = f"Plan the retraining of decision {origin.decision_id}{again}"
    elif origin.after_run is not None:
        title = f"Plan training run {origin.after_run}{again}"
    if origin.draft is not None:
        title = f"Change the plan of training run {origin.draft.id}"
    context = {
        "title": title,
        "model": origin.model,
        "back": origin.back,
        "origin": origin,
        "typed": typed,
        "problem": "" if problem is None else str(problem),
        "problems": problem.problems if isinstance(problem, FieldsError) else {},
        "diff": _differences(origin, typed) if is_conflict else [],
        "labels": FIELDS,
        "n_gold": gold["n"],
        "methods": {"": "the first in the order", "qlora": "QLoRA", "lora": "LoRA", "full": "full"},
    }
    return visit.page("plan.html", context, status=status)


HANDLERS = (plan_again, request_again, plan_decided, request_decided, plan_new, request_new)
