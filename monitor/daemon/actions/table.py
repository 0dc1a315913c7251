"""Table of the actions: function and reply of each button."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from monitor.alerts import incidents
from monitor.errors import WorkflowError
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_instant
from monitor.review.decision.decisions import (
    confirm_retraining,
    require_open,
    require_startable,
)
from monitor.review.export import read_gold, sft_rows
from monitor.scheduling.actions import Action, Request
from monitor.store.review.decisions import DecisionRow, decision_by_id
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.training_batches import training_batches
from monitor.store.training.runs import run_of_decision
from retrain.rollout.jobs.presses import ROLLOUT_ACTIONS

#: Choices of the menu of snoozing -> how long, from the press.
SNOOZES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}
#: The other choice, and the hour (UTC) at which a working day begins.
WORKING_DAY = "working_day"
WORKING_DAY_BEGINS = 8

#: Task types that a reply lists.
MAX_TASK_TYPES = 8


def next_working_day(at: datetime) -> datetime:
    """Return the next time at which a working day begins: Monday to Friday, 08:00 UTC."""
    begin = at.replace(hour=WORKING_DAY_BEGINS, minute=0, second=0, microsecond=0)
    while begin <= at or begin.weekday() > 4:
        begin += timedelta(days=1)
    return begin


def _acknowledge(request: Request) -> dict[str, str]:
    if not _change(request, incidents.acknowledge):
        raise WorkflowError("it is acknowledged already", code="acknowledged")
    return {}


def _take_over(request: Request) -> dict[str, str]:
    if not _change(request, incidents.take_over):
        raise WorkflowError("it is yours, or nobody has acknowledged it", code="not_taken_over")
    return {}


def _snooze(request: Request) -> dict[str, str]:
    pressed, choice = request.press.received_at, request.press.choice
    if choice == WORKING_DAY:
        until = next_working_day(pressed)
    elif choice in SNOOZES:
        until = pressed + SNOOZES[choice]
    else:
        raise WorkflowError(f"unknown choice: {choice!r}; press again", code="unknown_choice")
    if until <= request.now:
        raise WorkflowError(
            f"the snooze would have ended at {format_instant(until)}; press again", code="too_late"
        )
    if not _change(request, incidents.snooze, until):
        raise WorkflowError("it is resolved already", code="resolved")
    return {"until": format_instant(until)}


def _change(request: Request, step: Callable[..., bool], *values: Any) -> bool:
    """Take a step of the incident in the name of the user; return whether it was possible."""
    subject = (request.connection, request.press.subject_id, request.user.name)
    return step(*subject, *values, request.now, alerts=request.settings.alerts)


def _show_retraining(request: Request) -> dict[str, str]:
    decision = _unconfirmed(request)
    gold = read_gold(
        request.connection,
        request.settings.model,
        ItemFilter(batch_ids=training_batches(request.connection, decision), model=decision.model),
    )
    rows = sft_rows(gold, request.settings.model)
    counts = Counter(str(row["metadata"]["task_type"]) or "(none)" for row in rows)
    task_types = [f"{excerpt(name, 60)} ({n})" for name, n in counts.most_common(MAX_TASK_TYPES)]
    if len(counts) > MAX_TASK_TYPES:
        task_types.append(f"{len(counts) - MAX_TASK_TYPES} more")
    return {
        "gold": pluralize(len(rows), "gold example"),
        "drifted": str(decision.inputs["drifted_gold"]),
        "task_types": ", ".join(task_types) or "none",
        "reasons": " ".join(decision.inputs["reasons"]),
    }


def _confirm_retraining(request: Request) -> dict[str, str]:
    decision = _unconfirmed(request)
    confirm_retraining(request.connection, decision.id, request.user, request.now)
    return {}


def _unconfirmed(request: Request) -> DecisionRow:
    """Return the decision where a confirmation is what its retraining waits for."""
    decision = decision_by_id(request.connection, request.press.subject_id)
    if decision.confirmed_by:
        raise WorkflowError(f"{decision.confirmed_by} has confirmed it already", code="confirmed")
    run = run_of_decision(request.connection, decision.id)
    if run is not None:
        raise WorkflowError(f"training run {run.id} follows from it already", code="running")
    require_open(request.connection, decision)
    if decision.recommendation != "retrain":
        raise WorkflowError("the decision doesn't recommend retraining", code="not_recommended")
    require_startable(decision)
    return decision


#: By the name that the button carries.
ACTIONS: Mapping[str, Action] = {
    "acknowledge": Action(
        subject="incident",
        run=_acknowledge,
        reply="You acknowledged {subject}.",
    ),
    "take_over": Action(
        subject="incident",
        run=_take_over,
        reply="You took over {subject}.",
    ),
    "snooze": Action(
        subject="incident",
        run=_snooze,
        reply="You snoozed {subject} until {until}. It notifies nobody until then.",
    ),
    "show_retraining": Action(
        subject="decision",
        run=_show_retraining,
        reply=(
            "Retrain {model}?\n"
            "Data: {gold}, {drifted} of the reviewed items on drifted topics.\n"
            "Task types: {task_types}.\n"
            "Reason: {reasons}"
        ),
        next_button=("confirm_retraining", "Confirm the retraining"),
    ),
    "confirm_retraining": Action(
        subject="decision",
        run=_confirm_retraining,
        reply="You confirmed the retraining of {model}. The training run is planned now.",
    ),
    **ROLLOUT_ACTIONS,
}
