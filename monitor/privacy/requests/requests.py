"""Requests of end users: opened, searched, decided sentence by sentence, and closed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from monitor.errors import InputError
from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.masking import replace_in_row
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.requests.search import Kind, find_sentences
from monitor.privacy.requests.sentences import around, sentence_with, texts_in, without_sentence
from monitor.privacy.subject_export.third_parties import map_strings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.privacy import requests as store
from monitor.store.privacy.columns import Key, read_values
from monitor.store.privacy.requests import RequestRow, SentenceRow
from monitor.store.tables.facts import columns_of, table_names

Decision = Literal["include", "exclude", "erase", "keep"]
#: Decisions by kind of request.
DECISIONS: dict[str, tuple[Decision, ...]] = {
    "access": ("include", "exclude"),
    "erasure": ("erase", "keep"),
}
#: ``open``, ``changed``: its text no longer has it; ``gone``: its text is no longer stored; or a
#: decision.
State = str


@dataclass(frozen=True)
class Sentence:
    """A sentence of a request, with its words as long as they are stored."""

    row: SentenceRow
    state: State
    words: str
    #: The rest of its paragraph.
    before: str = ""
    after: str = ""

    @property
    def is_waiting(self) -> bool:
        """Return whether the request can't be closed before it is decided."""
        return self.state in {"open", "changed"}


@dataclass(frozen=True)
class Search:
    """A request after a search for sentences."""

    request_id: int
    due_at: datetime
    #: Sentences that wait for a decision, and those that the search has added.
    n_waiting: int
    n_new: int
    names: tuple[str, ...]


def search_request(
    engine: Engine,
    end_user: EndUser,
    traces: Traces,
    *,
    kind: Kind,
    digests: Sequence[str],
    period: timedelta,
    by: str,
    now: datetime,
    names: Sequence[str] = (),
    is_asked: bool = False,
) -> Search | None:
    """Search for sentences, and add new ones to the end user's open request of a kind.

    Without an open request one is opened where there is a sentence, or ``is_asked``: else there is
    ``None``. Of simultaneous searches each waits for the one before. Where ``is_asked``, sentences
    that are no longer stored as they were need no decision afterwards: what took their place was
    searched too.
    """
    matches, searched_names = find_sentences(engine, end_user, traces, kind, names)
    with transaction(engine) as connection:
        store.lock_searches(connection)
        request = store.open_request(connection, digests, kind, lock=True)
        if request is None and not matches and not is_asked:
            return None
        if request is None:
            due_at = now + period
            request_id = store.insert_request(
                connection, kind, digests[0], opened_at=now, opened_by=by, due_at=due_at
            )
            details = {"kind": kind, "end_user": digests[0]}
            append_entry(connection, now, by, "request.opened", _subject(request_id), details)
        else:
            request_id, due_at = request.id, request.due_at
        for sentence in read_sentences(connection, request_id):
            if is_asked and sentence.state in {"changed", "gone"} and not sentence.row.decision:
                _write(connection, sentence.row, "gone", reason="", by=by, now=now)
        rows = store.sentences_of(connection, request_id)
        known = {(row.table_name, row.key, row.column_name, row.digest) for row in rows}
        new = [
            place
            for place in matches
            if (place.table, place.key, place.column, place.digest) not in known
        ]
        numbers = {row.digest: row.number for row in rows if not row.decision}
        n_before = newest = max((row.number for row in rows), default=0)
        for place in new:
            if place.original not in numbers:
                newest += 1
            number = numbers.setdefault(place.original, newest)
            store.insert_sentence(
                connection,
                request_id,
                number=number,
                table=place.table,
                key=place.key,
                column=place.column,
                digest=place.digest,
                found_by=place.found_by,
            )
        store.update_request(connection, request_id, searched_at=now)
        n_waiting = count_waiting(read_sentences(connection, request_id))
    return Search(request_id, due_at, n_waiting, newest - n_before, tuple(searched_names))


def read_request(connection: Connection, request_id: int, *, lock: bool = False) -> RequestRow:
    """Return a request; ``InputError``: there is none of this id."""
    request = store.request_by_id(connection, request_id, lock=lock)
    if request is None:
        raise InputError(
            f"unknown request: {request_id}; `driftwarden requests list --all` lists them",
            code="unknown_request",
        )
    return request


def read_sentences(
    connection: Connection, request_id: int, *, unread: Collection[str] = ()
) -> list[Sentence]:
    """Return the sentences of a request, with their words and states.

    Those in ``unread`` tables have no words, and are open until they are decided.
    """
    return [
        Sentence(row, row.decision or "open", "")
        if row.table_name in unread
        else _read(connection, row)
        for row in store.sentences_of(connection, request_id)
    ]


