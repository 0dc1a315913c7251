"""`driftwarden retrain list|show|start|resume|evaluate|approve|cancel|logs`: training runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import account_name, record_read
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    open_database,
    read_configuration,
    settings_of_run,
)
from monitor.cli.shared.output import print_json
from monitor.cli.shared.taints import AcceptTaintOption

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.settings import Settings
    from retrain.jobs.launcher import Launcher

RunArgument = Annotated[int, typer.Argument(help="Number of the run (`retrain list`).")]


def list_runs(model: ModelFilter = None, config: ConfigOption = None) -> None:
    """List the training runs, the newest first."""
    from monitor.store.training.runs import list_runs as stored_runs

    with database_transaction(read_configuration(config)) as connection:
        runs = [run for run in stored_runs(connection) if model in (None, run.model)]
    if not runs:
        typer.echo("no training runs yet; `driftwarden retrain plan GOLD` plans one")
    for run in runs:
        decision = f"decision {run.decision_id}" if run.decision_id else "by hand"
        typer.echo(
            f"{run.id:5d}  {run.status:10s} {run.model:20s} {run.recipe['method'] or '':6s} "
            f"{run.created_at:%Y-%m-%d %H:%M}  {decision}"
        )


def show(run: RunArgument, config: ConfigOption = None) -> None:
    """Show a run: its status, recipe, progress and result."""
    from monitor.store.engine import transaction
    from retrain.training.runs import poll_run

    engine, settings, launcher = _open_run(config, run)
    state = poll_run(
        engine, run, launcher, datetime.now(UTC), resumptions=settings.retrain.max_resumptions
    )
    with transaction(engine) as connection:  # an error may quote
        record_read(connection, "retrain show", "run", run, model=state.run.model)
    again = f", resumed {state.run.resumptions} times" if state.run.resumptions else ""
    typer.echo(f"run {run}: {state.run.status}, model {state.run.model}{again}")
    typer.echo(f"folder: {state.run.work_dir}")
    refusal = (state.run.plan or {}).get("refusal")
    if refusal:
        typer.echo(f"can't be planned: {refusal}")
    for name, value in state.run.recipe.items():
        is_text = name == "chat_template" and value
        typer.echo(f"  {name} = {f'{len(value):,} characters' if is_text else repr(value)}")
    if "loss" in state.progress:
        typer.echo(
            f"step {state.progress['step']} of {state.progress['steps']}, loss "
            f"{state.progress['loss']:.4f}, {state.progress['tokens_per_second']:.0f} tokens/s, "
            f"{state.progress['seconds_left']:.0f} s left"
        )
    for step, loss in (state.run.progress or {}).get("validation", ()):
        typer.echo(f"validation after step {step:.0f}: loss {loss:.4f}")
    best = (state.run.result or {}).get("best_checkpoint")
    if best:
        typer.echo(f"best checkpoint: step {best['step']}, validation loss {best['loss']:.4f}")
    memory = (state.run.result or {}).get("memory")
    if memory:
        typer.echo(
            f"memory: {memory['measured_gib']:.2f} GiB peak, "
            f"{memory['estimated_gib']['total']:.2f} GiB estimated"
        )
    if state.pending_reason:
        typer.echo(f"waiting: {state.pending_reason}")
    if state.run.error:
        typer.echo(f"error: {state.run.error}")
    if state.run.termination_error is not None:
        typer.echo(f"cancelled, but its process is still running: {state.run.termination_error}")
    if state.version_id is not None:
        typer.echo("registered as a version: `driftwarden models list`")


def start(
    run: RunArgument,
    config: ConfigOption = None,
    wait: Annotated[bool, typer.Option(help="Wait for the end and show the progress.")] = True,
) -> None:
    """Start a planned run. Ctrl+C leaves it running; the daemon then stores its result."""
    from monitor.store.audit_log import append_entry
    from monitor.store.engine import transaction
    from monitor.store.training.runs import run_by_id
    from retrain.training.runs import start_run

    engine, settings, launcher = _open_run(config, run)
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        is_planned = run_by_id(connection, run).status == "planned"  # else it is only watched
    start_run(engine, run, launcher, now)
    if is_planned:
        by, subject = account_name(), f"training_runs/{run}"
        with transaction(engine) as connection:
            append_entry(connection, now, by, "run.start_requested", subject)
    if not wait:
        typer.echo(f"run {run} started; `driftwarden retrain show {run}` shows its progress")
        return
    _watch(engine, settings, run, launcher)


def resume(
    run: RunArgument,
    config: ConfigOption = None,
    wait: Annotated[bool, typer.Option(help="Wait for the end and show the progress.")] = True,
    accept_taint: AcceptTaintOption = "",
) -> None:
    """Resume a failed or cancelled run from its last checkpoint.

    On a CPU the adapter is the one that an uninterrupted run would have had. A run that learned
    from an end user who was erased since is not resumed without a reason; its version names the
    taint.
    """
    from retrain.training.resumption import reopen
    from retrain.training.runs import start_run

    engine, settings, launcher = _open_run(config, run)
    now = datetime.now(UTC)
    step = reopen(engine, run, launcher, now, resumed_by=account_name(), accept_taint=accept_taint)
    start_run(engine, run, launcher, now)
    typer.echo(f"run {run} resumes from step {step}" if step else f"run {run} restarts from step 0")
    if wait:
        _watch(engine, settings, run, launcher)


def _open_run(config: Path | None, run: int) -> "tuple[Engine, Settings, Launcher]":
    """Return the database, the settings of a run's model, and the run's launcher."""
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from monitor.store.training.runs import run_by_id
    from retrain.jobs.factory import create_launcher

    configuration = read_configuration(config)
    engine = open_database(configuration)
    with transaction(engine) as connection:
        row = run_by_id(connection, run)
    settings = configuration.settings_of(row.model)
    return engine, settings, create_launcher(row.launcher, settings.retrain, load_secrets())


def _watch(engine: "Engine", settings: "Settings", run: int, launcher: "Launcher") -> None:
    """Show a run's progress until it ends."""
    import time

    from monitor.cli.retrain.progress import shown_progress
    from monitor.errors import TrainingError
    from retrain.training.runs import poll_run

    resumptions = settings.retrain.max_resumptions
    n_resumed = None
    with shown_progress("loading the model") as show:
        while True:
            state = poll_run(engine, run, launcher, datetime.now(UTC), resumptions=resumptions)
            if state.run.status != "running":
                break
            if n_resumed is not None and state.run.resumptions > n_resumed:
                show(
                    f"its process had died: resumed {state.run.resumptions} of {resumptions} times"
                )
            n_resumed = state.run.resumptions
            if state.pending_reason:
                show(f"waiting: {state.pending_reason}")
            elif "loss" in state.progress:
                show(
                    f"loss {state.progress['loss']:.3f}, "
                    f"{state.progress['tokens_per_second']:.0f} tokens/s, "
                    f"{state.progress['seconds_left']:.0f} s left",
                    state.progress["step"],
                    state.progress["steps"],
                )
            time.sleep(0.5)
    if state.run.status != "succeeded":
        raise TrainingError(f"run {run} {state.run.status}: {state.run.error}")
    typer.echo(f"run {run} succeeded; its adapter: {(state.run.result or {})['adapter']}")


