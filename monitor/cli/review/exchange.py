"""`driftwarden review export` and `import`: gold leaves, reviews from other tools come in."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings
from monitor.cli.shared.targets import database_file, require_distinct_files


def export(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, or folder for argilla; without it standard output.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        Literal["sft", "preference", "label-studio", "argilla"],
        typer.Option(
            "--format",
            help='sft: JSON lines of {"messages", "metadata"}; preference: {"prompt", "chosen", '
            '"rejected", "metadata"}; label-studio: tasks; argilla: a dataset\'s folder.',
        ),
    ] = "sft",
    bare: Annotated[
        bool, typer.Option("--bare", help="Leave the provenance out (sft, preference).")
    ] = False,
    queue: Annotated[
        bool,
        typer.Option(
            "--queue",
            help="Instead of gold, the items that wait for reviews, to review them in Label Studio "
            "or Argilla.",
        ),
    ] = False,
    config_out: Annotated[
        Path | None,
        typer.Option(help="Write Label Studio's labeling configuration here.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Only of this model.", show_default=False)
    ] = None,
    task_type: Annotated[
        str | None, typer.Option(help="Only of this task type.", show_default=False)
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Only what was decided then or later (UTC).",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            show_default=False,
        ),
    ] = None,
    resolution: Annotated[
        Literal["agreed", "discussed", "adjudicated", "audited"] | None,
        typer.Option(help="Only what was settled so.", show_default=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write gold as training examples, one row an item, in the task taxonomy's template.

    No two rows contradict each other; what is left out for that, or for want of a right answer, is
    said on standard error with its items. Names of reviewers are in no row.
    """
    import getpass
    from datetime import UTC

    from monitor.review.export.export_files import ExportRequest, build_export
    from monitor.review.export.serialization import write_atomically
    from monitor.store.audit_log import append_entry
    from monitor.store.engine import transaction
    from monitor.store.review.gold_export import ItemFilter

    item_filter = ItemFilter(
        model=model,
        task_type=task_type,
        since=since.replace(tzinfo=UTC) if since else None,
        resolution=resolution,
    )
    request = ExportRequest(
        format=format_,
        out=out,
        config_out=config_out,
        bare=bare,
        queue=queue,
        item_filter=item_filter,
    )
    request.check()
    settings = read_settings(config)
    require_distinct_files(
        {"--out": out, "--config-out": config_out}, {"the database": database_file(settings)}
    )
    with transaction(open_database(settings)) as connection:
        made = build_export(connection, settings, request)
        # Before the file is there: `forget` looks for people in every file that may hold them.
        details = {"rows": made.n_rows, "format": format_, "bare": bare, "queue": queue}
        append_entry(
            connection, datetime.now(UTC), getpass.getuser(), "exported", made.place, details
        )
    for remark in made.remarks:
        typer.echo(remark, err=True)
    for path, text in made.companion_files.items():
        write_atomically(path, text)
    if out is None:
        typer.echo(made.text, nl=False)
        return
    write_atomically(Path(made.place), made.text)
    what = {"sft": "examples", "preference": "pairs"}.get(format_, "items")
    typer.echo(f"{out}: {made.n_rows} {what}")


def import_(
    file: Annotated[Path, typer.Argument(help="The tool's export, as JSON.", show_default=False)],
    *,
    format_: Annotated[
        Literal["label-studio", "argilla"], typer.Option("--format", help="The tool it comes from.")
    ] = "label-studio",
    reviewer_map: Annotated[
        Path | None,
        typer.Option(
            help='JSON of who is who: {"ada@example.com": "Ada"}, or {"7": "Ada"} where the tool '
            "exports ids. Names that are the same needn't be in it.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Bring in reviews that people did in Label Studio or Argilla on `review export --queue`.

    They are submitted as on the page: two different people an item, agreement or discussion, the
    audit log. All of the file comes in, or, where anything doesn't fit, nothing; it may be imported
    again.
    """
    import getpass
    from datetime import UTC

    from monitor.review.imports import (
        import_reviews,
        read_argilla,
        read_label_studio,
        read_reviewer_map,
    )
    from monitor.store.audit_log import append_entry
    from monitor.store.engine import transaction

    people = read_reviewer_map(reviewer_map)
    parsed = read_argilla(file) if format_ == "argilla" else read_label_studio(file)
    now = datetime.now(UTC)
    settings = read_settings(config)
    with transaction(open_database(settings)) as connection:
        imported = import_reviews(
            connection, parsed, people, now, audit_share=settings.review.audit_share
        )
        details = {"format": format_, "written": imported.n_written, "known": imported.n_known}
        place = str(file.resolve())
        append_entry(connection, now, getpass.getuser(), "imported", place, details)
    typer.echo(
        f"{file}: {imported.n_written} reviews written, {imported.n_known} were here already, "
        f"{parsed.n_skipped} skipped by their authors or not reviews"
    )
