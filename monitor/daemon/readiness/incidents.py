"""Checks of the incidents, and of conditions that would open one."""

import html
from collections.abc import Iterator
from dataclasses import replace

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_instant
from monitor.scheduling.condition_check import ConditionCheck, Holds
from monitor.settings import Sections

MAX_NAMED = 5
#: The most urgent first.
LEVELS = ("critical", "error", "warning", "info")


def incidents_finding(settings: Sections) -> Finding:
    """Name the open incidents; acknowledged and snoozed ones are only counted."""
    from monitor.alerts.causes import CAUSES
    from monitor.store.alerts.incidents import unresolved_incidents

    with open_connection(settings) as connection:
        rows = unresolved_incidents(connection)
    pending = [row for row in rows if row.status == "open"]
    n_known = len(rows) - len(pending)
    known = f"{pluralize(n_known, 'incident')} acknowledged or snoozed" if n_known else ""
    if not pending:
        return ok(known or "none is unresolved")
    names = [
        f"{row.id} {CAUSES[row.cause].title}" + (f" ({excerpt(row.model, 60)})" * bool(row.model))
        for row in pending[-MAX_NAMED:]
    ]
    left = len(pending) - len(names)
    listed = ", ".join(names) + (f" and {left} more" if left > 0 else "")
    message = f"{len(pending)} open: {listed}; `driftwarden incidents list` shows them"
    return note(f"{message}; {known}" if known else message)


def unresolved_findings(settings: Sections) -> Iterator[Finding]:
    """Yield each unresolved incident, as urgent as its level."""
    from monitor.alerts.causes import CAUSES
    from monitor.store.alerts.incidents import unresolved_incidents

    with open_connection(settings) as connection:
        rows = unresolved_incidents(connection)
    for row in rows:
        state = f"acknowledged by {row.acknowledged_by}" if row.acknowledged_by else row.status
        yield replace(
            of_level(row.level, is_known=row.status != "open"),
            message=f"{CAUSES[row.cause].title}, {state}, noticed {format_instant(row.opened_at)}: "
            f"{excerpt(row.summary)}",
            model=row.model,
            command=f"driftwarden incidents show {row.id}",
        )


def condition_findings(settings: Sections) -> Iterator[Finding]:
    """Yield each condition of an incident that holds and has none, as when no replica leads.

    Where none has ever led, there is nothing to tell: no traffic and no evaluation is expected.
    """
    from monitor.daemon.conditions.of_models import OF_MODELS
    from monitor.daemon.conditions.of_the_daemon import OF_THE_DAEMON
    from monitor.store.alerts.incidents import unresolved_incidents
    from monitor.store.leadership import current_lease, database_time
    from retrain.rollout.jobs.conditions import OF_ROLLOUTS

    with open_connection(settings) as connection:
        lease = current_lease(connection)
        if lease is None:
            return
        now = database_time(connection)
        known = {(row.cause, row.model) for row in unresolved_incidents(connection)}
        for of_model in settings.by_model:
            name = of_model.model.name
            for cause, condition in {**OF_MODELS, **OF_ROLLOUTS}.items():
                if (cause, name) not in known:
                    of_one = ConditionCheck(connection, of_model, now, lease.acquired_at)
                    yield from _condition_finding(cause, name, condition(of_one))
        for cause, of_daemon in OF_THE_DAEMON.items():
            if (cause, "") not in known:
                of_all = ConditionCheck[Sections](connection, settings, now, lease.acquired_at)
                yield from _condition_finding(cause, "", of_daemon(of_all))


def _condition_finding(cause: str, model: str, result: object) -> Iterator[Finding]:
    from monitor.alerts.causes import CAUSES
    from monitor.alerts.messages.next_steps import steps_of

    if isinstance(result, Holds):
        known = CAUSES[cause]
        step = html.unescape(steps_of(cause, model, result.command)[0]).removeprefix("• ")
        message = f"{known.title}, not told yet: {result.text}"
        yield replace(of_level(known.level), message=message, model=model, command=step)


def of_level(level: str, *, is_known: bool = False) -> Finding:
    """Return a finding without its text; what somebody takes care of comes after its equals."""
    rank = 2 * LEVELS.index(level) + is_known if level in LEVELS else 0
    return Finding("fail" if rank < 2 * LEVELS.index("warning") else "note", "", rank=rank)
