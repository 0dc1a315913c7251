"""`driftwarden rollout`: start, watch, pause, advance and revert rollouts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    ModelOption,
    find_model,
    model_named,
    open_database,
    read_configuration,
)
from monitor.cli.shared.output import print_json
from monitor.cli.shared.taints import AcceptTaintOption
from monitor.cli.shared.weights import WAIT_SECONDS, WaitOption, send_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from monitor.settings import Configuration

app = typer.Typer(
    no_args_is_help=True,
    help="Start, watch, pause, advance and revert rollouts.",
)

ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, for the history.", show_default=False)
]
UserOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="User who acts: a lead or an admin. Default: the account of the operating system.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

#: Exit status of `watch` for a rollout that was reverted.
REVERTED = 3


@app.command()
def start(
    version: Annotated[int, typer.Argument(help="Number of the version.", show_default=False)],
    *,
    model: ModelOption = None,
    reason: ReasonOption = "",
    name: UserOption = None,
    accept_taint: AcceptTaintOption = "",
    wait: WaitOption = WAIT_SECONDS,
    config: ConfigOption = None,
) -> None:
    """Start the rollout of a version that passed the gates, at the first stage.

    A version that learned from an erased end user is not rolled out without a reason.

    Exit status 75: the rollout has started, but the gateway has not confirmed the weights yet.
    """
    from monitor.store.training.candidate_evaluations import weaker_rules_of
    from monitor.store.training.registry import version_by_id, version_by_number
    from retrain.rollout.measurement.start_forecast import forecast_start
    from retrain.rollout.transitions.start import start_rollout
    from retrain.rollout.wording.forecast import describe_forecast

    def begin(connection: "Connection", of_model: str, settings: Any, **values: Any) -> Any:
        row = version_by_number(connection, of_model, version)
        return start_rollout(connection, row.id, settings, accept_taint=accept_taint, **values)

    def forecast(connection: "Connection", rollout: Any, settings: Any) -> tuple[str, ...]:
        row = version_by_number(connection, rollout.model, version)
        serving = version_by_id(connection, rollout.stable_version_id)
        begun = rollout.started_at
        weaker = (f"its evaluation {entry}" for entry in weaker_rules_of(connection, row.id))
        expected = describe_forecast(forecast_start(connection, row, serving, settings, begun))
        return (*expected, *weaker)

    change(config, model, name, begin, wait, reason=reason, describe=forecast)


@app.command()
def pause(
    reason: ReasonOption,
    model: ModelOption = None,
    name: UserOption = None,
    config: ConfigOption = None,
) -> None:
    """Keep a rollout at its stage; a failed check still reverts it."""
    from retrain.rollout.transitions import stages

    change(config, model, name, _of_open(stages.pause), None, reason=reason)


@app.command()
def resume(
    model: ModelOption = None,
    reason: ReasonOption = "",
    name: UserOption = None,
    config: ConfigOption = None,
) -> None:
    """Let a paused rollout go on."""
    from retrain.rollout.transitions import stages

    change(config, model, name, _of_open(stages.resume), None, reason=reason)


@app.command()
def advance(
    *,
    reason: ReasonOption,
    to: Annotated[
        int | None,
        typer.Option(
            "--to", help="A later stage, in percent; it skips those between.", show_default=False
        ),
    ] = None,
    model: ModelOption = None,
    name: UserOption = None,
    wait: WaitOption = WAIT_SECONDS,
    config: ConfigOption = None,
) -> None:
    """Move a rollout to its next stage before its checks are shown; the last one completes it.

    Exit status 75: the stage has begun, but the gateway has not confirmed the weights yet.
    """
    from functools import partial

    from retrain.rollout.transitions import stages

    move = _of_open(partial(stages.advance, to_percent=to))
    change(config, model, name, move, wait, reason=reason)


@app.command()
def revert(
    *,
    reason: ReasonOption,
    model: ModelOption = None,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Act on the gateway from here, also without the database and the daemon.",
        ),
    ] = False,
    stable: Annotated[
        int | None,
        typer.Option(
            "--stable",
            help="With --now: the version that gets all traffic, where the gateway doesn't know.",
            show_default=False,
        ),
    ] = None,
    name: UserOption = None,
    wait: WaitOption = WAIT_SECONDS,
    config: ConfigOption = None,
) -> None:
    """Send all traffic to the stable version; the canary is a candidate again.

    Exit status 75: the gateway has not confirmed that the canary has no traffic. With --now the
    command also works while the database is unavailable: it sets the gateway alone, and leaves an
    entry in rollout.journal that the daemon reconciles.
    """
    from retrain.rollout.transitions.revert import revert_rollout

    if now:
        _revert_now(config, model, reason, name, stable)
        return
    change(config, model, name, _of_open(revert_rollout), wait, reason=reason)


@app.command()
def status(
    model: ModelFilter = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show stage, weights, newest look and checks of each model's rollout.

    Gateway and rollout.journal are read, too.
    """
    from monitor.store.engine import transaction
    from retrain.rollout.commands.text import status_lines, status_reader

    configuration = read_configuration(config)
    engine = open_database(configuration)
    with transaction(engine) as connection:
        models = _models(connection, configuration, model)
    read = status_reader(engine, configuration)
    statuses = [read(of_model) for of_model in models]
    if as_json:
        print_json([of_model.as_json() for of_model in statuses])
        return
    if not statuses:
        typer.echo("no rollout yet")
    for of_model in statuses:
        for line in status_lines(of_model):
            typer.echo(line)