def count_waiting(sentences: Iterable[Sentence]) -> int:
    """Return how many sentences wait for a decision, each once, in however many places."""
    return len({sentence.row.number for sentence in sentences if sentence.is_waiting})


def decide(
    engine: Engine,
    request_id: int,
    numbers: Sequence[int],
    decision: Decision,
    *,
    reason: str,
    by: str,
    now: datetime,
    change: bool = False,
    places: Collection[int] | None = None,
) -> None:
    """Decide on sentences of a request, all or none; erased ones are replaced in their texts.

    A decision is about each place of a sentence where it waits. ``places``: rows of those that the
    caller may decide; without: all.

    Raises:
        InputError: The request is closed or of another kind, it has no such sentence, a sentence
            has changed, or it was decided before, which only ``change`` overrides.
    """
    with transaction(engine) as connection:
        request = read_request(connection, request_id, lock=True)
        _require_open(request)
        choices = DECISIONS.get(request.kind, ())
        if decision not in choices:
            allowed = " or ".join(f"--{name}" for name in choices)
            raise InputError(
                f"--{decision} decides nothing in a request for {request.kind}; give {allowed}",
                code="wrong_decision",
            )
        chosen = list(dict.fromkeys(numbers))
        rows = _sentences_at(connection, request_id, places)
        if unknown := set(chosen).difference(row.number for row in rows):
            raise InputError(
                f"request {request_id} has no sentence {min(unknown)}; `driftwarden requests show "
                f"{request_id}` lists them",
                code="unknown_sentence",
            )
        if decision == "erase":
            _lock_texts(connection, [row for row in rows if row.number in chosen])
        by_number: dict[int, list[Sentence]] = defaultdict(list)
        for row in _sentences_at(connection, request_id, places):
            by_number[row.number].append(_read(connection, row))
        for number in chosen:
            for row in _to_decide(by_number[number], change=change):
                if not _write(connection, row, decision, reason=reason, by=by, now=now):
                    raise _decided_meanwhile(number)
                if decision == "erase":
                    _erase(connection, row)
        append_entry(
            connection,
            now,
            by,
            "request.decided",
            _subject(request_id),
            {
                "end_user": request.subject_digest,
                "sentences": sorted(chosen),
                "decision": decision,
            },
        )


def close(engine: Engine, request_id: int, *, reason: str, by: str, now: datetime) -> RequestRow:
    """Close a request whose sentences are decided, and forget how these read; return it.

    Raises:
        InputError: A sentence waits, or without a reason it was not answered yet.
    """
    with transaction(engine) as connection:
        request = read_request(connection, request_id, lock=True)
        _require_open(request)
        sentences = read_sentences(connection, request_id)
        if n_waiting := count_waiting(sentences):
            raise InputError(
                f"request {request_id} has sentences that wait for a decision: {n_waiting}; "
                f"`driftwarden requests show {request_id}` lists them",
                code="sentences_wait",
            )
        missing = open_steps(request, sentences)
        if missing and not reason:
            raise InputError(
                f"request {request_id} is not answered: not {', not '.join(missing)}; do what "
                f"`driftwarden requests show {request_id}` says, or give a --reason",
                code="not_answered",
            )
        for sentence in sentences:
            if not sentence.row.decision:
                _write(connection, sentence.row, "gone", reason="", by=by, now=now)
        store.empty_digests(connection, request_id)
        store.update_request(
            connection, request_id, closed_at=now, closed_by=by, close_reason=reason
        )
        details = {"end_user": request.subject_digest}
        append_entry(connection, now, by, "request.closed", _subject(request_id), details)
    return request


def open_steps(request: RequestRow, sentences: Sequence[Sentence]) -> list[str]:
    """Return the steps of a response that are not done, besides the decisions."""
    if request.kind == "erasure":
        steps = {"erased": request.answered_at, "verified": request.verified_at}
        return [name for name, done_at in steps.items() if done_at is None]
    decided = [row.row.decided_at for row in sentences if row.row.decision in DECISIONS["access"]]
    newest = max(filter(None, decided), default=request.opened_at)
    is_done = request.answered_at is not None and request.answered_at >= newest
    return [] if is_done else ["exported"]


def mark(engine: Engine, digests: Sequence[str], kind: Kind, **times: datetime | None) -> None:
    """Store when a step of the open request of an end user was done, if there is one.

    ``None``: the step is to be done again.
    """
    with transaction(engine) as connection:
        request = store.open_request(connection, digests, kind)
        if request is not None:
            store.update_request(connection, request.id, **times)


