"""Pages of the rollouts: list, detail, and the steps of leads."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Router
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import InputError, WorkflowError
from monitor.store.engine import snapshot
from monitor.store.training.candidate_evaluations import weaker_rules_of
from monitor.store.training.registry import VersionRow, version_by_id
from monitor.web.access.audience import LEADS, REVIEWERS, WORDS, texts
from monitor.web.current_user import Visit
from monitor.web.forms.fields import text_of
from monitor.web.handlers import form, get
from retrain.rollout.emergency.changed_weights import verifying_refused
from retrain.rollout.measurement.start_forecast import forecast_start
from retrain.rollout.pages.rollout_view import (
    EVENTS_SHOWN,
    RESULTS,
    load_state,
    load_view,
)
from retrain.rollout.plan import make_plan
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.rollouts import RolloutRow, list_rollouts, rollout_by_id
from retrain.rollout.transitions import stages
from retrain.rollout.transitions.open_rollout import lock_rollout
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.start import require_start, start_rollout
from retrain.rollout.wording.forecast import describe_forecast

_TEXTS = texts("rollout", is_in_refresh=False)

#: The most rollouts listed.
MAX_ROLLOUTS = 60

BADGES = {
    "running": "good",
    "holding": "warn",
    "paused": "warn",
    "holdback": "good",
    "completed": "",
    "reverted": "bad",
}
#: Tones of states, those that need someone first.
URGENCY = ("bad", "warn", "", "good")
Fields = URLEncodedBody[dict[str, Any]]


@get("/", opt=REVIEWERS | WORDS)
def rollouts(visit: NamedDependency[Visit]) -> Template:
    """List the rollouts and experiments, the newest first; open ones say what happens next."""
    with visit.transaction() as connection:
        rows = list_rollouts(connection, visit.scope, MAX_ROLLOUTS)
        views = [
            load_state(connection, visit.settings.settings_of(row.model), row, visit.now)
            for row in rows
            if row.is_open
        ]
    views.sort(key=lambda view: URGENCY.index(view.summary.tone))  # stable: then the newest
    context = {
        "views": views,
        "ended": [row for row in rows if not row.is_open],
        "badges": BADGES,
        "n_max": MAX_ROLLOUTS,
    }
    return visit.page("rollouts.html", context)


@get("/{rollout_id:int}", opt=REVIEWERS | texts("rollout", is_for_leads=True, is_in_refresh=False))
def rollout(
    rollout_id: FromPath[int], request: Request[Any, Any, Any], visit: NamedDependency[Visit]
) -> Template:
    """Show a rollout: where it stands, why, and who did what."""
    part = "hx-request" in request.headers
    return _render(visit, rollout_id, name="rollout_state.html" if part else "rollout.html")


@get("/{rollout_id:int}/advance", opt=LEADS | WORDS)
def confirm_advance(rollout_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Ask for the reason of an advance, and show what isn't shown."""
    return _render(lead_visit, rollout_id, name="rollout_step.html", step="advance")


