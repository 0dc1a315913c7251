"""Queries of end users' requests, and of the sentences of staff that are decided for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.advisory_lock import lock_until_commit
from monitor.store.privacy.columns import Key
from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import PrivacyRequest, StaffSentence

#: Key of the PostgreSQL lock of searches.
ADVISORY_LOCK = 0x6472_6966_7473_7562


@dataclass(frozen=True)
class RequestRow:
    """A request of an end user; see the columns of its table."""

    id: int
    kind: str
    subject_digest: str
    opened_at: datetime
    opened_by: str
    due_at: datetime
    searched_at: datetime | None
    answered_at: datetime | None
    verified_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    close_reason: str


@dataclass(frozen=True)
class SentenceRow:
    """A sentence of staff that may be about the end user, by its place."""

    id: int
    request_id: int
    #: In the request; places of the same words have the same.
    number: int
    table_name: str
    column_name: str
    row_key: list[Any]
    digest: str
    found_by: str
    decision: str
    reason: str
    decided_at: datetime | None
    decided_by: str

    @property
    def key(self) -> Key:
        """Return the primary key of the row."""
        return tuple(self.row_key)

    @property
    def place(self) -> str:
        """Return table, column and key of the text."""
        return f"{self.table_name}.{self.column_name} {', '.join(map(str, self.row_key))}"


@dataclass(frozen=True)
class WaitingRequest:
    """A request that is not closed."""

    id: int
    kind: str
    opened_at: datetime
    due_at: datetime


_REQUEST = columns_of(RequestRow, PrivacyRequest)
_SENTENCE = columns_of(SentenceRow, StaffSentence)
_WAITING = columns_of(WaitingRequest, PrivacyRequest)


def request_by_id(
    connection: Connection, request_id: int, *, lock: bool = False
) -> RequestRow | None:
    """Return a request, if there is one of this id; ``lock`` it until the transaction ends."""
    statement = select(*_REQUEST).where(PrivacyRequest.id == request_id)
    return read_row(connection, RequestRow, statement.with_for_update() if lock else statement)


def all_requests(connection: Connection) -> list[RequestRow]:
    """Return all requests, the newest first."""
    return read_rows(connection, RequestRow, select(*_REQUEST).order_by(PrivacyRequest.id.desc()))


def lock_searches(connection: Connection) -> None:
    """Let one search at a time open a request and add sentences, until the transaction ends.

    Call it before a request is locked.
    """
    lock_until_commit(connection, ADVISORY_LOCK)


def open_request(
    connection: Connection, subject_digests: Sequence[str], kind: str, *, lock: bool = False
) -> RequestRow | None:
    """Return the newest open request of a kind under one of the digests of an end user.

    ``lock`` it until the transaction ends.
    """
    statement = select(*_REQUEST).where(
        PrivacyRequest.subject_digest.in_(subject_digests),
        PrivacyRequest.kind == kind,
        PrivacyRequest.closed_at.is_(None),
    )
    newest = statement.order_by(PrivacyRequest.id.desc()).limit(1)
    return read_row(connection, RequestRow, newest.with_for_update() if lock else newest)


def waiting_requests(connection: Connection) -> list[WaitingRequest]:
    """Return the requests that are not closed, the one that is due first before the others."""
    statement = select(*_WAITING).where(PrivacyRequest.closed_at.is_(None))
    ordered = statement.order_by(PrivacyRequest.due_at, PrivacyRequest.id)
    return read_rows(connection, WaitingRequest, ordered)


def insert_request(
    connection: Connection,
    kind: str,
    subject_digest: str,
    *,
    opened_at: datetime,
    opened_by: str,
    due_at: datetime,
) -> int:
    """Insert a request, and return its id."""
    return insert_row(
        connection,
        PrivacyRequest,
        kind=kind,
        subject_digest=subject_digest,
        opened_at=opened_at,
        opened_by=opened_by,
        due_at=due_at,
        closed_by="",
        close_reason="",
    )


def update_request(connection: Connection, request_id: int, **values: Any) -> bool:
    """Write columns of a request that is open; return whether it is."""
    statement = update(PrivacyRequest).where(
        PrivacyRequest.id == request_id, PrivacyRequest.closed_at.is_(None)
    )
    return connection.execute(statement.values(values)).rowcount > 0


def sentences_of(connection: Connection, request_id: int) -> list[SentenceRow]:
    """Return the sentences of a request, by number and in the order in which they were found."""
    statement = select(*_SENTENCE).where(StaffSentence.request_id == request_id)
    ordered = statement.order_by(StaffSentence.number, StaffSentence.id)
    return read_rows(connection, SentenceRow, ordered)


def sentences_in_column(
    connection: Connection, table: str, key: Key, column: str
) -> list[SentenceRow]:
    """Return the sentences of all open requests in a text."""
    statement = select(*_SENTENCE).where(
        StaffSentence.table_name == table,
        StaffSentence.column_name == column,
        StaffSentence.digest != "",
    )
    rows = read_rows(connection, SentenceRow, statement.order_by(StaffSentence.id))
    return [row for row in rows if row.key == key]


def insert_sentence(
    connection: Connection,
    request_id: int,
    *,
    number: int,
    table: str,
    key: Key,
    column: str,
    digest: str,
    found_by: str,
) -> None:
    """Insert a sentence that nobody has decided."""
    insert_row(
        connection,
        StaffSentence,
        request_id=request_id,
        number=number,
        table_name=table,
        column_name=column,
        row_key=list(key),
        digest=digest,
        found_by=found_by,
        decision="",
        reason="",
        decided_by="",
    )


def move_sentence(connection: Connection, sentence_id: int, digest: str) -> None:
    """Store how a sentence reads now."""
    connection.execute(
        update(StaffSentence).where(StaffSentence.id == sentence_id).values(digest=digest)
    )


def decide_sentence(
    connection: Connection, sentence_id: int, *, before: str, **values: Any
) -> bool:
    """Write a decision, unless another was made meanwhile; return whether it was written."""
    statement = update(StaffSentence).where(
        StaffSentence.id == sentence_id, StaffSentence.decision == before
    )
    return connection.execute(statement.values(values)).rowcount > 0


def empty_digests(connection: Connection, request_id: int) -> None:
    """Forget how the sentences of a closed request read, and why those were erased that were."""
    of_request = update(StaffSentence).where(StaffSentence.request_id == request_id)
    connection.execute(of_request.values(digest=""))
    connection.execute(of_request.where(StaffSentence.decision == "erase").values(reason=""))
