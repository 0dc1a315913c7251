"""Entries about models, for their leads: each function asks once for all models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES
from monitor.alerts.messages.weekly_digest import digest_key, last_due
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_day, format_instant, format_share, format_window
from monitor.review.guidelines.versions import taxonomy_in_force
from monitor.settings import Review, Sections
from monitor.store.alerts.outbox import refusals_of
from monitor.store.fleet import (
    NewestWindow,
    OpenIncident,
    OpenRollout,
    newest_windows,
    unfinished_rollouts,
    unresolved_incidents,
)
from monitor.store.leadership import Lease
from monitor.store.model_history import DAEMON
from monitor.store.privacy.requests import waiting_requests
from monitor.store.review.decision_states import DecisionState, decision_states
from monitor.store.review.waiting import StandingDecision, standing_decisions
from monitor.store.training.waiting import (
    EvaluatedCandidate,
    FailedRun,
    WaitingPlan,
    evaluated_candidates,
    failed_runs,
    waiting_plans,
)
from monitor.todo.entries import TodoEntry, of_model

Entries = Iterator[TodoEntry]

#: Kinds of incidents by level; other levels are warnings.
INCIDENTS = {"critical": "incident_critical", "error": "incident_error"}
#: Why the check of a plan refused it, by code; its own text may quote reviewed items.
REFUSALS = {
    "min_gold": "too few gold examples",
    "no_examples": "no gold examples",
    "max_left_out": "too many gold examples can't be trained on",
    "all_leaked": "every example is a benchmark item",
    "min_per_task_type": "too few examples of a task type",
    "max_task_share": "one task type dominates the examples",
    "nothing_fits": "no method fits into the memory",
    "all_rejected": "each method was tried and rejected",
}


def no_leader(lease: Lease | None, now: datetime) -> Entries:
    """Yield an entry while no daemon leads."""
    if lease is not None and lease.held:
        return
    since = now if lease is None else lease.expires_at
    when = "has led yet" if lease is None else f"leads since {format_instant(since)}"
    yield TodoEntry(
        model=DAEMON,
        kind="no_leader",
        since=since,
        text=f"No daemon {when}: nothing is evaluated, no message is sent, and this list may lack "
        "entries. Start driftwarden run.",
        address="/runbooks/prometheus#driftwardennoleader",
        label="See what to do",
    )


def requests(connection: Connection, now: datetime) -> Entries:
    """Yield the open requests of end users, which are of no model."""
    for row in waiting_requests(connection):
        late = "was" if row.due_at < now else "is"
        yield TodoEntry(
            model=DAEMON,
            kind="request",
            since=row.opened_at,
            text=f"Request {row.id} of an end user for {row.kind} {late} due on "
            f"{format_day(row.due_at)}: decide the sentences of staff, and close it.",
            address=f"/requests/{row.id}",
            label=f"See what to do for request {row.id}",
        )


@dataclass(frozen=True)
class ModelStates:
    """Rows of all models, read once for the to-do list and for other parts of a page."""

    windows: Mapping[str, NewestWindow]
    #: Unresolved ones, the most urgent first.
    incidents: Mapping[str, Sequence[OpenIncident]]
    rollouts: Mapping[str, OpenRollout]
    #: Of all decisions, and the newest open one of each model.
    decision_states: Mapping[int, DecisionState]
    decisions: Sequence[StandingDecision]


def read_states(connection: Connection) -> ModelStates:
    """Return the states of all models."""
    states = decision_states(connection)
    return ModelStates(
        windows=newest_windows(connection),
        incidents=unresolved_incidents(connection),
        rollouts=unfinished_rollouts(connection),
        decision_states=states,
        decisions=standing_decisions(connection, states=states),
    )


def incidents(
    _connection: Connection, _settings: Sections, now: datetime, known: ModelStates
) -> Entries:
    """Yield incidents that nobody has acknowledged, and those whose snooze has ended."""
    for rows in known.incidents.values():
        for row in rows:
            if row.status == "open" or (row.snoozed_until is not None and row.snoozed_until <= now):
                yield _incident(row)


def _incident(row: OpenIncident) -> TodoEntry:
    cause = CAUSES[row.cause]
    return TodoEntry(
        model=row.model,
        kind=INCIDENTS.get(row.level, "incident_warning"),
        since=row.opened_at,
        text=f"{cause.title}, open since {format_day(row.opened_at)}: nobody has acknowledged it. "
        f"{cause.users}",
        address=f"/incidents/{row.id}",
        label="Acknowledge",
        action=f"/incidents/{row.id}/acknowledge",
        cause=row.cause,
        incident_id=row.id,
    )


def rollouts(
    _connection: Connection, settings: Sections, _now: datetime, known: ModelStates
) -> Entries:
    """Yield rollouts that ask for a decision, and unfinished ones of models not watched."""
    for row in known.rollouts.values():
        is_watched = settings.is_watched(row.model)
        if is_watched and not row.asks:
            continue
        since = row.last_event_at or row.started_at
        text = (
            f"The rollout of version {row.version} asks for a decision since {format_day(since)}, "
            f"at {row.weight_percent}% of the traffic. It stays there until a lead advances or "
            "reverts it."
            if is_watched
            else f"Version {row.version} gets {row.weight_percent}% of the traffic, and the model "
            "is no longer watched: nothing measures the version. It stays there until a lead "
            "completes or reverts it."
        )
        yield TodoEntry(
            model=row.model,
            kind="rollout" if is_watched else "rollout_unwatched",
            since=since,
            text=text,
            address=f"/rollouts/{row.id}",
            label=f"{'Advance' if is_watched else 'Complete'} or revert version {row.version}",
        )


def windows(
    _connection: Connection, _settings: Sections, _now: datetime, known: ModelStates
) -> Entries:
    """Yield newest windows whose evaluation failed."""
    for row in known.windows.values():
        if row.status == "failed":
            period = format_window((row.window_start, row.window_end))
            yield TodoEntry(
                model=row.model,
                kind="window",
                since=row.window_end,
                text=f"The window {period} could not be evaluated. It is repeated every hour; "
                "until it succeeds, drift of this window is not noticed.",
                address=f"/drift-evaluations/{row.id}",
                label="See why it failed",
            )


def retrainings(
    connection: Connection, settings: Sections, _now: datetime, known: ModelStates
) -> Entries:
    """Yield decisions, plans and failed training runs that wait for a lead.

    A plan takes the place of the decision or the run that it follows. One whose decision is no
    longer open can't be planned or started.
    """
    plans = waiting_plans(connection)
    yield from _runs(connection, plans, known.decision_states)
    planned = {plan.decision_id for plan in plans}
    for row in known.decisions:
        entry = None if row.id in planned else _decision(connection, row, settings)
        if entry is not None:
            yield entry


def _runs(
    connection: Connection, plans: Sequence[WaitingPlan], states: Mapping[int, DecisionState]
) -> Entries:
    replaced = {plan.after_run for plan in plans}
    for plan in plans:
        if _may_continue(states, plan.decision_id):
            yield _plan(plan)
    for row in failed_runs(connection):
        if row.id in replaced or not _may_continue(states, row.decision_id):
            continue
        since = row.finished_at or row.created_at
        yield TodoEntry(
            model=row.model,
            kind="run",
            since=since,
            text=f"Training run {_name(row)} failed on {format_day(since)}. Until it succeeds "
            "or another is planned, there is no new version.",
            address=f"/runs/{row.id}/plan",
            label=f"Plan run {row.id} again",
        )


def _may_continue(states: Mapping[int, DecisionState], decision_id: int | None) -> bool:
    return decision_id is None or (decision_id in states and states[decision_id].is_open)


def _name(run: FailedRun | WaitingPlan) -> str:
    """Return the number of a run, and the decision that it follows."""
    return f"{run.id}" + ("" if run.decision_id is None else f" of decision {run.decision_id}")


def _plan(row: WaitingPlan) -> TodoEntry:
    since = datetime.fromisoformat(row.checked_at or row.requested_at)
    if row.checked_at is None:
        text = f"Training run {_name(row)} is a draft since {format_day(since)}, and waits for the "
        text += "daemon's check. It trains nothing until a lead starts it."
        address, label = f"/runs/{row.id}", f"See run {row.id}"
    elif row.status == "planned":
        text = f"Training run {_name(row)} is planned since {format_day(since)}. It trains "
        text += "nothing until a lead starts it."
        address, label = f"/runs/{row.id}/start", f"Start run {row.id}"
    else:
        why = REFUSALS.get(row.code or "", "a check of the data or the recipe failed")
        text = f"The plan of training run {_name(row)} was refused on {format_day(since)}: {why}. "
        text += "There is no new version until a lead changes the recipe, or mends the data and "
        text += "sends the plan again."
        address, label = f"/runs/{row.id}", f"Change the plan of run {row.id}"
    return TodoEntry(
        model=row.model, kind="run", since=since, text=text, address=address, label=label
    )


def _decision(
    connection: Connection, row: StandingDecision, settings: Sections
) -> TodoEntry | None:
    own = settings.settings_of(row.model)
    of = f"Decision {row.id} of {format_day(row.decided_at)}"
    errors = ""
    if row.rate is not None and row.launch_rate is not None:
        errors = (
            f": {format_share(row.rate)} of the responses are wrong, "
            f"{format_share(row.launch_rate)} at launch"
        )
    page = f"/decisions/{row.id}"
    kind = row.recommendation
    if kind == "retrain" and not row.has_run and row.refusal:
        kind, address = "run", f"{page}/plan"
        text = f"{of} recommends retraining{errors}. Its training run can't start until its data "
        text += "or recipe is mended."
        label = f"Plan decision {row.id} again"
    elif row.is_unconfirmed and own.retrain.require_confirmation:
        kind, address = "decision", page
        text = f"{of} recommends retraining{errors}. The model stays as it is until a lead "
        text += "confirms."
        label = f"Confirm decision {row.id}"
    elif kind == "fix_guidelines" and not _is_mended(connection, row, own.review):
        kind, address = "guidelines", of_model("/guidelines", row.model)
        alpha = "" if row.alpha is None else f" (alpha {row.alpha:.2f})"
        text = f"{of} says to fix the guidelines first: the reviewers agree too little{alpha}. "
        text += "Until then no retraining is recommended."
        label = "Mend the guidelines"
    elif kind == "fix_context":
        kind, address = "context", page
        text = f"{of} says to fix retrieval or the prompt first{errors}. Most of these errors "
        text += "lack facts, which training doesn't add."
        label = f"Read decision {row.id}"
    else:
        return None
    since = row.decided_at
    return TodoEntry(
        model=row.model, kind=kind, since=since, text=text, address=address, label=label
    )


def _is_mended(connection: Connection, row: StandingDecision, review: Review) -> bool:
    """Return whether the guidelines in force are others than those of the decision's items."""
    current = taxonomy_in_force(connection, review, row.model).version
    return bool(current) and current != row.taxonomy_version


