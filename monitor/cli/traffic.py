"""`driftwarden replay` and `driftwarden baseline`: traffic and baselines from files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelOption,
    open_database,
    read_configuration,
    read_settings,
)
from monitor.cli.shared.inputs import INPUT_FILES
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.settings import Configuration
    from monitor.traffic.baseline_import import ImportedBaseline

baseline_app = typer.Typer(no_args_is_help=True, help="Import baselines of a model.")

#: Problems of lines that are shown; the rest is counted.
PROBLEMS_SHOWN = 20


def replay(
    file: Annotated[
        Path | None,
        typer.Argument(help=f"Exchanges: {INPUT_FILES}.", show_default=False),
    ] = None,
    dead_letters: Annotated[
        bool,
        typer.Option(
            "--dead-letters", help="Process the stored dead letters again instead of a file."
        ),
    ] = False,
    sample_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            max=1.0,
            help="Share of the lines or rows to sample. Default: monitoring.sample_rate.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Ingest a file as if it came from Kafka.

    The lines, rows or elements are sampled, decoded, redacted, embedded and stored. A file is
    identified by its content: an interrupted replay resumes, and a repeated one adds nothing. It is
    read to its end first: nothing is stored of a file that is cut or damaged.
    """
    if (file is None) is not dead_letters:
        raise typer.BadParameter("FILE and --dead-letters: give one of them")
    settings = read_configuration(config)
    if sample_rate is not None:
        monitoring = settings.monitoring.model_copy(update={"sample_rate": sample_rate})
        settings = settings.model_copy(update={"monitoring": monitoring})
    engine = open_database(settings)
    if file is None:
        _replay_dead_letters(engine, settings)
    else:
        _replay_file(engine, settings, file)


def _replay_file(engine: "Engine", settings: "Configuration", file: Path) -> None:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from monitor.embedding.cached_encoder import open_encoder
    from monitor.input_files import open_source
    from monitor.traffic.file_replay import replay_file

    source = open_source(file)
    unit = source.unit
    columns = (SpinnerColumn(), TextColumn(f"{{task.completed}} {unit}s"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replay", total=None)
        source.check()  # refuses a bad file before the encoder is loaded
        done = replay_file(
            engine,
            settings,
            open_encoder(settings.embedding),
            source,
            progress=lambda n_lines: progress.advance(task, n_lines),
        )
    if done.n_skipped:
        typer.echo(f"{pluralize(done.n_skipped, unit)} replayed earlier, skipped")
    typer.echo(
        f"{pluralize(done.n_lines, unit)} read, {done.n_sampled} sampled "
        f"(rate {settings.monitoring.sample_rate:g}), "
        f"{pluralize(done.n_exchanges, 'exchange')} stored, "
        f"{pluralize(done.n_dead_letters, 'dead letter')}"
    )
    _print_feedback(done.n_feedback)
    if done.n_withheld:
        typer.echo(
            f"{pluralize(done.n_withheld, 'exchange')} with withheld texts: counted, not stored"
        )
    _print_suppressed(done.n_suppressed)
    _print_unlisted(done.n_unlisted, settings)


def _print_feedback(n: int) -> None:
    if n:
        typer.echo(f"{pluralize(n, 'value')} of feedback stored")


def _print_suppressed(n: int) -> None:
    if n:
        typer.echo(
            f"{pluralize(n, 'exchange')} of end users on the suppression list: counted, not stored"
        )


def _print_unlisted(n: int, settings: "Configuration") -> None:
    if n:
        typer.echo(
            f"{pluralize(n, 'exchange')} of other models than {', '.join(settings.models)}: "
            "counted, not stored; `driftwarden check` names them. List them under [models], or set "
            "monitoring.unlisted_models"
        )


def _replay_dead_letters(engine: "Engine", settings: "Configuration") -> None:
    from monitor.embedding.cached_encoder import open_encoder
    from monitor.store.engine import transaction
    from monitor.store.traffic.dead_letters import count_by_reason
    from monitor.traffic.dead_letter_replay import replay_dead_letters

    with transaction(engine) as connection:
        waiting = sum(count_by_reason(connection).values())
    if not waiting:
        typer.echo("no dead letters")
        return
    done = replay_dead_letters(engine, settings, open_encoder(settings.embedding))
    typer.echo(
        f"{pluralize(waiting, 'dead letter')} processed, "
        f"{pluralize(done.n_exchanges, 'exchange')} stored"
    )
    _print_feedback(done.n_feedback)
    if done.n_waiting:
        typer.echo(f"{done.n_waiting} requests or responses wait for their other half")
    _print_suppressed(done.n_suppressed)
    _print_unlisted(done.n_unlisted, settings)
    for reason, count in sorted(done.still_unreadable.items()):
        typer.echo(f"{count} still fail: {reason}")


@baseline_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help=f"Exchanges: {INPUT_FILES}.")],
    model: ModelOption = None,
    model_version: Annotated[
        str,
        typer.Option(
            "--model-version",
            help="Version of the model that gave the responses, as the traffic (the model's "
            "version_field) or the registry names it. Responses of that version are then compared "
            "with this baseline.",
            show_default=False,
        ),
    ] = "",
    allow_same_prompt: Annotated[
        bool,
        typer.Option(
            "--allow-same-prompt",
            help="Accept a file most of whose prompts are one text. Set "
            "drift.max_same_prompt_share for its windows too.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Import the exchanges that windows of a model are compared with.

    Exchanges of other models are skipped.

    Take them from the time after the model's launch, when its responses were known to be good. A
    baseline is named by the digest of its content and never changes; the newest one counts, of a
    version that has its own the newest of that version.
    """
    from functools import partial

    from monitor.embedding.cached_encoder import open_encoder
    from monitor.rendering.excerpts import clean_version_name
    from monitor.traffic.baseline_import import import_baseline
    from monitor.traffic.end_users.rules import open_rules
    from monitor.traffic.redaction import build_redactor

    settings = read_settings(config, model)
    engine = open_database(settings)
    imported = import_baseline(
        engine,
        settings.traffic,
        partial(open_encoder, settings.embedding),
        file,
        names=settings.names,
        model_version=clean_version_name(model_version),
        redactor=build_redactor(settings.redaction),
        rules=open_rules(engine, settings, adopts_key=False),
        now=datetime.now(UTC),
        max_same_prompt_share=1.0 if allow_same_prompt else settings.drift.max_same_prompt_share,
    )
    _show(imported, settings.model.name)


def _show(imported: "ImportedBaseline", own: str) -> None:
    from monitor.settings.models.names import twins_in_case
    from monitor.traffic.files.bad_lines import summarize_bad_lines

    for problem in summarize_bad_lines(imported.bad_lines, PROBLEMS_SHOWN):
        typer.echo(problem, err=True)
    state = "imported" if imported.is_new else "was imported earlier"
    typer.echo(
        f"baseline {imported.baseline_id} {state}: "
        f"{pluralize(imported.n_exchanges, 'exchange')}, "
        f"{pluralize(len(imported.bad_lines), 'bad line')}, "
        f"{sum(imported.other_models.values())} of other models"
    )
    _print_suppressed(imported.n_suppressed)
    for name, model in twins_in_case(imported.other_models, [own]):
        typer.echo(
            f"{imported.other_models[name]} of them are of {name!r}, which differs from {model!r} "
            "in upper and lower case only; if they are one model, add it to its aliases"
        )
    typer.echo(f"digest {imported.digest}")