@app.command()
def watch(
    model: ModelOption = None,
    seconds: Annotated[
        float, typer.Option("--interval", min=0.1, help="Time between two readings, in seconds.")
    ] = 5.0,
    config: ConfigOption = None,
) -> None:
    """Print a model's rollout whenever it changes, until it ends.

    Exit status 3: it was reverted.
    """
    import time

    from monitor.errors import DatabaseUnavailableError
    from monitor.store.engine import transaction
    from retrain.rollout.commands.text import status_lines, status_reader

    configuration = read_configuration(config)
    engine = open_database(configuration)
    with transaction(engine) as connection:
        name = model_named(connection, configuration, model)
    read = status_reader(engine, configuration)
    before: dict[str, Any] | None = None
    while True:
        try:
            state = read(name)
        except DatabaseUnavailableError as error:
            typer.echo(f"{error}; reading again", err=True)
            time.sleep(seconds)
            continue
        document = state.as_json()
        if document != before:
            typer.echo("\n".join(status_lines(state)))
            before = document
        rollout = None if state.situation is None else state.situation.rollout
        if rollout is None or not rollout.is_open:
            reverted = rollout is not None and rollout.status == "reverted"
            raise typer.Exit(REVERTED if reverted else 0)
        time.sleep(seconds)


@app.command()
def history(
    model: ModelFilter = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Show the rollouts with each step: when, by whom, and why."""
    import msgspec

    from monitor.store.engine import transaction
    from retrain.rollout.commands.text import event_lines
    from retrain.rollout.rows.events import list_events
    from retrain.rollout.rows.rollouts import list_rollouts

    configuration = read_configuration(config)
    with transaction(open_database(configuration)) as connection:
        name = None if model is None else find_model(connection, configuration, model)
        rows = [(row, list_events(connection, row.id)) for row in list_rollouts(connection, name)]
    if as_json:
        print_json([msgspec.to_builtins(row) | {"events": events} for row, events in rows])
        return
    if not rows:
        typer.echo("no rollout yet")
    for row, events in rows:
        for line in event_lines(row, events):
            typer.echo(line)


def change(
    config: "Path | None",
    model: str | None,
    user: str | None,
    step: "Callable[..., Any]",
    wait_seconds: float | None,
    *,
    reason: str,
    describe: "Callable[..., tuple[str, ...]] | None" = None,
) -> None:
    """Change a rollout in one transaction, send its weights, and print what it is now.

    ``step`` is called with the transaction, the model, the settings, and time, user and reason.
    ``describe`` returns lines on the change, from a snapshot: they may take seconds, in which
    ingest must be able to write. Without ``wait_seconds`` the weights stay. A step that is refused
    because the canary's files changed reverts it.
    """
    from contextlib import suppress
    from datetime import UTC, datetime

    from monitor.errors import DriftwardenError
    from monitor.store.engine import snapshot, transaction
    from retrain.rollout.emergency.changed_weights import verifying_refused

    configuration = read_configuration(config)
    engine: Engine = open_database(configuration)
    with transaction(engine) as connection:
        name = model_named(connection, configuration, model)
    settings, now = configuration.settings_of(name), datetime.now(UTC)

    def send() -> None:
        with suppress(DriftwardenError):  # the daemon sends them, too
            send_weights(engine, configuration, name, wait_seconds=0)

    with verifying_refused(engine, name, now, send), transaction(engine) as connection:
        rollout = step(
            connection,
            name,
            settings,
            now=now,
            by=_actor(connection, name, user),
            reason=reason,
        )
    typer.echo(
        f"{name}: {rollout.kind} {rollout.id} of version {rollout.version} is {rollout.status} at "
        f"{rollout.weight_percent}%"
    )
    if describe is not None:
        with snapshot(engine) as connection:
            for line in describe(connection, rollout, settings):
                typer.echo(f"{name}: {line}")
    if wait_seconds is not None:
        typer.echo(f"{name}: {send_weights(engine, configuration, name, wait_seconds)}")


def _of_open(step: "Callable[..., Any]") -> "Callable[..., Any]":
    """Return a step of the open rollout of a model."""
    from retrain.rollout.transitions.open_rollout import require_open_rollout

    def of_model(connection: "Connection", model: str, _: Any, **values: Any) -> Any:
        return step(connection, require_open_rollout(connection, model).id, **values)

    return of_model


def _revert_now(
    config: "Path | None", model: str | None, reason: str, user: str | None, stable: int | None
) -> None:
    """Revert with what is available, and say what was not."""
    from datetime import UTC, datetime
    from functools import partial
    from pathlib import Path

    from monitor.errors import TransientError
    from monitor.settings import load_secrets
    from monitor.store.engine import make_engine
    from retrain.rollout.emergency.revert_now import revert_now
    from retrain.rollout.gateways.factory import create_gateway
    from retrain.rollout.transitions.open_rollout import require_reason

    configuration = read_configuration(config)
    if model is None:
        name = configuration.only().model.name
    else:
        name = configuration.names.find(model, configuration.names.listed) or model
    done = revert_now(
        partial(open_database, configuration),
        create_gateway(configuration, load_secrets(), make_engine(configuration.database.url)),
        name,
        datetime.now(UTC),
        by=user or account_name(),
        reason=require_reason(reason),
        journal=Path(configuration.rollout.journal),
        stable=stable,
    )
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if done.journal is not None:
        typer.echo(f"{name}: {done.journal} tells the daemon")
    if not done.confirmed:
        state = "reverted in the database" if done.by_rows else "not reverted yet"
        raise TransientError(
            f"{name}: {state}, but the gateway has not confirmed it: {done.detail}",
            code="not_confirmed",
        )
    typer.echo(f"{name}: {done.detail}")


def _actor(connection: "Connection", model: str, user: str | None) -> str:
    """Return who acts: a lead of the model, or the account of the operating system."""
    from monitor.cli.shared.users import require_user
    from monitor.errors import WorkflowError

    if user is None:
        return account_name()
    if not require_user(connection, user).is_lead_of(model):
        raise WorkflowError(
            f"{user} is no lead of the model {model}: a lead or an admin changes rollouts",
            code="no_lead",
        )
    return user


def _models(connection: "Connection", settings: "Configuration", model: str | None) -> "list[str]":
    """Return the named model, or all with a rollout or weights."""
    from retrain.rollout.rows.rollouts import list_rollouts
    from retrain.rollout.rows.weights import newest_of_each_model

    if model is not None:
        return [find_model(connection, settings, model)]
    known = {row.model for row in newest_of_each_model(connection)}
    return sorted(known | {row.model for row in list_rollouts(connection)})
