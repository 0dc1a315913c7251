"""`driftwarden taxonomy`: the task taxonomy, from which the guidelines are built."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelOption,
    database_transaction,
    read_settings,
    transaction_of_model,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Check, show, publish or create the task taxonomy.",
)

PathArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A Markdown file, or a folder of them. Default: review.taxonomy.", show_default=False
    ),
]


@app.command()
def check(
    path: PathArgument = None, model: ModelOption = None, config: ConfigOption = None
) -> None:
    """Check a taxonomy, and list every problem with its line.

    Task types of the stored traffic without an entry are noted; they are no error. Exit status 0:
    no problem; 78: there are problems.
    """
    from monitor.errors import DriftwardenError
    from monitor.review.guidelines import missing_task_types, read_taxonomy
    from monitor.store.review.taxonomies import task_types_seen

    settings = read_settings(config, model)
    place = _place(path, settings.review.taxonomy)
    taxonomy, problems = read_taxonomy(place)
    for problem in problems:
        typer.echo(str(problem))
    try:
        with database_transaction(settings) as connection:
            seen = task_types_seen(connection, settings.model.name)
    except DriftwardenError as error:
        typer.echo(f"note: the traffic's task types were not checked: {error}", err=True)
    else:
        if missing := missing_task_types(taxonomy, seen):
            typer.echo(f"note: {missing}", err=True)
    if problems:
        n = len(problems)
        typer.echo(f"{place}: {n} problem{'s' if n > 1 else ''}", err=True)
        raise typer.Exit(78)
    n = len(taxonomy.task_types)
    typer.echo(f"{place}: {n} task type{'s' if n > 1 else ''}, version {taxonomy.version}")


@app.command()
def show(
    path: PathArgument = None,
    version: Annotated[
        str,
        typer.Option(
            help="Stored version of the taxonomy, or the beginning of its id.",
            show_default=False,
        ),
    ] = "",
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a taxonomy as one Markdown file: the configured one, or a stored version."""
    from monitor.errors import InputError
    from monitor.review.guidelines import load_taxonomy
    from monitor.review.guidelines.versions import taxonomy_by_version
    from monitor.review.guidelines.writer import as_markdown
    from monitor.store.review.taxonomies import versions_with_prefix

    settings = read_settings(config, model)
    if not version:
        typer.echo(as_markdown(load_taxonomy(_place(path, settings.review.taxonomy))), nl=False)
        return
    with database_transaction(settings) as connection:
        matches = versions_with_prefix(connection, version)
        stored = taxonomy_by_version(connection, matches[0]) if len(matches) == 1 else None
    if stored is None:
        problem = "several versions begin with it" if matches else "no version begins with it"
        raise InputError(f"--version {version}: {problem}", code="unknown_version")
    typer.echo(as_markdown(stored), nl=False)


@app.command()
def publish(
    path: Annotated[
        Path, typer.Argument(help="A Markdown file, or a folder of them.", show_default=False)
    ],
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish a taxonomy as the version in force; print what changes.

    It stays in force until review.taxonomy changes, or somebody publishes again. Exit status 78:
    the taxonomy has problems, and nothing is published.
    """
    from datetime import UTC, datetime

    from monitor.cli.shared.access import account_name
    from monitor.review.guidelines import load_taxonomy
    from monitor.review.guidelines.changes import changes_of_task_types
    from monitor.review.guidelines.versions import publish_taxonomy, taxonomy_in_force, text_of

    with transaction_of_model(config, model) as (connection, settings):
        taxonomy = load_taxonomy(path)
        text = text_of(path, taxonomy)
        name = settings.model.name
        before = taxonomy_in_force(connection, settings.review, name)
        now = datetime.now(UTC)
        changes = changes_of_task_types(connection, name, before.taxonomy, taxonomy, now)
        number = publish_taxonomy(
            connection,
            settings.review,
            name,
            taxonomy,
            text,
            source="shell",
            by=account_name(),
            now=now,
        )
    for change in changes:
        typer.echo(
            f"{change.change}: {change.name}, {change.n_open} open items, "
            f"{change.n_moving} of them not begun and under this version now"
        )
    typer.echo(f"{name}: version {number} is in force ({taxonomy.version[:12]})")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("taxonomy.md"),
) -> None:
    """Create a taxonomy from a commented template; never overwrites a file."""
    from importlib.resources import files

    from monitor.errors import InputError

    starter = files("monitor.review.guidelines").joinpath("starter.md").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter)
    except FileExistsError:
        raise InputError(f"file exists: {path}; name another file", code="file_exists") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    typer.echo(
        f'{path}: written; edit it, then set review.taxonomy = "{path}" in config.toml\n'
        f"check it: driftwarden taxonomy check {path}"
    )


def _place(path: Path | None, configured: str) -> Path:
    from monitor.errors import ConfigurationError

    if path is not None:
        return path
    if not configured:
        raise ConfigurationError(
            "review.taxonomy is empty; name a file, or create one: `driftwarden taxonomy init`"
        )
    return Path(configured)
