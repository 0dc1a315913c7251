"""`driftwarden forget` and `driftwarden retention`: erasure of personal data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_configuration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.privacy.forget import ErasureReport
    from monitor.privacy.verification import Finding

#: Places that are printed.
SHOWN_FINDINGS = 100


def retention(config: ConfigOption = None) -> None:
    """Apply the retention periods.

    Removes rows that are older than [retention] allows, and compacts the embedding blocks. The
    daemon does the same once a day. Works in small steps, so that nothing waits for it; an
    interrupted run resumes.
    """
    from datetime import UTC, datetime

    from monitor.privacy.retention import apply_retention

    settings = read_configuration(config)
    removed = apply_retention(open_database(settings), settings.retention, datetime.now(UTC))
    for name, n in sorted(removed.items()):
        typer.echo(f"{name:20} {n:>10,}")
    if not removed:
        typer.echo("nothing to remove: no row is older than [retention] allows")


def forget(
    *,
    subject: Annotated[
        str,
        typer.Option(
            help="Id of the end user, as production sends it in `user`.", show_default=False
        ),
    ] = "",
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="Id of an exchange; may be repeated.", show_default=False),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another file of JSON lines, or of a JSON array, to remove their rows from, such "
            "as a copy of an export; may be repeated. Rows of other files are counted only.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, remove nothing.")] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Only search for what is left, in every column and file, and print it."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Erase an end user's data.

    Removes exchanges with their embeddings, reviews and gold, quotes and scores in evaluations,
    reports and messages, dead letters, and rows of exports and training sets, and masks the end
    user in others' words. Then counts again what is left, searches all columns and files, and lists
    what must be done by hand.

    Exit status 1: something is left; run it again.
    """
    from datetime import UTC, datetime

    from monitor.privacy.end_user import ErasureRequest
    from monitor.privacy.forget import forget as remove
    from monitor.privacy.forget import verify_end_user

    if not subject and not exchange:
        raise typer.BadParameter("--subject and --exchange: give at least one of them")
    settings = read_configuration(config)
    request = ErasureRequest(subject, tuple(exchange or ()))
    if verify:
        findings = verify_end_user(open_database(settings), settings, request, file or ())
        _show_findings(findings)
        raise typer.Exit(1 if findings else 0)
    report = remove(
        open_database(settings),
        settings,
        request,
        datetime.now(UTC),
        dry_run=dry_run,
        files=file or (),
    )
    _show(report, dry_run=dry_run)
    if (report.n_left or report.findings) and not dry_run:
        raise typer.Exit(1)


def _show(report: "ErasureReport", *, dry_run: bool) -> None:
    width = max(len(count.kind) for count in report.counts)
    typer.echo(f"{'':{width}}{'found':>9}" + ("" if dry_run else f"{'removed':>9}{'left':>9}"))
    for count in report.counts:
        figures = f"{count.n_found:>9,}"
        if not dry_run:
            figures += f"{max(0, count.n_found - count.n_left):>9,}{count.n_left:>9,}"
        typer.echo(f"{count.kind:{width}}{figures}")
    if report.n_mentions:
        typer.echo(
            f"\n{report.n_mentions:,} of the exchanges are other end users' and mention the id"
        )
    typer.echo("\nto do by hand:")
    for step in report.manual_steps:
        typer.echo(f"- {step.text}")
    if dry_run:
        typer.echo("\nnothing was removed: --dry-run")
    elif report.n_left:
        typer.echo(f"\n{report.n_left:,} traces are left; run it again")
        _show_findings(report.findings)
    elif report.findings:
        _show_findings(report.findings)
    else:
        typer.echo("\nnothing is left")


def _show_findings(findings: "Sequence[Finding]") -> None:
    typer.echo("\nverification: every column, the database's files, folders of runs and exports")
    for finding in findings[:SHOWN_FINDINGS]:
        advice = f": {finding.advice}" if finding.advice else ""
        typer.echo(f"- left in {finding.place} ({finding.where}){advice}")
    if len(findings) > SHOWN_FINDINGS:
        typer.echo(f"- and {len(findings) - SHOWN_FINDINGS:,} more places")
    if not findings:
        typer.echo("nothing was found")
