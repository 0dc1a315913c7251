"""`driftwarden evaluate`: drift evaluation of a window of stored traffic."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import account_name, record_read
from monitor.cli.shared.context import ConfigOption, ModelOption, open_database, read_settings
from monitor.cli.shared.output import ProgressBars, exit_status, show

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.store.windows.drift_evaluations import DriftEvaluationRow
    from monitor.windows.schedule import Cadence

#: A result is replaced only while this share of its exchanges is still stored.
MIN_LEFT = 0.95


def evaluate(
    *,
    model: ModelOption = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="First instant of the window, UTC. Default: the last whole week (or day) of "
            "monitoring.drift_detection.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="First instant after the window, UTC. Default: one week (or day) after --from.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Evaluate again, such as after a baseline import, or what arrived late. The first "
            "result counts no longer.",
        ),
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Evaluate again although exchanges are still arriving."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the assessment as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Evaluate a window of stored traffic.

    Does what the daemon does when a window has ended, and stores the assessment; a running daemon
    then opens the incident and fills the review queue. A window that was evaluated earlier is
    shown, not evaluated again. Nothing is stored for a model without traffic and baseline.

    Exit status: 0 no drift, 3 drift, 4 not enough data, 2 an option can't be used or nothing is
    stored, 75 another process is evaluating the window, or its exchanges are still arriving, 1 the
    evaluation failed.
    """
    from monitor.rendering.late_exchanges import describe_changes, describe_late
    from monitor.store.engine import transaction
    from monitor.store.windows.drift_evaluations import drift_evaluation_of_window
    from monitor.windows.evaluation import evaluate_window, monitoring_start

    settings = read_settings(config, model)
    now = datetime.now(UTC)
    begins, ends = _window(start, end, settings.monitoring.drift_detection, now)
    engine = open_database(settings)
    with transaction(engine) as connection:
        stored = drift_evaluation_of_window(connection, settings.model.name, begins, ends)
        if stored is None and monitoring_start(connection, settings.model.name) is None:
            # Stored, a window without traffic would appear in the digest.
            typer.echo(_nothing_stored(connection, settings.model.name, (begins, ends)), err=True)
            raise typer.Exit(2)
        if again and stored is not None and stored.assessment is not None:
            _check_again(connection, stored, settings.kafka.topic, anyway=anyway)
    with ProgressBars() as progress:
        progress("Evaluating the window", 0, 1)
        evaluation_id = evaluate_window(
            engine, settings, begins, ends, now, again=again, by=account_name()
        )
    with transaction(engine) as connection:
        evaluation = drift_evaluation_of_window(connection, settings.model.name, begins, ends)
    if evaluation is not None and evaluation.status == "failed":
        typer.echo(
            f"The evaluation of this window failed at {evaluation.finished_at:%Y-%m-%d %H:%M} UTC: "
            f"{evaluation.error}. --again repeats it now, the daemon an hour after the failure.",
            err=True,
        )
        raise typer.Exit(1)
    # A repeated evaluation keeps the earlier assessment until it is done.
    if evaluation is None or evaluation.assessment is None or evaluation.status == "running":
        typer.echo("Another process is evaluating this window; repeat the command later.", err=True)
        raise typer.Exit(75)
    if evaluation_id is None:
        typer.echo(
            f"Evaluated at {evaluation.finished_at:%Y-%m-%d %H:%M} UTC; --again repeats it.",
            err=True,
        )
    with transaction(engine) as connection:
        name = settings.model.name
        record_read(connection, "evaluate", "drift_evaluation", evaluation.id, model=name)
        late_remark, changes = describe_late(connection, evaluation), describe_changes(evaluation)
    typer.echo(
        f"Evaluation {evaluation.id}: {settings.model.name}, {begins:%Y-%m-%d %H:%M} to "
        f"{ends:%Y-%m-%d %H:%M} UTC",
        err=True,
    )
    if late_remark:
        typer.echo(f"{late_remark} --again counts them.", err=True)
    if changes:
        typer.echo(changes, err=True)
    show(evaluation.assessment, as_json=as_json)
    raise typer.Exit(exit_status(evaluation.assessment))


def _check_again(
    connection: "Connection", stored: "DriftEvaluationRow", topic: str, *, anyway: bool
) -> None:
    """Refuse to replace a result by that of a part of its window; say what is to be expected."""
    from monitor.store.traffic.offsets import complete_until
    from monitor.store.windows.late_exchanges import late_exchanges, share_left

    left = share_left(connection, stored)
    if left is not None and left < MIN_LEFT:
        typer.echo(
            f"{1 - left:.0%} of the exchanges of evaluation {stored.id} are deleted: the rest says "
            "less than its result, which stays.",
            err=True,
        )
        raise typer.Exit(2)
    until = complete_until(connection, topic)
    if until is not None and until < stored.window_end and not anyway:
        typer.echo(
            "Exchanges of this window are still arriving: not all partitions have been read past "
            "its end. Repeat the command when ingest has caught up, or give --anyway.",
            err=True,
        )
        raise typer.Exit(75)
    late = late_exchanges(connection, stored)
    if late is not None and not late.n:
        typer.echo(
            "No exchange has arrived since the evaluation: with the same baseline and settings "
            "the result is the same.",
            err=True,
        )


def _window(
    start: datetime | None, end: datetime | None, cadence: "Cadence", now: datetime
) -> tuple[datetime, datetime]:
    """Return the window that the options name, by default the last whole one."""
    from monitor.windows.schedule import LENGTH, window_of

    length = LENGTH[cadence]
    begins, ends = window_of(now - length, cadence)
    if start is not None:
        begins = start.replace(tzinfo=UTC)
        ends = begins + length
    if end is not None:
        ends = end.replace(tzinfo=UTC)
        begins = begins if start is not None else ends - length
    if begins >= ends:
        raise typer.BadParameter(f"--from {begins:%Y-%m-%d} is not before --to {ends:%Y-%m-%d}")
    if ends > now:
        # Stored, it would count as done, and the whole window would never be evaluated.
        raise typer.BadParameter(
            f"the window ends in the future: {ends:%Y-%m-%d %H:%M} UTC; give an earlier --to to "
            "evaluate the traffic so far"
        )
    return begins, ends


def _nothing_stored(connection: "Connection", model: str, window: tuple[datetime, datetime]) -> str:
    from monitor.rendering.commands import import_command
    from monitor.rendering.excerpts import excerpt
    from monitor.store.traffic.exchanges import models_seen
    from monitor.store.traffic.unlisted import unlisted_models

    message = (
        f"Nothing to evaluate: {model} has no traffic and no baseline yet. Import a baseline with "
        f"`{import_command(model)}`; the daemon reads the traffic."
    )
    seen = [
        *models_seen(connection, *window, limit=5),
        *(unlisted.name for unlisted in unlisted_models(connection, *window, [])),
    ]
    names = ", ".join(f"`{excerpt(name, 40)}`" for name in seen[:5])
    return f"{message} The window has traffic of: {names}." if names else message
