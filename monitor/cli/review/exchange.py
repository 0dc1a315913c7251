"""`driftwarden review export` and `import`: gold, and reviews from other tools."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.shared.access import account_name, record_read
from monitor.cli.shared.context import (
    ConfigOption,
    ModelOption,
    database_transaction,
    read_configuration,
    read_settings,
)
from monitor.cli.shared.targets import database_file, require_distinct_files


def export(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, or folder for argilla. Default: standard output.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        Literal["sft", "preference", "label-studio", "argilla"],
        typer.Option(
            "--format",
            help='sft: JSON lines of {"messages", "metadata"}; preference: {"prompt", "chosen", '
            '"rejected", "metadata"}; label-studio: tasks; argilla: the folder of a dataset.',
        ),
    ] = "sft",
    bare: Annotated[
        bool, typer.Option("--bare", help="Omit the provenance (sft, preference).")
    ] = False,
    queue: Annotated[
        bool,
        typer.Option(
            "--queue",
            help="Export the queued review items instead of gold, for Label Studio or Argilla.",
        ),
    ] = False,
    config_out: Annotated[
        Path | None,
        typer.Option(help="File for Label Studio's labeling configuration.", show_default=False),
    ] = None,
    model: ModelOption = None,
    task_type: Annotated[
        str | None, typer.Option(help="Only exchanges of this task type.", show_default=False)
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Only items decided since this time (UTC).",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            show_default=False,
        ),
    ] = None,
    resolution: Annotated[
        Literal["agreed", "discussed", "adjudicated", "audited"] | None,
        typer.Option(help="Only items resolved in this way.", show_default=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Export gold as training examples, one row per item, in the task taxonomy's template.

    No two rows contradict each other. Items that are left out, for a contradiction or for lack of a
    correct response, are listed on standard error. Rows hold no names of reviewers.
    """
    from monitor.review.export.export_files import ExportRequest, build_export
    from monitor.review.export.serialization import write_atomically
    from monitor.store.audit_log import append_entry
    from monitor.store.review.gold_export import ItemFilter

    settings = read_settings(config, model)
    item_filter = ItemFilter(
        model=settings.model.name,
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
    require_distinct_files(
        {"--out": out, "--config-out": config_out}, {"the database": database_file(settings)}
    )
    with database_transaction(settings) as connection:
        exported = build_export(connection, settings, request)
        kind = "queue" if queue else "gold"
        record_read(connection, "review export", kind, model=settings.model.name, action="exported")
        # Before the file exists: `forget` searches every recorded file for the end user.
        details = {"rows": exported.n_rows, "format": format_, "bare": bare, "queue": queue}
        append_entry(
            connection, datetime.now(UTC), account_name(), "exported", exported.place, details
        )
    for remark in exported.remarks:
        typer.echo(remark, err=True)
    for path, text in exported.companion_files.items():
        write_atomically(path, text)
    if out is None:
        typer.echo(exported.text, nl=False)
        return
    write_atomically(Path(exported.place), exported.text)
    noun = {"sft": "examples", "preference": "pairs"}.get(format_, "items")
    typer.echo(f"{out}: {exported.n_rows} {noun}")


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Export of the tool, as JSON; - for standard input.", show_default=False
        ),
    ],
    *,
    format_: Annotated[
        Literal["label-studio", "argilla"],
        typer.Option("--format", help="Tool that wrote the file."),
    ] = "label-studio",
    reviewer_map: Annotated[
        Path | None,
        typer.Option(
            help='JSON that maps the tool\'s users to accounts: {"ada@example.com": "Ada"}, or '
            '{"7": "Ada"} where the tool exports ids. Equal names may be left out.',
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Import reviews from Label Studio or Argilla, made on `review export --queue`.

    They are submitted as on the web page: two different reviewers per item, agreement or
    discussion, the audit log. The whole file is imported, or nothing if any review doesn't fit; it
    may be imported again.
    """
    from monitor.plurals import pluralize
    from monitor.review.imports import (
        import_reviews,
        read_argilla,
        read_label_studio,
        read_reviewer_map,
    )
    from monitor.store.audit_log import append_entry
    from monitor.traffic.redaction import build_redactor
    from monitor.traffic.redaction.typed_text import (
        Replacement,
        count_kinds,
        describe_kinds,
        redact_text,
    )

    users = read_reviewer_map(reviewer_map)
    parsed = read_argilla(file) if format_ == "argilla" else read_label_studio(file)
    now = datetime.now(UTC)
    settings = read_configuration(config)
    redactor = build_redactor(settings.redaction)
    replaced: list[Replacement] = []

    def redact(text: str) -> str:
        if redactor is None:
            return text
        clean, replacements = redact_text(text, redactor, "")
        replaced.extend(replacements)
        return clean

    with database_transaction(settings) as connection:
        imported = import_reviews(
            connection,
            parsed,
            users,
            now,
            redact=redact,
            audit_share_of=lambda model: settings.settings_of(model).review.audit_share,
        )
        details = {"format": format_, "written": imported.n_written, "known": imported.n_known}
        place = "standard input" if file == Path("-") else str(file.resolve())
        append_entry(connection, now, account_name(), "imported", place, details)
    typer.echo(
        f"{file}: {imported.n_written} reviews imported, {imported.n_known} imported earlier, "
        f"{parsed.n_skipped} skipped by their authors or no reviews"
    )
    if replaced:
        typer.echo(
            f"{pluralize(len(replaced), 'text')} redacted before storing: "
            f"{describe_kinds(count_kinds(replaced))}",
            err=True,
        )
