"""`driftwarden requests`: requests of end users, and the sentences of staff about them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from monitor.cli.shared.access import account_name, record_read
from monitor.cli.shared.context import (
    ConfigOption,
    database_transaction,
    open_database,
    read_configuration,
)
from monitor.cli.shared.output import print_json, print_line
from monitor.cli.shared.users import require_user
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from monitor.privacy.end_users.end_user import ErasureRequest
    from monitor.privacy.requests.listing import ListedSentence
    from monitor.privacy.requests.requests import Decision
    from monitor.store.privacy.requests import RequestRow

#: Of a sentence that is printed; JSON has all.
MAX_CHARACTERS = 2000

app = typer.Typer(no_args_is_help=True, help="Open, list, decide and close requests of end users.")

RequestId = Annotated[int, typer.Argument(metavar="REQUEST", help="Number of the request.")]
UserOption = Annotated[
    str, typer.Option("--as", help="User who acts: a lead or an admin.", show_default=False)
]


@app.command("open")
def open_(
    *,
    kind: Annotated[
        Literal["access", "erasure"],
        typer.Option(help="What is asked for.", show_default=False),
    ],
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
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of the end user, to search for in words of staff; not stored. May be "
            "repeated: each is searched for.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Open a request, or search again for an open one.

    Searches what staff wrote for sentences about the end user: by the id in all spellings, by
    quotes, by the names given and by names that stand beside the id. A lead decides on each. The
    request is due after privacy.request_period. Neither id nor names are stored: give them again.
    """
    from monitor.privacy.end_users.end_user import ErasureRequest, find_end_user
    from monitor.privacy.end_users.erasure_request import resolve
    from monitor.privacy.erasure.erasure_record import subject_digests
    from monitor.privacy.erasure.traces import find_traces
    from monitor.privacy.requests.requests import search_request

    if not any(subject or ()) and not exchange:
        raise typer.BadParameter("--subject and --exchange: give at least one of them")
    settings = read_configuration(config)
    engine = open_database(settings)
    request = resolve(engine, settings, ErasureRequest.of(subject or (), exchange or ()))
    end_user = find_end_user(engine, request)
    search = search_request(
        engine,
        end_user,
        find_traces(engine, end_user),
        kind=kind,
        digests=subject_digests(request),
        period=settings.privacy.request_period,
        by=account_name(),
        now=datetime.now(UTC),
        names=name or (),
        is_asked=True,
    )
    if search is None:
        raise RuntimeError("a request that is asked for is opened")
    print_line(f"request {search.request_id}: {kind}, due {search.due_at:%Y-%m-%d}")
    names = f", and for {', '.join(search.names)}" if search.names else "; no name was given"
    print_line(f"searched for ids and quotes{names}")
    print_line(
        f"{pluralize(search.n_new, 'new sentence')} of staff, {search.n_waiting} to decide: "
        f"driftwarden requests show {search.request_id}"
    )


@app.command("list")
def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the open requests: what is asked for, when it is due, what waits."""
    from monitor.privacy.requests.requests import count_waiting, read_sentences
    from monitor.store.privacy.requests import all_requests

    now = datetime.now(UTC)
    with database_transaction(read_configuration(config)) as connection:
        listed = [
            (request, count_waiting(read_sentences(connection, request.id)))
            for request in all_requests(connection)
            if all_ or request.closed_at is None
        ]
    if as_json:
        print_json([_fields(request, n_waiting, now) for request, n_waiting in listed])
        return
    for request, n_waiting in listed:
        print_line(
            f"{request.id:>6}  {request.kind:<7}  opened {request.opened_at:%Y-%m-%d}  "
            f"{_status(request, now)}  {pluralize(n_waiting, 'sentence')} to decide"
        )
    if not listed:
        print_line("no request is open")


@app.command()
def show(
    request_id: RequestId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show the checklist of a request, with the sentences of staff.

    The access log gets an entry, as the sentences are words about an end user.
    """
    from monitor.privacy.requests.checklist import checklist
    from monitor.privacy.requests.listing import ListedSentence
    from monitor.privacy.requests.requests import count_waiting, read_request, read_sentences

    now = datetime.now(UTC)
    with database_transaction(read_configuration(config)) as connection:
        request = read_request(connection, request_id)
        record_read(connection, "requests show", "request", request_id)
        sentences = read_sentences(connection, request_id)
    steps = list(checklist(request, sentences))
    if as_json:
        listed = [
            {
                "number": sentence.row.number,
                "table": sentence.row.table_name,
                "column": sentence.row.column_name,
                "key": sentence.row.row_key,
                "found_by": sentence.row.found_by,
                "state": sentence.state,
                "words": sentence.words,
                "reason": sentence.row.reason,
                "decided_at": sentence.row.decided_at,
                "decided_by": sentence.row.decided_by,
            }
            for sentence in sentences
        ]
        fields = _fields(request, count_waiting(sentences), now)
        print_json(fields | {"steps": steps, "sentences": listed})
        return
    print_line(f"request {request.id}: {request.kind}, {_status(request, now)}")
    for step in steps:
        to_do = "not done  " if request.closed_at else "to do     "
        done = f"{step.done_at:%Y-%m-%d}" if step.done_at else to_do
        print_line(f"{done}  {step.text}" + (f": {step.command}" if step.command else ""))
    if sentences:
        typer.echo()
    for sentence in ListedSentence.from_places(sentences):
        _print_sentence(sentence)