def candidates(
    connection: Connection, settings: Sections, _now: datetime, _known: ModelStates
) -> Entries:
    """Yield newest candidates that wait for a lead: failed, undecided, or ready for a rollout."""
    for row in evaluated_candidates(connection):
        automatic = settings.settings_of(row.model).rollout.start == "automatic"
        entry = _candidate(row, starts_itself=automatic)
        if entry is not None:
            yield entry


def _candidate(row: EvaluatedCandidate, *, starts_itself: bool) -> TodoEntry | None:
    since = row.finished_at or row.created_at
    version, day = f"Version {row.version}", format_day(since)
    page = f"/candidate-evaluations/{row.id}"
    kind, address = "candidate", page
    if row.status == "failed":
        text = f"The evaluation of version {row.version} failed on {day}. The version gets no "
        text += "traffic without one."
        label = f"Evaluate version {row.version} again"
    elif row.status == "succeeded" and row.gate_result == "undecided" and not row.approved_by:
        checks = row.checks or []
        n = sum(check["outcome"] == "undecided" for check in checks)
        text = f"{version} is undecided since {day}: {n} of {pluralize(len(checks), 'check')} show "
        text += "neither that it is good enough nor that it is not. It gets no traffic until a "
        text += "lead approves it."
        label = f"Approve or reject version {row.version}"
    elif (
        row.status == "succeeded"
        and (row.gate_result == "promote" or row.approved_by)
        and not (row.has_rollout or starts_itself)
    ):
        kind, address = "start_rollout", f"/rollouts/start/{row.version_id}"
        passed = "was approved" if row.approved_by else "passed its gates"
        text = f"{version} {passed} and gets no traffic until a lead starts its rollout."
        label = f"Start the rollout of version {row.version}"
    else:
        return None
    return TodoEntry(
        model=row.model, kind=kind, since=since, text=text, address=address, label=label
    )


def digests(
    connection: Connection, settings: Sections, now: datetime, _known: ModelStates
) -> Entries:
    """Yield channels that finally did not take the newest weekly digest."""
    due = last_due(settings.alerts.digest, now)
    if due is None:
        return
    for channel, since in refusals_of(connection, digest_key(due)):
        yield TodoEntry(
            model=DAEMON,
            kind="digest",
            since=since,
            text=f"The weekly digest of {format_day(due)} did not reach "
            f"{channel or 'any channel'}. It is not sent again.",
            address="/runbooks/messages-undelivered",
            label="Mend the channel",
        )


#: Each yields entries of all models.
SOURCES: tuple[Callable[[Connection, Sections, datetime, ModelStates], Entries], ...] = (
    incidents,
    rollouts,
    windows,
    retrainings,
    candidates,
    digests,
)