def evaluate(
    run: RunArgument,
    config: ConfigOption = None,
    *,
    evaluation: Annotated[
        Path | None, typer.Option(help="Evaluation file. Default: retrain.evaluation.")
    ] = None,
    reason: Annotated[
        str,
        typer.Option(help="Why a version is evaluated again; recorded. A rejected one needs it."),
    ] = "",
    weaker_because: Annotated[
        str,
        typer.Option(
            help="Why it may ask for less than the model's last evaluation; recorded, and shown "
            "at the promotion."
        ),
    ] = "",
    move_items: Annotated[
        str,
        typer.Option(
            metavar="WHY",
            help="Why items have another split or stratum than there; recorded, too.",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel the running evaluation instead.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only check the file and score trivial systems."),
    ] = False,
) -> None:
    """Evaluate the candidate of a run against the production version and the base model.

    Runs in a separate process: Ctrl+C leaves it running, and the daemon then stores its result. All
    responses are stored in the run's folder. File and settings ask for no less than the model's
    last evaluation, or --weaker-because says why. A rejected version needs --reason.

    Exit status 0: promote; 3: reject; 4: undecided, or awaiting human evaluation.
    """
    from monitor.cli.retrain.evaluation import (
        EXIT_STATUS,
        cancel_evaluation_of_run,
        dry_run_lines,
        evaluate_run,
    )
    from monitor.errors import InputError
    from monitor.settings import load_secrets
    from retrain.evaluation.report import report_lines

    configuration = read_configuration(config)
    engine = open_database(configuration)
    settings = settings_of_run(configuration, engine, run)
    if cancel:
        cancelled = cancel_evaluation_of_run(engine, settings, load_secrets(), run)
        typer.echo(f"evaluation {cancelled} cancelled")
        return
    path = evaluation or (
        Path(settings.retrain.evaluation) if settings.retrain.evaluation else None
    )
    if path is None:
        raise InputError("no evaluation file; give --evaluation FILE or set retrain.evaluation")
    if dry_run:
        for line in dry_run_lines(settings, load_secrets(), path):
            typer.echo(line)
        return
    row = evaluate_run(
        engine,
        settings,
        load_secrets(),
        run,
        path,
        reason=reason,
        weaker_because=weaker_because,
        move_because=move_items,
    )
    if as_json:
        print_json(row.results)
    elif row.results is not None:
        for line in report_lines(row.results):
            typer.echo(line)
    if row.status == "awaiting_ratings":
        typer.echo("awaiting human evaluation; the gate result is final once it is locked")
    raise typer.Exit(EXIT_STATUS[row.gate_result or "undecided"])


def approve(
    run: RunArgument,
    reason: Annotated[str, typer.Option(help="Reason, at least a sentence.")],
    config: ConfigOption = None,
) -> None:
    """Approve an undecided candidate, so that it may be rolled out.

    With retrain.approval = "two", another account must have trained and evaluated it.
    """
    from monitor.cli.retrain.evaluation import last_evaluation_of_run
    from monitor.store.engine import transaction
    from retrain.evaluation.gate_result import approve as approve_evaluation

    configuration = read_configuration(config)
    engine = open_database(configuration)
    settings = settings_of_run(configuration, engine, run)
    row = last_evaluation_of_run(engine, run)
    with transaction(engine) as connection:
        approve_evaluation(
            connection,
            row.id,
            by=account_name(),
            reason=reason,
            now=datetime.now(UTC),
            approval=settings.retrain.approval,
        )
    typer.echo(f"{row.model} version {row.version} may be rolled out")


def cancel(run: RunArgument, config: ConfigOption = None) -> None:
    """Cancel a run and end its process; `retrain resume` resumes it.

    Exit status 75: the run is cancelled, but its process is still running. The daemon tries again
    to end it, and so does this command.
    """
    from monitor.cli.retrain.evaluation import child_still_running
    from retrain.training.cancellation import cancel_run

    engine, _, launcher = _open_run(config, run)
    now = datetime.now(UTC)
    why = cancel_run(engine, run, launcher, now, cancelled_by=account_name())
    if why is not None:
        raise child_still_running(f"run {run}", why)
    typer.echo(f"run {run} cancelled")


def logs(
    run: RunArgument,
    config: ConfigOption = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Number of lines.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new lines until the process ends.")
    ] = False,
    evaluation: Annotated[
        bool,
        typer.Option("--evaluation", help="Log of the run's last candidate evaluation instead."),
    ] = False,
) -> None:
    """Print the log of a run's process."""
    from monitor.cli.retrain.logs import log_lines
    from monitor.store.engine import transaction

    configuration = read_configuration(config)
    engine = open_database(configuration)
    settings = settings_of_run(configuration, engine, run)
    with transaction(engine) as connection:
        record_read(connection, "retrain logs", "run", run, model=settings.model.name)
    for line in log_lines(engine, settings, run, lines, follow=follow, evaluation=evaluation):
        typer.echo(line)


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_runs,
    "show": show,
    "start": start,
    "resume": resume,
    "evaluate": evaluate,
    "approve": approve,
    "cancel": cancel,
    "logs": logs,
}
