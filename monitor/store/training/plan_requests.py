"""Plans that leads request on the page: drafts of runs, which the leader checks."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from monitor.store.rows import columns_of, insert_row, read_rows, update_row
from monitor.store.tables import TrainingRun
from monitor.store.training import children
from monitor.store.training.runs import RunRow, list_runs

#: Key of the request in the plan of a run; the rest is the preview.
REQUEST = "request"


@dataclass(frozen=True)
class PlanRequest:
    """A request as it stands in the plan of a run; its recipe is the run's."""

    requested_by: str
    requested_at: datetime
    #: What it follows: a decision, or a run that is planned again.
    decision_id: int | None = None
    after_run: int | None = None
    #: Items of the review that are left out.
    left_out: tuple[int, ...] = ()
    #: Whether any number of examples that leak or are too long may be left out.
    accept_untrainable: bool = False
    #: Whether the lead has typed the model's name for full fine-tuning.
    is_full_confirmed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return asdict(self) | {
            "requested_at": self.requested_at.isoformat(),
            "left_out": list(self.left_out),
        }


def read_plan_request(run: RunRow) -> PlanRequest | None:
    """Return the request of a run; ``None``: it was not planned on the page."""
    stored = (run.plan or {}).get(REQUEST)
    if stored is None:
        return None
    values = stored | {
        "requested_at": datetime.fromisoformat(stored["requested_at"]),
        "left_out": tuple(stored["left_out"]),
    }
    return PlanRequest(**values)


def decision_of_run() -> ColumnElement[int | None]:
    """Return the decision whose gold a run trains on, also where it was planned again."""
    requested = TrainingRun.plan[(REQUEST, "decision_id")].as_integer()
    return func.coalesce(TrainingRun.decision_id, requested)


def decision_id_of(run: RunRow) -> int | None:
    """Return the decision of :func:`decision_of_run`, of a run that is read."""
    request = read_plan_request(run)
    return run.decision_id or (request.decision_id if request else None)


def runs_of_decision(connection: Connection, decision_id: int) -> list[RunRow]:
    """Return the runs that train on the gold of a decision, the newest first."""
    statement = select(*columns_of(RunRow, TrainingRun)).where(decision_of_run() == decision_id)
    return read_rows(connection, RunRow, statement.order_by(TrainingRun.id.desc()))


def is_unplanned(run: RunRow) -> bool:
    """Return whether a run is a draft, or ended as one: its recipe is the requested file."""
    return REQUEST in (run.plan or {}) and "options" not in (run.plan or {})


def insert_draft(
    connection: Connection,
    *,
    model: str,
    launcher: str,
    recipe: dict[str, Any],
    request: PlanRequest,
) -> int:
    """Insert a draft and return its id."""
    return insert_row(
        connection,
        TrainingRun,
        model=model,
        status="draft",
        launcher=launcher,
        recipe=recipe,
        work_dir="",
        plan={REQUEST: request.as_json()},
        created_at=request.requested_at,
    )


def revise_draft(
    connection: Connection,
    run: RunRow,
    recipe: dict[str, Any],
    request: PlanRequest,
) -> bool:
    """Request another plan for a run that hasn't started; return whether this call did it."""
    return children.advance(
        connection,
        TrainingRun,
        run.id,
        "revise",
        request.requested_at,
        by=request.requested_by,
        details={"left_out": list(request.left_out)},
        recipe=recipe,
        plan={REQUEST: request.as_json()},
        start_request=None,
    )


def refuse_draft(
    connection: Connection, run_id: int, request: PlanRequest, preview: dict[str, Any]
) -> None:
    """Store why a draft can't be planned, with its preview."""
    update_row(connection, TrainingRun, run_id, plan={REQUEST: request.as_json()} | preview)


def plan_draft(
    connection: Connection,
    run_id: int,
    now: datetime,
    *,
    by: str,
    recipe: dict[str, Any],
    plan: dict[str, Any],
    launcher: str,
) -> bool:
    """Turn a draft into a planned run; return whether this call did it."""
    return children.advance(
        connection,
        TrainingRun,
        run_id,
        "plan",
        now,
        by=by,
        details={"method": recipe["method"]},
        recipe=recipe,
        plan=plan,
        launcher=launcher,
    )


def open_plan_of(connection: Connection, model: str, decision_id: int | None) -> RunRow | None:
    """Return the open plan that was requested for a decision without a run, or for none."""
    return next(
        (
            run
            for run, request in _open_plans(connection, model)
            if (request.decision_id, request.after_run) == (decision_id, None)
        ),
        None,
    )


def open_plan_after(connection: Connection, run: RunRow) -> RunRow | None:
    """Return the draft or planned run that was requested after another."""
    plans = _open_plans(connection, run.model)
    return next((plan for plan, request in plans if request.after_run == run.id), None)


def _open_plans(connection: Connection, model: str) -> Iterator[tuple[RunRow, PlanRequest]]:
    for run in list_runs(connection, model=model, statuses=("draft", "planned")):
        request = read_plan_request(run)
        if request is not None:
            yield run, request


def plan_token(run: RunRow, gold: dict[str, Any]) -> str:
    """Return the state of a plan that a lead has read, with the gold at that time."""
    state = [run.status, run.recipe, run.plan, gold]
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:32]