@get("/{rollout_id:int}/revert", opt=LEADS | WORDS)
def confirm_revert(rollout_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Ask for the reason of a revert."""
    return _render(lead_visit, rollout_id, name="rollout_step.html", step="revert")


@form("/{rollout_id:int}/advance", opt=LEADS | _TEXTS)
def advance(
    rollout_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Move a rollout to its next stage, in the name of the signed-in lead."""
    return _take(lead_visit, rollout_id, data, stages.advance)


@form("/{rollout_id:int}/revert", opt=LEADS | _TEXTS)
def revert(
    rollout_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Send all traffic to the stable version; also from a page that is outdated."""
    return _take(lead_visit, rollout_id, data, revert_rollout, current=False)


@form("/{rollout_id:int}/pause", opt=LEADS | _TEXTS)
def pause(
    rollout_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Stop the advance of a rollout; a check that fails still reverts it."""
    return _take(lead_visit, rollout_id, data, stages.pause)


@form("/{rollout_id:int}/resume", opt=LEADS | _TEXTS)
def resume(
    rollout_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Let a paused rollout go on."""
    return _take(lead_visit, rollout_id, data, stages.resume)


@get("/start/{version_id:int}", opt=LEADS)
def confirm_start(version_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show the plan of a version's rollout before it starts."""
    return _render_start(lead_visit, version_id)


@form("/start/{version_id:int}", opt=LEADS)
def start(
    version_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Start the rollout of a version that passed the gates."""
    now = lead_visit.now
    try:
        with lead_visit.transaction() as connection:
            version = version_by_id(connection, version_id)
        with (
            verifying_refused(lead_visit.engine, version.model, now),
            lead_visit.transaction() as connection,
        ):
            row = start_rollout(
                connection,
                version_id,
                lead_visit.settings.settings_of(version.model),
                now,
                by=lead_visit.user.name,
                reason=text_of(data, "reason").strip(),
            )
    except WorkflowError as error:
        return _render_start(lead_visit, version_id, status=409, problem=str(error))
    return Redirect(f"/rollouts/{row.id}", status_code=303)


def _take(
    visit: Visit,
    rollout_id: int,
    data: dict[str, Any],
    step: Callable[..., object],
    *,
    current: bool = True,
) -> Template | Redirect:
    """Take a step and show the page again; where it is refused, with the reason.

    ``data`` has the reason and ``seen``, the newest event on the page of the form. With ``current``
    the page must show the newest event: a revert is never too late.
    """
    with visit.transaction() as connection:
        model = rollout_by_id(connection, rollout_id).model
    try:
        with (
            verifying_refused(visit.engine, model, visit.now),
            visit.transaction() as connection,
        ):
            row = lock_rollout(connection, rollout_id)
            if current:
                _require_rollout(row)
                _require_current(connection, rollout_id, text_of(data, "seen").strip())
            step(
                connection,
                row.id,
                visit.now,
                by=visit.user.name,
                reason=text_of(data, "reason").strip(),
            )
    except (WorkflowError, InputError) as error:
        status = 400 if error.code == "no_reason" else 409
        return _render(visit, rollout_id, status=status, problem=str(error))
    return Redirect(f"/rollouts/{rollout_id}", status_code=303)


def _require_current(connection: Connection, rollout_id: int, seen: str) -> None:
    """Require that the page of a form showed the newest event of the rollout."""
    newest = last_event(connection, rollout_id)
    if newest is not None and seen != str(newest.id):
        raise WorkflowError(
            f"the rollout has changed since you opened the page: {newest.event.replace('_', ' ')} "
            f"by {newest.by}. Nothing was done; see below, and decide again",
            code="changed",
        )


def _require_rollout(row: RolloutRow) -> None:
    """Require that a rollout is no experiment, which has no stages: it is only ended."""
    if row.kind != "rollout":
        raise WorkflowError(
            "an experiment has no stages; it can only be ended, and then a rollout started",
            code="experiment",
        )


def _render(
    visit: Visit,
    rollout_id: int,
    *,
    name: str = "rollout.html",
    step: str = "",
    status: int = 200,
    problem: str = "",
) -> Template:
    with visit.transaction() as connection:
        row = rollout_by_id(connection, rollout_id)
        load = load_view if name == "rollout.html" else load_state
        view = load(connection, visit.settings.settings_of(row.model), row, visit.now)
    context = {
        "row": row,
        "view": view,
        "step": step,
        "problem": problem,
        "badges": BADGES,
        "results": RESULTS,
        "n_events": EVENTS_SHOWN,
    }
    return visit.page(name, context, status=status)


def _render_start(
    visit: Visit, version_id: int, *, status: int = 200, problem: str = ""
) -> Template:
    refusal = ""
    with visit.transaction() as connection:  # it locks rows, as a snapshot can't
        version: VersionRow = version_by_id(connection, version_id)
        try:
            serving = require_start(connection, version)
        except WorkflowError as error:
            refusal = str(error)
    if refusal:
        context = {"version": version, "problem": problem or refusal, "stages": ()}
        return visit.page("rollout_start.html", context, status=status)
    settings = visit.settings.settings_of(version.model)
    with snapshot(visit.engine) as connection:  # it takes seconds, in which ingest writes
        forecast = forecast_start(connection, version, serving, settings, visit.now)
        weaker = weaker_rules_of(connection, version_id)
    plan = make_plan(settings)
    context = {
        "version": version,
        "plan": plan,
        "stages": [(plan.weight(at), plan.time_of(at)) for at in range(len(plan.stages))],
        "forecast": describe_forecast(forecast),
        "weaker_rules": weaker,
        "problem": problem,
    }
    return visit.page("rollout_start.html", context, status=status)


#: In one router: see ``create_app``.
router = Router(
    "/rollouts",
    route_handlers=[
        rollouts,
        rollout,
        confirm_advance,
        confirm_revert,
        advance,
        revert,
        pause,
        resume,
        confirm_start,
        start,
    ],
)
