"""`driftwarden forget` and `driftwarden retention`: erasure of personal data."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.privacy.requests import say_what_waits
from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import ConfigOption, open_database, read_configuration
from monitor.cli.shared.output import print_line
from monitor.errors import DatabaseUnavailableError
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from monitor.privacy.end_users.end_user import ErasureRequest
    from monitor.privacy.erasure.forget import ErasureReport
    from monitor.privacy.proof.findings import SearchResult
    from monitor.settings import Configuration

#: Places that are printed.
SHOWN_FINDINGS = 100


def retention(config: ConfigOption = None) -> None:
    """Apply the retention periods.

    Removes rows that are older than [retention] allows, and compacts the embedding blocks. The
    daemon does the same once a day. Works in small steps, so that nothing waits for it; an
    interrupted run resumes.
    """
    from monitor.privacy.retention.application import apply_retention

    settings = read_configuration(config)
    removed = apply_retention(open_database(settings), settings.retention, datetime.now(UTC))
    for name, n in sorted(removed.items()):
        print_line(f"{name:20} {n:>10,}")
    if not removed:
        print_line("nothing to remove: no row is older than [retention] allows")


def forget(
    *,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            help="Id of the end user, as production sends it in `user`; repeated for a person with "
            "several.",
            show_default=False,
        ),
    ] = None,
    exchange: Annotated[
        list[str] | None,
        typer.Option(help="Id of an exchange; may be repeated.", show_default=False),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another file to search, such as a report or a copy of an export; may be "
            "repeated. Their rows are removed from JSON lines and JSON arrays; of another form, "
            "it is named.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Count only, remove nothing, and list ids that resemble this one."
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Only search for what is left, in every column and file, and print it. Without an "
            "id: of all erasures that are remembered, as the daemon does each week.",
        ),
    ] = False,
    suppress: Annotated[
        bool,
        typer.Option(
            help="Also put the end user on the suppression list, so that no record of theirs is "
            "stored again."
        ),
    ] = True,
    suppressed: Annotated[
        bool,
        typer.Option(
            "--suppressed",
            help="Erase all forgotten end users on the suppression list, such as after a "
            "restoration.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Erase an end user's data.

    Removes exchanges with their embeddings, reviews and gold, quotes and scores in evaluations,
    reports and messages, dead letters, and rows of exports and training sets, and masks the end
    user in others' words. Then counts again what is left, searches all columns and files, and lists
    what must be done by hand.

    Exit status 1: something is left; it says what to do. 4: nothing was found, and what it names
    could not be read, or not be searched for any more after privacy.proof_period. 75: the database
    was busy or unavailable; run it again, it goes on with what is left.
    """
    from monitor.privacy.end_users.end_user import ErasureRequest
    from monitor.privacy.end_users.erasure_request import resolve
    from monitor.privacy.end_users.suppression import suppress as add_to_list
    from monitor.privacy.erasure.forget import forget as remove
    from monitor.privacy.erasure.forget import verify_end_user

    subject = [id_ for id_ in subject or () if id_]
    if verify and not subject and not exchange and not suppressed:
        _check_all(read_configuration(config), file or ())
    if not subject and not exchange and not suppressed:
        raise typer.BadParameter("--subject, --exchange and --suppressed: give at least one")
    settings = read_configuration(config)
    engine = open_database(settings)
    if suppressed:
        if subject or exchange or verify or file:
            raise typer.BadParameter(
                "--suppressed erases; give none of --subject, --exchange, --verify and --file"
            )
        with _saying_that_nothing_is_lost():
            raise typer.Exit(erase_listed(engine, settings, dry_run=dry_run))
    request = resolve(engine, settings, ErasureRequest.of(subject, exchange or ()))
    if verify:
        result = verify_end_user(engine, settings, request, file or (), by=account_name())
        _show_result(result)
        say_what_waits(engine, request, "erasure")
        raise typer.Exit(result.exit_status)
    if subject and suppress and not dry_run:  # before the removal: nothing may come after it
        for id_ in subject:
            add_to_list(
                engine, settings, id_, "forgotten", by=account_name(), now=datetime.now(UTC)
            )
    with _saying_that_nothing_is_lost():
        report = remove(
            engine,
            settings,
            request,
            datetime.now(UTC),
            by=account_name(),
            dry_run=dry_run,
            files=file or (),
        )
    _show(report, dry_run=dry_run)
    if dry_run:
        _show_near_matches(engine, request)
    say_what_waits(engine, request, "erasure")
    if not dry_run:
        raise typer.Exit(report.exit_status)


@contextmanager
def _saying_that_nothing_is_lost() -> "Iterator[None]":
    """Add to the error of a busy database what is done, and that the command may be repeated."""
    try:
        yield
    except DatabaseUnavailableError as error:
        raise DatabaseUnavailableError(
            f"{error}; the erasure is not complete. Run the same command again, until its exit "
            "status isn't 75: nothing is lost, what was removed stays removed, and it goes on with "
            "what is left",
            code=error.code,
        ) from error


