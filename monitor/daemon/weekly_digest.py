"""The weekly digest: when it is due, and what each model's windows showed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.alerts.evaluated_version import describe_version, evaluated_version
from monitor.alerts.messages.weekly_digest import (
    ModelWeek,
    WaitingStep,
    announce_week,
    digest_key,
    last_due,
)
from monitor.rendering.excerpts import excerpt, name_version
from monitor.rendering.late_exchanges import describe_late
from monitor.rendering.numbers import format_share, format_window, join_names
from monitor.settings import Sections, Settings
from monitor.store.access_chain import chain_head
from monitor.store.alerts.incidents import unresolved_incidents
from monitor.store.alerts.outbox import has_message
from monitor.store.engine import transaction
from monitor.store.training.versions.known_versions import known_versions
from monitor.store.windows.drift_evaluations import any_result_before, drift_evaluation_by_id
from monitor.store.windows.window_figures import WindowFigures
from monitor.todo.todo_list import EVERYBODY, list_todo
from monitor.windows.history.digest import build_digest

#: A digest that is later than this is left out.
MAX_DELAY = timedelta(days=3)
N_WINDOWS = 12


def announce_due(
    engine: Engine, watched: Sequence[Settings], now: datetime, settings: Sections
) -> bool:
    """Write the digest of all models if it is due; return whether it was written.

    The first one follows the first result: one that fell due before it would report nothing.
    """
    alerts = settings.alerts
    due = last_due(alerts.digest, now)
    if due is None or now - due > MAX_DELAY:
        return False
    key = digest_key(due)
    with transaction(engine) as connection:
        if has_message(connection, key) or not any_result_before(connection, due):
            return False
        weeks = [summarize_week(connection, settings.model.name) for settings in watched]
        models = [week for week in weeks if week is not None]
        incidents = unresolved_incidents(connection)
        steps = [
            WaitingStep(entry.model, entry.text, entry.label, entry.address, entry.incident_id)
            for entry in list_todo(connection, settings, EVERYBODY, now).entries
            if entry.kind != "no_leader"  # this is the one that leads
        ]
        remarks = {incident.id: describe_version(connection, incident)[0] for incident in incidents}
        return announce_week(
            connection,
            models,
            incidents,
            steps,
            remarks=remarks,
            key=key,
            now=now,
            alerts=alerts,
            access_log=_describe_access_log(connection),
        )


def _describe_access_log(connection: Connection) -> str:
    """Return the newest link of the access log's chain; empty before the first."""
    head = chain_head(connection)
    return f"entry {head.position:,}: {head.hash}" if head.position else ""


def summarize_week(connection: Connection, model: str) -> ModelWeek | None:
    """Return a model's part of the digest; ``None`` without a window."""
    digest = build_digest(connection, model, n_windows=N_WINDOWS)
    if not digest.windows:
        return None
    newest = digest.windows[-1]
    shares = [_share(window) for window in digest.windows]
    figures = newest.figures
    verdict: str = "" if figures is None else figures.verdict
    if figures is not None and figures.is_not_comparable:
        verdict = "not_comparable"
    text = _describe(newest, sum(f.window == newest for f in digest.subthreshold_findings))
    evaluation = drift_evaluation_by_id(connection, newest.evaluation_id)
    version = evaluated_version(connection, evaluation, known_versions(connection, model))
    if version and figures is not None:
        text = f"{text} Responses of {name_version(version)}."
    return ModelWeek(
        name=model,
        verdict=verdict,
        text=f"{text} {describe_late(connection, evaluation)}".rstrip(),
        shares=tuple(shares),
    )


def _share(window: WindowFigures) -> float | None:
    figures = window.figures
    if figures is None or figures.verdict == "not_enough_data":
        return None
    return max(figures.input.significant_share, figures.output.significant_share)


def _describe(window: WindowFigures, n_subthreshold: int) -> str:
    when = format_window((window.start, window.end))
    figures = window.figures
    if figures is None:
        state = "its evaluation failed" if window.status == "failed" else "not evaluated yet"
        return f"{when}: {state}."
    shares = [
        f"{format_share(family.significant_share)} of the {noun} drifted"
        for noun, family in (("prompts", figures.input), ("responses", figures.output))
        if family.significant_share
    ]
    result = ", ".join(shares) or figures.verdict.replace("_", " ")
    if figures.is_not_comparable:
        names = [f"`{excerpt(item.name, 40)}`" for item in figures.fallen_coverage]
        result = f"not comparable, lacks {join_names(names)}"
    below = f", {n_subthreshold} below the alert threshold" if n_subthreshold else ""
    return f"{when}: {result}{below}, n = {figures.n_current:,}."
