"""`driftwarden incidents`: list, show, acknowledge, snooze, resolve and annotate incidents."""

import html
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.access import record_read
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    find_model,
    read_configuration,
)
from monitor.cli.shared.output import print_json
from monitor.cli.shared.users import require_user
from monitor.errors import InputError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from monitor.settings import Alerts
    from monitor.store.alerts.incidents import IncidentRow

app = typer.Typer(
    no_args_is_help=True, help="List, show, acknowledge, snooze, resolve and annotate incidents."
)

IncidentArgument = Annotated[
    int, typer.Argument(help="Number of the incident.", show_default=False)
]
UserOption = Annotated[
    str, typer.Option("--as", help="User who acts: a lead or an admin.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    model: ModelFilter = None,
    cause: Annotated[
        str | None, typer.Option(help="Only those of this cause.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Resolved and closed ones, too.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the unresolved incidents, the newest first."""
    from monitor.alerts.causes import CAUSES
    from monitor.store.alerts.incidents import list_incidents

    if cause is not None and cause not in CAUSES:
        raise InputError(
            f"unknown cause: {cause!r}; name one of {', '.join(CAUSES)}", code="unknown_cause"
        )
    configuration = read_configuration(config)
    with database_transaction(configuration) as connection:
        name = None if model is None else find_model(connection, configuration, model)
        rows = list_incidents(connection, name, 500, cause=cause, unresolved=not everything)
        record_read(connection, "incidents list", "incident", model=name or "")
    if as_json:
        print_json([_as_dict(row) for row in rows])
        return
    if not rows:
        typer.echo("no incident" if everything else "no unresolved incident")
    for row in rows:
        typer.echo(_line(row))


@app.command()
def show(
    incident: IncidentArgument, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show an incident: what is wrong, its windows, what followed, and who did what."""
    from monitor.alerts.causes import runbook_url
    from monitor.alerts.incidents import alerts_of
    from monitor.alerts.present_text import present_text
    from monitor.rendering.excerpts import excerpt, name_version
    from monitor.store.alerts.consequences import consequences_of
    from monitor.store.alerts.incident_events import list_events
    from monitor.store.alerts.incidents import incident_by_id

    configuration = read_configuration(config)
    with database_transaction(configuration) as connection:
        row = incident_by_id(connection, incident)
        alerts = alerts_of(configuration, row.model)
        text = present_text(connection, row, alerts)
        events = list_events(connection, incident)
        followed = consequences_of(connection, incident)
        record_read(connection, "incidents show", "incident", incident, model=row.model)
    if as_json:
        print_json(_as_dict(row) | {"events": events, "consequences": followed})
        return
    typer.echo(_line(row))
    if text.finding != row.summary:
        typer.echo(f"  {excerpt(text.finding, 1000)}")
    for note_ in text.notes:
        typer.echo(f"  {excerpt(note_, 500)}")
    if row.cause != "drift" and text.next_step:
        typer.echo(f"  next: {html.unescape(text.next_step)}")
    for window in followed.windows:
        typer.echo(
            f"  window {window.window_start:%Y-%m-%d} to {window.window_end:%Y-%m-%d}: "
            f"{window.verdict}, evaluation {window.id}"
        )
    for decision in followed.decisions:
        confirmed = f", confirmed by {decision.confirmed_by}" if decision.confirmed_by else ""
        of = f"{decision.recommendation} of {name_version(decision.state.version)}"
        typer.echo(f"  decision {decision.id}: {of}{confirmed}{_remark(decision.state.reason)}")
    for run in followed.runs:
        version = f", version {run.version} ({run.stage})" if run.version else ""
        typer.echo(f"  run {run.id}: {run.status}{version}")
    for rollout in followed.rollouts:
        typer.echo(
            f"  rollout of version {rollout.version}: {rollout.status}, {rollout.weight_percent}%"
        )
    for event in events:
        reason = f": {excerpt(event.reason)}" if event.reason else ""
        typer.echo(f"  {event.at:%Y-%m-%d %H:%M} UTC  {event.event} by {event.by}{reason}")
    typer.echo(f"  page: {alerts.public_url.rstrip('/')}/incidents/{row.id}")
    typer.echo(f"  runbook: {runbook_url(alerts, row.cause)}")


@app.command()
def ack(
    incident: IncidentArgument,
    name: UserOption,
    instead: Annotated[
        bool, typer.Option("--take-over", help="In place of the user who has acknowledged it.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Acknowledge an incident: its message names the user."""
    from monitor.alerts.incidents import acknowledge, take_over

    with _lead(config, incident, name) as (connection, row, changes):
        if instead and row.status == "acknowledged" and row.acknowledged_by != name:
            done = take_over(connection, incident, name, **changes)
        else:
            done = acknowledge(connection, incident, name, **changes)
        _require(done, row, "acknowledged")
    typer.echo(f"incident {incident}: acknowledged by {name}")


@app.command()
def snooze(
    incident: IncidentArgument,
    until: Annotated[
        str,
        typer.Argument(
            help="A duration (4h, 2d) or a time in UTC (2026-11-03T08:00), at most 30 days ahead.",
            show_default=False,
        ),
    ],
    name: UserOption,
    config: ConfigOption = None,
) -> None:
    """Notify nobody of an incident until a time; then it is told again if it is unresolved."""
    from monitor.alerts import incidents
    from monitor.alerts.until import parse_until

    with _lead(config, incident, name) as (connection, row, changes):
        moment = parse_until(until, changes["now"])
        done = incidents.snooze(connection, incident, name, moment, **changes)
        _require(done, row, "snoozed")
    typer.echo(f"incident {incident}: snoozed until {moment:%Y-%m-%d %H:%M} UTC by {name}")


@app.command()
def resolve(
    incident: IncidentArgument,
    name: UserOption,
    reason: Annotated[str, typer.Option(help="Why, in the message.", show_default=False)],
    config: ConfigOption = None,
) -> None:
    """Resolve an incident with a reason; a condition that lasts doesn't reopen it at once."""
    from monitor.alerts import incidents

    with _lead(config, incident, name) as (connection, row, changes):
        done = incidents.resolve(connection, incident, name, reason, **changes)
        _require(done, row, "resolved")
    typer.echo(f"incident {incident}: resolved by {name}")


@app.command()
def note(
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="The note.", show_default=False)],
    name: UserOption,
    config: ConfigOption = None,
) -> None:
    """Add a note to an incident, and to its thread."""
    from monitor.alerts import incidents

    with _lead(config, incident, name) as (connection, _, changes):
        incidents.note(connection, incident, name, text, changes["now"])
    typer.echo(f"incident {incident}: noted by {name}")


@contextmanager
def _lead(
    config: "Path | None", incident: int, name: str
) -> "Iterator[tuple[Connection, IncidentRow, dict[str, Any]]]":
    """Open a transaction for a change of an incident by a lead of its model.

    Yield the transaction, the incident, and the time and settings of the change.

    Raises:
        InputError: There is no such user.
        NotFoundError: There is no such incident.
        WorkflowError: The user doesn't lead its model.
    """
    from monitor.alerts.incidents import alerts_of
    from monitor.store.alerts.incidents import incident_by_id

    configuration = read_configuration(config)
    with database_transaction(configuration) as connection:
        row = incident_by_id(connection, incident)
        if not require_user(connection, name).is_lead_of(row.model):
            subject = f"the model {row.model}" if row.model else "all models"
            raise WorkflowError(
                f"{name} is no lead of {subject}: a lead or an admin changes incidents",
                code="no_lead",
            )
        alerts: Alerts = alerts_of(configuration, row.model)
        yield connection, row, {"now": datetime.now(UTC), "alerts": alerts}


def _require(done: bool, row: "IncidentRow", change: str) -> None:
    if not done:
        by = _acknowledged_by(row)
        hint = "; --take-over takes it over" if by and change == "acknowledged" else ""
        raise WorkflowError(
            f"incident {row.id} can't be {change}: it is {row.status}{by}{hint}", code=row.status
        )


def _remark(reason: str) -> str:
    return f". {reason}" if reason else ""


def _acknowledged_by(row: "IncidentRow") -> str:
    return f" by {row.acknowledged_by}" if row.status == "acknowledged" else ""


def _line(row: "IncidentRow") -> str:
    from monitor.alerts.causes import CAUSES
    from monitor.rendering.excerpts import excerpt

    subject = row.model or "driftwarden"
    clear = ""
    if row.clear_since is not None and not row.is_resolved:
        clear = f" [not since {row.clear_since:%Y-%m-%d %H:%M}]"
    return (
        f"{row.id:5d}  {row.opened_at:%Y-%m-%d %H:%M}  {row.level:8s}  "
        f"{row.status}{_acknowledged_by(row)}  "
        f"{excerpt(subject, 60)}: {CAUSES[row.cause].title}. {excerpt(row.summary)}{clear}"
    )


def _as_dict(row: "IncidentRow") -> dict[str, Any]:
    import msgspec

    document: dict[str, Any] = msgspec.to_builtins(row)
    return document | {"fingerprint": sorted(row.fingerprint)}
