"""The message of an incident in its present state, and replies in its thread."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.actions.offers import WITH_RETRAINING, with_buttons
from monitor.alerts.evaluated_version import evaluated_version
from monitor.alerts.messages.identity import incident_link
from monitor.alerts.messages.incident import EvaluationSummary
from monitor.alerts.present_text import present_text
from monitor.rendering.chart import WINDOWS
from monitor.rendering.mrkdwn import Block, build_message, escape, sections, split_lines
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.alerts import outbox
from monitor.store.alerts.condition_facts import recommended_retraining
from monitor.store.alerts.incidents import IncidentRow, incident_by_id, list_incidents
from monitor.store.training.versions.known_versions import known_versions
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.drift_evaluations import DriftEvaluationRow


def present_message(connection: Connection, incident_id: int, alerts: Alerts) -> dict[str, Any]:
    """Return the payload of an incident's message as of now. It reads only."""
    incident = incident_by_id(connection, incident_id)
    text = present_text(connection, incident, alerts)
    payload = build_message(text.blocks(), text.summary)
    return with_buttons(connection, payload, incident, alerts)


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
    outbox.add_message(
        connection,
        dedupe_key=key or f"incident:{incident_id}:{incident.version}",
        model=incident.model,
        incident_id=incident_id,
        kind=kind or ("post" if incident.version == 1 else "update"),
        payload=present_message(connection, incident_id, alerts),
        now=now,
        evaluation_id=evaluation_id or incident.last_evaluation_id,
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
    payload = build_message(
        blocks or sections(map(escape, split_lines(text))), f"{subject}: {text}"
    )
    _add_reply(connection, incident, payload, now, broadcast, key, evaluation_id)


def add_news(
    connection: Connection,
    incident_id: int,
    now: datetime,
    alerts: Alerts,
    *,
    broadcast: bool = True,
    key: str = "",
    evaluation_id: int | None = None,
) -> None:
    """Write what changed as a reply, one sentence with a link, which notifies.

    Call it inside the caller's transaction, after the step. With ``broadcast`` the channel is
    notified too. By default the key is the version of the incident.
    """
    incident = incident_by_id(connection, incident_id)
    payload = news_message(connection, incident_id, alerts)
    _add_reply(connection, incident, payload, now, broadcast, key, evaluation_id)


def news_message(connection: Connection, incident_id: int, alerts: Alerts) -> dict[str, Any]:
    """Return the payload of a reply that says what changed, as it is now."""
    text = present_text(connection, incident_by_id(connection, incident_id), alerts)
    lines = [escape(text.news), incident_link(alerts, incident_id)]
    return build_message(sections(lines), text.news)


def _add_reply(  # noqa: PLR0917 - the parts of a reply
    connection: Connection,
    incident: IncidentRow,
    payload: dict[str, Any],
    now: datetime,
    broadcast: bool,
    key: str,
    evaluation_id: int | None,
) -> None:
    if broadcast:
        payload |= {"reply_broadcast": True}
    outbox.add_message(
        connection,
        dedupe_key=key or f"incident:{incident.id}:{incident.version}:reply",
        model=incident.model,
        incident_id=incident.id,
        kind="reply",
        payload=payload,
        now=now,
        evaluation_id=evaluation_id,
    )


def describe_earlier(incident: IncidentRow) -> str:
    """Return what an incident was before it is reopened."""
    ended = incident.resolved_at
    until = "" if ended is None else f", resolved {format_instant(ended)}"
    return f"It is back. Before: {incident.summary.removesuffix('.') or 'unknown'}{until}."


def summarize(
    connection: Connection, incident_id: int | None, evaluation: DriftEvaluationRow
) -> EvaluationSummary:
    """Return what a message says about a drift evaluation and its incident."""
    assert evaluation.assessment is not None  # noqa: S101 - it is done
    history = newest_windows(connection, evaluation.model, WINDOWS, until=evaluation.window_end)
    return EvaluationSummary(
        evaluation_id=evaluation.id,
        window_start=evaluation.window_start,
        window_end=evaluation.window_end,
        assessment=evaluation.assessment,
        incident_id=incident_id,
        baseline=_describe_baseline(evaluation),
        version=evaluated_version(
            connection, evaluation, known_versions(connection, evaluation.model)
        ),
        history=tuple(history),
    )


def _describe_baseline(evaluation: DriftEvaluationRow) -> str:
    baseline = evaluation.provenance.get("baseline")
    if not baseline:
        return "(none)"
    return f"{str(baseline['digest'])[:12]}, {baseline['first'][:10]} to {baseline['last'][:10]}"
