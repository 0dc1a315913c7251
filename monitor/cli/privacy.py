"""`driftwarden retention` and `driftwarden forget`: personal data leaves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings

if TYPE_CHECKING:
    from monitor.privacy.forget import ErasureReport


def retention(config: ConfigOption = None) -> None:
    """Remove what is older than [retention] allows, and tend the vector blocks.

    The daemon does the same once a day. It takes small steps, so that nothing waits for it; one
    that is interrupted goes on where it was.
    """
    from datetime import UTC, datetime

    from monitor.privacy.retention import apply_retention

    settings = read_settings(config)
    removed = apply_retention(open_database(settings), settings.retention, datetime.now(UTC))
    for name, n in sorted(removed.items()):
        typer.echo(f"{name:20} {n:>10,}")
    if not removed:
        typer.echo("nothing is older than [retention] allows")


def forget(
    subject: Annotated[
        str,
        typer.Option(help="The person's id, as production sends it in `user`.", show_default=False),
    ] = "",
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="An exchange's id; may be given several times.", show_default=False),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="One more file of JSON lines to remove their rows from, such as a copy of an "
            "export; may be given several times.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove a person everywhere, count again what is left, and name what can't be undone.

    Exchanges and their vectors, what the experts made of them, scores and quotes in evaluations,
    reports and messages, dead letters, rows of exports and training sets. Exit status 1: something
    is left; run it again.
    """
    from datetime import UTC, datetime

    from monitor.privacy.end_user import ErasureRequest
    from monitor.privacy.forget import forget as remove

    if not subject and not exchange:
        raise typer.BadParameter("give --subject, --exchange or both")
    settings = read_settings(config)
    request = ErasureRequest(subject, tuple(exchange or ()))
    forgotten = remove(
        open_database(settings),
        settings,
        request,
        datetime.now(UTC),
        dry_run=dry_run,
        files=file or (),
    )
    _show(forgotten, dry_run=dry_run)
    if forgotten.n_left and not dry_run:
        raise typer.Exit(1)


def _show(forgotten: "ErasureReport", *, dry_run: bool) -> None:
    width = max(len(line.what) for line in forgotten.lines)
    typer.echo(f"{'':{width}}{'found':>9}" + ("" if dry_run else f"{'removed':>9}{'left':>9}"))
    for line in forgotten.lines:
        counts = f"{line.found:>9,}"
        if not dry_run:
            counts += f"{max(0, line.found - line.left):>9,}{line.left:>9,}"
        typer.echo(f"{line.what:{width}}{counts}")
    if forgotten.n_mentions:
        typer.echo(f"\n{forgotten.n_mentions:,} of the exchanges are others' that mention the id")
    typer.echo("\nnot within reach of this command:")
    for one in forgotten.remains:
        typer.echo(f"- {one}")
    if dry_run:
        typer.echo("\nnothing was removed: --dry-run")
    elif forgotten.n_left:
        typer.echo(f"\n{forgotten.n_left:,} traces are left: run it again")
    else:
        typer.echo("\nnothing is left")