def waiting_for(
    connection: Connection, digests: Sequence[str], kind: Kind
) -> tuple[RequestRow, int, int] | None:
    """Return the open request of an end user, and how many sentences wait and are excluded."""
    request = store.open_request(connection, digests, kind)
    if request is None:
        return None
    sentences = read_sentences(connection, request.id)
    excluded = {row.row.number for row in sentences if row.row.decision == "exclude"}
    return request, count_waiting(sentences), len(excluded)


def included_sentences(
    connection: Connection, digests: Sequence[str]
) -> dict[tuple[str, Key, str], set[str]]:
    """Return the digests of what is handed out to an end user, by table, key and column."""
    included: dict[tuple[str, Key, str], set[str]] = defaultdict(set)
    request = store.open_request(connection, digests, "access")
    for row in store.sentences_of(connection, request.id) if request else ():
        if row.decision == "include":
            included[row.table_name, row.key, row.column_name].add(row.digest)
    return included


def _sentences_at(
    connection: Connection, request_id: int, places: Collection[int] | None
) -> list[SentenceRow]:
    rows = store.sentences_of(connection, request_id)
    return [row for row in rows if places is None or row.id in places]


def _read(connection: Connection, row: SentenceRow) -> Sentence:
    if not row.digest:
        return Sentence(row, row.decision or "gone", "")
    if not _is_known(row.table_name, row.column_name):  # a newer release wrote it
        return Sentence(row, row.decision or "changed", "")
    values = read_values(connection, row.table_name, [row.column_name], row.key)
    texts = list(texts_in(values[0])) if values is not None else []
    for text in texts:
        span = sentence_with(text, row.digest)
        if span is not None:
            before, after = around(text, span)
            return Sentence(row, row.decision or "open", text[slice(*span)], before, after)
    return Sentence(row, row.decision or ("changed" if any(texts) else "gone"), "")


def _is_known(table: str, column: str) -> bool:
    return table in table_names() and column in columns_of(table)


def _require_open(request: RequestRow) -> None:
    if request.closed_at is not None:
        raise InputError(
            f"request {request.id} was closed on {request.closed_at:%Y-%m-%d} by "
            f"{request.closed_by}; open another one",
            code="request_closed",
        )


def _to_decide(places: Sequence[Sentence], *, change: bool) -> list[SentenceRow]:
    """Return the places of a sentence that are to be decided; ``InputError``: none is."""
    number = places[0].row.number
    if any(place.state == "changed" for place in places):
        raise _changed(number, "changed")
    stored = [place.row for place in places if place.words]
    if not stored:
        raise _changed(number, places[0].state)
    rows = [row for row in stored if change or not row.decision]
    if not rows:
        raise InputError(
            f"sentence {number} was decided before: {stored[0].decision}, by "
            f"{stored[0].decided_by}; --change decides again",
            code="decided_before",
        )
    return rows


def _changed(number: int, state: State) -> InputError:
    return InputError(
        f"sentence {number} can't be decided, it is {state}; `driftwarden requests open` with "
        "the same id searches again",
        code="sentence_changed",
    )


def _decided_meanwhile(number: int) -> InputError:
    return InputError(
        f"sentence {number} was decided meanwhile; look at the request again",
        code="decided_before",
    )


def _write(
    connection: Connection, row: SentenceRow, decision: str, *, reason: str, by: str, now: datetime
) -> bool:
    values: dict[str, Any] = {
        "decision": decision,
        "reason": reason,
        "decided_at": now,
        "decided_by": by,
    }
    if decision in {"erase", "gone"}:
        values["digest"] = ""
    return store.decide_sentence(connection, row.id, before=row.decision, **values)


def _lock_texts(connection: Connection, rows: Iterable[SentenceRow]) -> None:
    """Lock the texts of sentences, in one order for all decisions.

    Texts are locked before their sentences, as an erasure does that masks a text and then moves
    its sentences.
    """
    for table, key, column in sorted({(row.table_name, row.key, row.column_name) for row in rows}):
        if _is_known(table, column):
            read_values(connection, table, [column], key, lock=True)


def _erase(connection: Connection, row: SentenceRow) -> None:
    values = read_values(connection, row.table_name, [row.column_name], row.key)
    before = None if values is None else values[0]
    erased = map_strings(before, lambda text: without_sentence(text, row.digest))
    if erased == before:
        raise _changed(row.number, "changed")
    replace_in_row(connection, row.table_name, row.key, {row.column_name: erased})


def _subject(request_id: int) -> str:
    return f"request:{request_id}"
