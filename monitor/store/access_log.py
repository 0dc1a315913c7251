"""Queries of the access log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from monitor.store.model_sets import EVERY_MODEL, ModelSet, of_models
from monitor.store.rows import columns_of
from monitor.store.tables import AccessEntry

Source = Literal["web", "command"]
Action = Literal["signed_in", "sign_in_refused", "signed_out", "read", "exported"]
ACTIONS: tuple[Action, ...] = ("signed_in", "sign_in_refused", "signed_out", "read", "exported")


#: Commands that print texts, which a shell may send to a file.
PRINTS_REPORTS = ("driftwarden evaluate", "driftwarden digest")


@dataclass(frozen=True, kw_only=True)
class Access:
    """An access. See the table ``access_log``."""

    occurred_at: datetime
    source: Source
    actor: str
    action: Action
    kind: str = ""
    object_id: str = ""
    model: str = ""
    place: str = ""
    address: str = ""
    peer: str = ""

    @property
    def origin(self) -> str:
        """The address, and which peer forwarded it."""
        if self.peer in {"", self.address}:
            return self.address
        return f"{self.address} forwarded by {self.peer}"


@dataclass(frozen=True, kw_only=True)
class AccessRow(Access):
    """An entry of the access log."""

    id: int


@dataclass(frozen=True)
class CopiesRow:
    """A command that wrote texts out of the database."""

    #: The command, and the machine.
    place: str
    address: str
    n: int
    last_at: datetime
    #: Where archives were written, as far as it is known.
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AccessFilter:
    """A filter of entries; an empty value matches any."""

    actor: str = ""
    action: str = ""
    kind: str = ""
    object_id: str = ""
    address: str = ""
    #: Entries from this time on, and before that one.
    since: datetime | None = None
    until: datetime | None = None
    #: Entries before this one, for the next page.
    before_id: int | None = None
    models: ModelSet = EVERY_MODEL


def append_access(connection: Connection, access: Access) -> None:
    """Append an entry."""
    connection.execute(insert(AccessEntry), vars(access))


def list_accesses(connection: Connection, search: AccessFilter, limit: int) -> list[AccessRow]:
    """Return the entries that match, the newest first."""
    conditions: list[ColumnElement[bool]] = [*of_models(AccessEntry.model, search.models)]
    for name in ("actor", "action", "kind", "object_id"):
        wanted = getattr(search, name)
        if wanted:
            conditions.append(getattr(AccessEntry, name) == wanted)
    if search.address:
        conditions.append(
            or_(*(c == search.address for c in (AccessEntry.address, AccessEntry.peer)))
        )
    if search.since is not None:
        conditions.append(AccessEntry.occurred_at >= search.since)
    if search.until is not None:
        conditions.append(AccessEntry.occurred_at < search.until)
    if search.before_id is not None:
        conditions.append(AccessEntry.id < search.before_id)
    statement = select(*columns_of(AccessRow, AccessEntry)).where(*conditions)
    statement = statement.order_by(AccessEntry.id.desc()).limit(limit)
    return [AccessRow(**row) for row in connection.execute(statement).mappings()]


def last_archives(connection: Connection, limit: int) -> list[datetime]:
    """Return when archives of the database were finished, the newest first."""
    statement = select(AccessEntry.occurred_at).where(AccessEntry.kind == "archive")
    statement = statement.order_by(AccessEntry.id.desc()).limit(limit)
    return list(connection.execute(statement).scalars())


def forwarding_peers(connection: Connection, since: datetime) -> dict[str, int]:
    """Return the peers that forwarded the addresses of entries, with the number of entries."""
    statement = (
        select(AccessEntry.peer, func.count())
        .where(
            AccessEntry.occurred_at >= since,
            AccessEntry.peer != "",
            AccessEntry.peer != AccessEntry.address,
        )
        .group_by(AccessEntry.peer)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def copies_by_commands(connection: Connection, since: datetime) -> list[CopiesRow]:
    """Return the commands that wrote texts out of the database, with how often and where."""
    by_command = (AccessEntry.place, AccessEntry.address)
    conditions = (
        AccessEntry.source == "command",
        (AccessEntry.action == "exported") | AccessEntry.place.in_(PRINTS_REPORTS),
        AccessEntry.kind != "database",  # an archive counts when it is finished
        AccessEntry.occurred_at >= since,
    )
    archives = select(*by_command, AccessEntry.object_id).distinct()
    archives = archives.where(
        *conditions, AccessEntry.kind == "archive", AccessEntry.object_id != ""
    )
    paths: dict[tuple[str, str], list[str]] = {}
    for place, address, path in connection.execute(archives.order_by(AccessEntry.object_id)):
        paths.setdefault((place, address), []).append(path)
    statement = select(*by_command, func.count(), func.max(AccessEntry.occurred_at))
    statement = statement.where(*conditions).group_by(*by_command).order_by(*by_command)
    return [
        CopiesRow(*row, tuple(paths.get((row[0], row[1]), ())))
        for row in connection.execute(statement)
    ]