@app.command()
def decide(
    request_id: RequestId,
    sentences: Annotated[
        list[int],
        typer.Argument(metavar="SENTENCE...", help="Numbers of the sentences in the request."),
    ],
    *,
    include: Annotated[bool, typer.Option("--include", help="Access: hand it out.")] = False,
    exclude: Annotated[bool, typer.Option("--exclude", help="Access: leave it out.")] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erasure: replace it; the other sentences stay.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Erasure: it stays.")] = False,
    reason: Annotated[
        str, typer.Option(help="Why, such as the rights of a third party.", show_default=False)
    ],
    name: UserOption,
    change: Annotated[
        bool, typer.Option("--change", help="Also where something else was decided before.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Decide on sentences of staff, as a lead.

    `requests show` lists the sentences. A decision is about each place that it names. An erased
    sentence is replaced where it stands, for good. The audit log gets the decision
    without the words.
    """
    from monitor.privacy.requests import requests

    options: dict[Decision, bool] = {
        "include": include,
        "exclude": exclude,
        "erase": erase,
        "keep": keep,
    }
    chosen = [decision for decision, is_given in options.items() if is_given]
    if len(chosen) != 1:
        raise typer.BadParameter("--include, --exclude, --erase and --keep: give one of them")
    if not reason.strip():
        raise typer.BadParameter("--reason is empty: say why, for the record")
    engine = open_database(read_configuration(config))
    _require_lead(engine, name, request_id, sentences)
    requests.decide(
        engine,
        request_id,
        sentences,
        chosen[0],
        reason=reason,
        by=name,
        now=datetime.now(UTC),
        change=change,
    )
    print_line(f"decided: {pluralize(len(set(sentences)), 'sentence')}, {chosen[0]}")
    if erase:
        _purge(engine)


@app.command()
def close(
    request_id: RequestId,
    *,
    name: UserOption,
    reason: Annotated[
        str,
        typer.Option(
            help="Why it is closed before all is done, such as a withdrawal.", show_default=False
        ),
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Close a request that is answered.

    Refused while a sentence waits for a decision, and without a reason while a step is to be done.
    The reasons of erased sentences are erased with it.
    """
    from monitor.privacy.requests import requests

    engine = open_database(read_configuration(config))
    _require_lead(engine, name, request_id)
    closed = requests.close(engine, request_id, reason=reason, by=name, now=datetime.now(UTC))
    print_line(f"request {request_id} is closed")
    if closed.kind == "erasure":
        _purge(engine)


def say_what_waits(
    engine: "Engine", subject: "ErasureRequest", kind: Literal["access", "erasure"]
) -> None:
    """Print the open request of an end user, if there is one, and how many sentences wait."""
    from monitor.privacy.erasure.erasure_record import subject_digests
    from monitor.privacy.requests.requests import waiting_for
    from monitor.store.engine import transaction

    with transaction(engine) as connection:
        waiting = waiting_for(connection, subject_digests(subject), kind)
    if waiting is not None:
        request, n_waiting, _ = waiting
        typer.echo()
        print_line(
            f"request {request.id} is open until {request.due_at:%Y-%m-%d}, with "
            f"{pluralize(n_waiting, 'sentence')} of staff to decide: driftwarden requests show "
            f"{request.id}"
        )


def _require_lead(
    engine: "Engine", name: str, request_id: int, sentences: "Sequence[int]" = ()
) -> None:
    from monitor.privacy.requests.permissions import require_lead
    from monitor.store.engine import transaction

    with transaction(engine) as connection:
        require_lead(connection, require_user(connection, name), request_id, sentences)


def _print_sentence(listed: "ListedSentence") -> None:
    """Print a sentence once, with its places and the decision."""
    from monitor.rendering.excerpts import excerpt

    first = listed.first
    row = first.row
    by = f", by {row.decided_by} on {row.decided_at:%Y-%m-%d}" if row.decided_at else ""
    print_line(f"{row.number}  {first.state}{by}; found by {row.found_by}")
    if first.words:
        print_line(f"   {excerpt(first.words, MAX_CHARACTERS)}")
    if row.reason:
        print_line(f"   reason: {row.reason}")
    for line in listed.lines:
        print_line(f"   in {line}")


def _purge(engine: "Engine") -> None:
    from monitor.privacy.erasure.forget import TABLES
    from monitor.store.privacy.deletion import purge_deleted_rows

    if left := purge_deleted_rows(engine, TABLES):
        print_line(left)


def _status(request: "RequestRow", now: datetime) -> str:
    if request.closed_at is not None:
        why = f": {request.close_reason}" if request.close_reason else ""
        return f"closed {request.closed_at:%Y-%m-%d} by {request.closed_by}{why}"
    overdue = ", overdue" if request.due_at < now else ""
    return f"due {request.due_at:%Y-%m-%d}{overdue}"


def _fields(request: "RequestRow", n_waiting: int, now: datetime) -> dict[str, object]:
    return {
        "id": request.id,
        "kind": request.kind,
        "opened_at": request.opened_at,
        "opened_by": request.opened_by,
        "due_at": request.due_at,
        "overdue": request.closed_at is None and request.due_at < now,
        "closed_at": request.closed_at,
        "closed_by": request.closed_by,
        "close_reason": request.close_reason,
        "to_decide": n_waiting,
    }