def erase_listed(engine: "Engine", settings: "Configuration", *, dry_run: bool = False) -> int:
    """Erase the forgotten end users on the list, print a line for each stored id, and return 0.

    1: something is left. 4: nothing was found, and something could not be read.
    """
    from monitor.privacy.end_users.suppression import forget_listed

    n_ids = 0
    statuses = set()
    for end_user, report in forget_listed(engine, settings, datetime.now(UTC), dry_run=dry_run):
        n_traces = sum(count.n_found for count in report.counts)
        left = f", {report.n_left:,} left" if not dry_run else ""
        print_line(f"{end_user}: {pluralize(n_traces, 'trace')} found{left}")
        n_ids += 1
        statuses.add(report.exit_status)
    if not n_ids:
        print_line("nothing is stored under the ids of forgotten end users on the list")
    for status, outcome in ((1, "something is left"), (4, "something could not be read")):
        if status in statuses and not dry_run:
            print_line(f"{outcome}: `driftwarden forget --verify` names it")
            return status
    return 0


def _show_near_matches(engine: "Engine", request: "ErasureRequest") -> None:
    from monitor.privacy.end_users.near_matches import near_matches

    matches = near_matches(engine, request)
    if matches:
        typer.echo()
        print_line("ids that resemble this one and are not erased with it:")
    for match in matches:
        print_line(f"- {match}")


def _show(report: "ErasureReport", *, dry_run: bool) -> None:
    width = max(len(count.kind) for count in report.counts)
    print_line(f"{'':{width}}{'found':>9}" + ("" if dry_run else f"{'removed':>9}{'left':>9}"))
    for count in report.counts:
        figures = f"{count.n_found:>9,}"
        if not dry_run:
            figures += f"{max(0, count.n_found - count.n_left):>9,}{count.n_left:>9,}"
        print_line(f"{count.kind:{width}}{figures}")
    if n_mentions := len(report.mentions):
        relation = (
            "is another end user's and mentions"
            if n_mentions == 1
            else ("are other end users' and mention")
        )
        typer.echo()
        print_line(f"{n_mentions:,} of the exchanges {relation} the id, so they are removed too:")
        for mention in report.mentions[:SHOWN_FINDINGS]:
            print_line(f"- {mention}")
        if n_mentions > SHOWN_FINDINGS:
            print_line(f"- and {n_mentions - SHOWN_FINDINGS:,} more")
    typer.echo()
    print_line("to do by hand:")
    for step in report.manual_steps:
        print_line(f"- {step.text}")
    if dry_run:
        typer.echo()
        print_line("nothing was removed: --dry-run")
    elif report.n_left:
        verb = "is" if report.n_left == 1 else "are"
        advice = "run it again"
        if report.not_rewritten:
            names = ", ".join(map(str, report.not_rewritten))
            advice = f"remove the rows of {names} by hand, then run it again"
        typer.echo()
        print_line(f"{pluralize(report.n_left, 'trace')} {verb} left; {advice}")
        _show_result(report.result)
    else:
        if not report.result.exit_status:
            typer.echo()
            print_line("nothing is left")
        _show_result(report.result)


def _check_all(settings: "Configuration", files: "Sequence[Path]") -> None:
    """Check all erasures that are remembered, print the result, and end the command."""
    from monitor.privacy.proof.check import check_erasures
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from monitor.store.privacy.proofs import erasure_proofs

    engine = open_database(settings)
    result = check_erasures(engine, settings, load_secrets(), datetime.now(UTC), named=files)
    if result is None:
        with transaction(engine) as connection:
            n_ended = len(erasure_proofs(connection))
        if not n_ended:
            if files:
                raise typer.BadParameter("--file: no end user was erased; give --subject ID too")
            print_line("no end user was erased, so nothing was searched for")
            raise typer.Exit(0)
        print_line(
            f"nothing was searched for: the fingerprints of {pluralize(n_ended, 'erasure')} were "
            "destroyed after privacy.proof_period; search for an id with --subject ID --verify"
        )
        raise typer.Exit(4)
    _show_result(result)
    raise typer.Exit(result.exit_status)


def _show_result(result: "SearchResult") -> None:
    typer.echo()
    print_line("verification: every column, the database's files, folders of runs and exports")
    for finding in result.findings[:SHOWN_FINDINGS]:
        advice = f": {finding.advice}" if finding.advice else ""
        print_line(f"- left in {finding.place} ({finding.where}){advice}")
    if len(result.findings) > SHOWN_FINDINGS:
        more = pluralize(len(result.findings) - SHOWN_FINDINGS, "more place")
        print_line(f"- and {more}")
    for part in result.unread[:SHOWN_FINDINGS]:
        print_line(f"- not read: {part.place}: {part.reason}")
    if len(result.unread) > SHOWN_FINDINGS:
        print_line(f"- not read: {len(result.unread) - SHOWN_FINDINGS:,} more")
    if result.n_raw:
        print_line(
            f"- pickles and weights ({pluralize(result.n_raw, 'file')}): their bytes were searched "
            "as they are; none was loaded, so what is packed or computed in them is not seen"
        )
    folders = ", ".join(map(str, result.folders)) or "no folder"
    terms = f"{pluralize(result.n_ids, 'id')} and {pluralize(result.n_passages, 'passage')}"
    print_line(
        f"searched: the database and {pluralize(result.n_files, 'file')} ({folders}), for {terms}"
    )
    if result.n_passages or result.n_ids:
        print_line(
            "of erased texts, only long passages of prompts are remembered: look for copies of "
            "responses and of short texts by hand"
        )
    if not result.findings:
        read = "in what could be read" if result.unread else ""
        print_line(f"nothing was found {read}".strip())
