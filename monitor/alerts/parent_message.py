"""The message of an incident in its present state, and replies in its thread."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.actions.offers import WITH_RETRAINING, with_buttons
from monitor.alerts.incident_states import NO_LONGER_SO, QUIET_WINDOWS, Event
from monitor.alerts.messages.condition import condition_blocks
from monitor.alerts.messages.condition import next_steps as next_steps_of_condition
from monitor.alerts.messages.identity import identity_block
from monitor.alerts.messages.incident import EvaluationSummary, incident_blocks, next_steps
from monitor.alerts.messages.look import TITLES as LOOK_TITLES
from monitor.alerts.messages.look import look_blocks
from monitor.alerts.messages.look import next_steps as next_steps_of_look
from monitor.plurals import pluralize
from monitor.rendering.chart import WINDOWS
from monitor.rendering.late_exchanges import describe_changes, describe_late
from monitor.rendering.looks import look_headline
from monitor.rendering.mrkdwn import (
    Block,
    build_message,
    escape,
    sections,
    split_lines,
    within_limits,
)
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.alerts import outbox
from monitor.store.alerts.condition_facts import recommended_retraining
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import IncidentRow, incident_by_id, list_incidents
from monitor.store.audit_log import SYSTEM
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.store.windows.looks import LookRow, look_by_id

#: Events that the title of a message names.
TITLED = (
    "opened",
    "worsened",
    "continued",
    "not_enough_data",
    "quiet",
    "resolved",
    "reopened",
)


def add_update(
    connection: Connection,
    incident_id: int,
    now: datetime,
    alerts: Alerts,
    *,
    key: str = "",
    kind: outbox.Kind | None = None,
    evaluation_id: int | None = None,
) -> None:
    """Write the incident's message, as it is now; nobody is notified.

    Call it inside the caller's transaction, after the step. By default the key is the version of
    the incident, and the kind a post where the incident is new, else an update. The drift
    evaluation is the one that a condition is about.
    """
    incident = incident_by_id(connection, incident_id)
    payload, evaluation = _parent(connection, incident, alerts)
    own_key = f"incident:{incident_id}:{incident.version}"
    if evaluation is not None:
        own_key += f":evaluation:{evaluation}"
    else:
        evaluation = evaluation_id
    outbox.add_message(
        connection,
        dedupe_key=key or own_key,
        model=incident.model,
        incident_id=incident_id,
        kind=kind or ("post" if incident.version == 1 else "update"),
        payload=with_buttons(connection, payload, incident, alerts),
        now=now,
        evaluation_id=evaluation,
    )


def update_retraining(connection: Connection, model: str, now: datetime, alerts: Alerts) -> None:
    """Update the messages of a model's incidents when a retraining awaits a lead, and when not.

    Call it as often as decisions are made: each state of a decision is written once.
    """
    retraining = recommended_retraining(connection, model)
    if retraining is None:
        return
    for incident in list_incidents(connection, model, unresolved=True):
        if incident.cause not in WITH_RETRAINING:
            continue
        key = f"incident:{incident.id}:decision:{retraining.id}"
        if retraining.awaits_lead:
            add_update(connection, incident.id, now, alerts, key=key, kind="update")
        elif outbox.has_message(connection, key):
            settled = f"{key}:settled"
            add_update(connection, incident.id, now, alerts, key=settled, kind="update")


def add_reply(
    connection: Connection,
    incident_id: int,
    text: str,
    now: datetime,
    *,
    blocks: list[Block] | None = None,
    broadcast: bool = True,
    key: str = "",
    evaluation_id: int | None = None,
) -> None:
    """Write a reply in the incident's thread, which notifies; with ``broadcast`` the channel too.

    Call it inside the caller's transaction, after the step. The text, which is plain, is the reply,
    or its summary where it has blocks. By default the key is the version of the incident.
    """
    incident = incident_by_id(connection, incident_id)
    subject = f"Incident {incident_id}" + (f", {incident.model}" if incident.model else "")
    summary = f"{subject}: {text}"
    payload = build_message(blocks or sections(map(escape, split_lines(text))), summary)
    if broadcast:
        payload["reply_broadcast"] = True
    outbox.add_message(
        connection,
        dedupe_key=key or f"incident:{incident_id}:{incident.version}:reply",
        model=incident.model,
        incident_id=incident_id,
        kind="reply",
        payload=payload,
        now=now,
        evaluation_id=evaluation_id,
    )


def describe_state(connection: Connection, incident: IncidentRow) -> tuple[str, ...]:
    """Return lines on the state of an incident: who acknowledged it, what it was before, ..."""
    notes = []
    ended = last_event(connection, incident.id, ("resolved",))
    if incident.status == "resolved" and ended is not None:
        if incident.cause == "drift" and incident.summary:
            notes.append(f"Had drifted: {incident.summary}, since {_since(connection, incident)}.")
        if ended.by != SYSTEM:
            notes.append(f"Resolved by {ended.by}: {ended.reason}")
        elif incident.cause != "drift" and ended.reason not in {"", NO_LONGER_SO}:
            notes.append(f"Resolved: {ended.reason}")
        return tuple(notes)
    if incident.quiet_windows:
        left = QUIET_WINDOWS - incident.quiet_windows
        notes.append(
            f"{pluralize(incident.quiet_windows, 'quiet window')}: {left} more in a row "
            f"{'resolves' if left == 1 else 'resolve'} the incident. Had drifted: "
            f"{incident.summary}."
        )
    elif incident.cause == "drift" and not incident.is_resolved:
        look, _ = _newest(connection, incident)
        if look is not None and not incident.fingerprint <= look.fingerprint:
            notes.append(f"All that drifted in this incident: {incident.summary}.")
    if incident.cause == "drift" and incident.last_evaluation_id is not None:
        evaluation = drift_evaluation_by_id(connection, incident.last_evaluation_id)
        remarks = describe_late(connection, evaluation), describe_changes(evaluation)
        notes += filter(None, remarks)
    if incident.clear_since is not None and not incident.is_resolved:
        since = format_instant(incident.clear_since)
        notes.append(f"It has not held since {since}. If that lasts, the incident is resolved.")
    reopened = last_event(connection, incident.id, ("reopened",))
    if reopened is not None and not incident.is_resolved:
        notes.append(reopened.reason)
    if incident.status == "acknowledged":
        notes.append(f"Acknowledged by {incident.acknowledged_by}.")
    snoozed = last_event(connection, incident.id, ("snoozed",))
    if incident.status == "snoozed" and incident.snoozed_until is not None and snoozed is not None:
        notes.append(f"Snoozed until {format_instant(incident.snoozed_until)} by {snoozed.by}.")
    return tuple(notes)


def describe_earlier(incident: IncidentRow) -> str:
    """Return what an incident was before it is reopened."""
    ended = incident.resolved_at
    until = "" if ended is None else f", resolved {format_instant(ended)}"
    return f"It is back. Before: {incident.summary or 'unknown'}{until}."


def summarize(
    connection: Connection, incident_id: int | None, evaluation: DriftEvaluationRow
) -> EvaluationSummary:
    """Return what a message says about a drift evaluation and its incident."""
    assert evaluation.assessment is not None  # noqa: S101 - it is done
    notes: tuple[str, ...] = ()
    since = None
    if incident_id is not None:
        incident = incident_by_id(connection, incident_id)
        notes = describe_state(connection, incident)
        began = last_event(connection, incident_id, ("opened", "reopened"))
        opening_id = incident.opening_evaluation_id
        if began is not None and began.event == "reopened":
            opening_id = began.evaluation_id
        if opening_id is not None:
            opening = drift_evaluation_by_id(connection, opening_id)
            since = opening.window_start, opening.window_end
    history = newest_windows(connection, evaluation.model, WINDOWS, until=evaluation.window_end)
    return EvaluationSummary(
        evaluation_id=evaluation.id,
        window_start=evaluation.window_start,
        window_end=evaluation.window_end,
        assessment=evaluation.assessment,
        incident_id=incident_id,
        baseline=_describe_baseline(evaluation),
        notes=notes,
        since=since,
        history=tuple(history),
    )


def describe_newest(connection: Connection, incident: IncidentRow) -> tuple[str, list[str]]:
    """Return what is wrong by the newest evaluation or look, and what to do, as mrkdwn."""
    look, evaluation = _newest(connection, incident)
    if look is not None:
        return look_headline(look), next_steps_of_look(look)
    if evaluation is not None and evaluation.assessment is not None:
        return evaluation.assessment.headline, next_steps(evaluation.assessment)
    return incident.summary, next_steps_of_condition(incident)


def _parent(
    connection: Connection, incident: IncidentRow, alerts: Alerts
) -> tuple[dict[str, Any], int | None]:
    """Return the message, and the evaluation that it shows."""
    last = last_event(connection, incident.id, TITLED)
    event: Event = "opened" if last is None else last.event  # type: ignore[assignment]
    if incident.status == "closed":
        event = "unwatched"
    notes = describe_state(connection, incident)
    look, evaluation = _newest(connection, incident)
    headline = incident.summary
    if look is not None:
        titled: Event = event if event in LOOK_TITLES else "opened"
        blocks = look_blocks(look, incident.id, titled, alerts, notes=notes)
        headline = look_headline(look)
    elif evaluation is not None:
        if event == "continued" and incident.opening_evaluation_id == evaluation.id:
            event = "opened"  # by a look: its first window is no news, and no repetition
        summary = summarize(connection, incident.id, evaluation)
        blocks = incident_blocks(summary, event, alerts)
        headline = summary.assessment.headline
    else:  # not drift
        blocks = condition_blocks(incident, event, notes, alerts)
    blocks.insert(1, identity_block(incident, _since(connection, incident)))
    title = blocks[0]["text"]["text"]
    payload = build_message(within_limits(blocks), f"{title} (incident {incident.id}). {headline}")
    return payload, None if evaluation is None else evaluation.id


def _newest(
    connection: Connection, incident: IncidentRow
) -> tuple[LookRow | None, DriftEvaluationRow | None]:
    """Return the newest look of an incident where it is newer than its evaluation, else that."""
    look = None if incident.last_look_id is None else look_by_id(connection, incident.last_look_id)
    if incident.last_evaluation_id is None:
        return look, None
    evaluation = drift_evaluation_by_id(connection, incident.last_evaluation_id)
    if look is not None and evaluation.window_end < look.looked_until:
        return look, None
    return None, evaluation


def _since(connection: Connection, incident: IncidentRow) -> str:
    opened = last_event(connection, incident.id, ("opened", "reopened"))
    return format_instant(incident.opened_at if opened is None else opened.at)


def _describe_baseline(evaluation: DriftEvaluationRow) -> str:
    baseline = evaluation.provenance.get("baseline")
    if not baseline:
        return "(none)"
    return f"{str(baseline['digest'])[:12]}, {baseline['first'][:10]} to {baseline['last'][:10]}"
