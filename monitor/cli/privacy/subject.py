"""`driftwarden subject`: what is stored about one end user."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.privacy.requests import say_what_waits
from monitor.cli.shared.access import account_name, record_read
from monitor.cli.shared.context import ConfigOption, open_database, read_configuration
from monitor.cli.shared.output import print_line
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from monitor.privacy.subject_export.document import Export

#: Exit status where nothing is stored.
NOTHING_STORED = 4

app = typer.Typer(no_args_is_help=True, help="Hand out what is stored about an end user.")


@app.callback()
def subject() -> None:
    """Hand out what is stored about an end user."""


@app.command()
def export(
    *,
    end_user: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="Id of the end user, as production sends it in `user`; several of one person.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="New folder for export.json and export.html, or a new file with one of these "
            "endings. Only its owner can read it.",
        ),
    ],
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="Id of an exchange; may be repeated.", show_default=False),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another file of JSON lines to search, such as a copy of an export; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write everything stored about an end user, as JSON and as an HTML page.

    Covers every table and file of the inventory (`driftwarden privacy inventory`), each with its
    purpose, its period and its readers. Names of staff and texts of other end users are left out.
    Read it before you hand it out. The audit log gets an entry without the id.

    Exit status 4: nothing is stored, and nothing is written.
    """
    from monitor.privacy.end_users.end_user import ErasureRequest
    from monitor.privacy.end_users.erasure_request import resolve
    from monitor.privacy.erasure.erasure_record import subject_digest, subject_digests
    from monitor.privacy.requests.requests import mark
    from monitor.privacy.subject_export.collection import collect_export, write_audit_entry
    from monitor.privacy.subject_export.writing import require_free, write_export
    from monitor.store.engine import transaction

    if not any(end_user or ()) and not exchange:
        raise typer.BadParameter("ID and --exchange: give at least one of them")
    require_free(output)
    settings = read_configuration(config)
    engine = open_database(settings)
    now = datetime.now(UTC)
    request = resolve(engine, settings, ErasureRequest.of(end_user or (), exchange or ()))
    document = collect_export(
        engine, settings, request, now, by=account_name(), extra_files=file or ()
    )
    # Before anything is handed out: no export without its entry.
    write_audit_entry(engine, request, document, now, account_name())
    with transaction(engine) as connection:
        record_read(
            connection, "subject export", "end_user", subject_digest(request), action="exported"
        )
    if document.n_entries:
        paths = write_export(document, output)
    mark(engine, subject_digests(request), "access", answered_at=now)
    _show(document)
    say_what_waits(engine, request, "access")
    if not document.n_entries:
        print_line("nothing is stored about this end user")
        raise typer.Exit(NOTHING_STORED)
    for path in paths:
        print_line(f"written: {path}")


def _show(document: "Export") -> None:
    for part in document.parts:
        n_others = len(part.entries) - part.n_own
        rest = f", and parts of {pluralize(n_others, 'other row')}" if n_others else ""
        print_line(f"{part.name:40} {part.n_own:>8,}{rest}")
    if document.near_matches:
        typer.echo()
        print_line("ids that resemble this one and are not exported with it:")
    for match in document.near_matches:
        print_line(f"- {match}")
