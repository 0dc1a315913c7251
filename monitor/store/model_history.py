"""History of a model under another name: carried over where only one of the names has any."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    UniqueConstraint,
    delete,
    exists,
    select,
    union,
    update,
)

from monitor.store.accounts.grants import rename_model
from monitor.store.alerts.incidents import close_duplicates
from monitor.store.audit_log import append_entry
from monitor.store.rows import update_row
from monitor.store.tables import (
    AccessEntry,
    AuditEntry,
    Baseline,
    DriftEvaluation,
    Exchange,
    ExchangeTerms,
    Feedback,
    Incident,
    Look,
    ModelVersion,
    OutboxMessage,
    RegistryMirror,
    Rollout,
    RolloutObservation,
    SignalCount,
    StoredExchanges,
    TaxonomyPublication,
    TrainingRun,
    UnlistedExchanges,
    UserGrant,
    WatchPause,
    WithheldExchanges,
)
from monitor.store.traffic.daily_counts import ModelDay, SampledCount, add_counts
from monitor.store.traffic.exchanges import names_of_stored
from monitor.store.traffic.stored_counts import add_stored_counts
from monitor.table_types.base import Base

ACTOR = "driftwarden"
#: The name that stands for the daemon in incidents and messages.
DAEMON = ""
RENAMED = "renamed"

#: Rows with a model that are no history of it; those of the access log are never changed.
NO_HISTORY = (AccessEntry.__table__, UnlistedExchanges.__table__, UserGrant.__table__)
#: Tables whose rows may be of both names: ingest knows a new name before the history is carried
#: over, conditions such as missing traffic may hold for it, a user may import a baseline, and the
#: daemon publishes a configured taxonomy when it starts.
OF_BOTH_NAMES = frozenset(
    table.__table__
    for table in (
        Exchange,
        ExchangeTerms,
        Feedback,
        RolloutObservation,
        StoredExchanges,
        TaxonomyPublication,
        WithheldExchanges,
        Baseline,
        Incident,
        Look,
        OutboxMessage,
        RegistryMirror,
        SignalCount,
        WatchPause,
    )
)

_NAMES = union(
    names_of_stored(),
    *(
        select(table.model)
        for table in (Baseline, DriftEvaluation, Incident, ModelVersion, TrainingRun)
    ),
)


def models_with_history(connection: Connection) -> set[str]:
    """Return the models with traffic, evaluations, versions or runs, listed now or not."""
    return set(connection.execute(_NAMES).scalars()) - {DAEMON, None}


def watched_models(connection: Connection) -> set[str]:
    """Return the models that were evaluated, trained or served under this name."""
    queries = [select(table.c.model) for table in _tables() if table not in OF_BOTH_NAMES]
    return set(connection.execute(union(*queries)).scalars()) - {DAEMON}


def watched_since_before(connection: Connection, time: datetime) -> set[str]:
    """Return the models that were evaluated, trained or rolled out, or had an incident, by a time.

    One that is not listed yet may have a baseline, versions and traffic: it was never watched.
    """
    began = (
        (DriftEvaluation.model, DriftEvaluation.started_at),
        (TrainingRun.model, TrainingRun.created_at),
        (Rollout.model, Rollout.started_at),
        (Incident.model, Incident.opened_at),
    )
    queries = [select(model).where(at <= time) for model, at in began]
    return set(connection.execute(union(*queries)).scalars()) - {DAEMON}


def carry_over(connection: Connection, old: str, new: str, now: datetime) -> int:
    """Give a model the rows and the grants under its old name, unless both names were watched.

    A running evaluation of the old name loses its claim: it reads rows that have another name now.
    Return the number of rows of the history that were renamed.
    """
    watched = watched_models(connection)
    if {old, new} <= watched:
        return 0
    grants = rename_model(connection, old, new)
    renamed = 0
    if old in models_with_history(connection):
        # What both names have is kept of the name that was watched.
        loser = new if old in watched else old
        close_duplicates(connection, loser, old if loser == new else new, now)
        renamed = _rename_rows(connection, old, new, loser)
    if renamed or grants:
        details = {"from": old, "rows": renamed, "grants": grants}
        append_entry(connection, now, ACTOR, RENAMED, f"model:{new}", details)
    return renamed


def _rename_rows(connection: Connection, old: str, new: str, loser: str) -> int:
    _revoke_claims(connection, old)
    _add_withheld(connection, old, new)
    _add_stored(connection, old, new)
    renamed = 0
    for table in _tables():
        _delete_duplicates(connection, table, loser, old if loser == new else new)
        statement = update(table).where(table.c.model == old).values(model=new)
        renamed += connection.execute(statement).rowcount
    connection.execute(delete(UnlistedExchanges).where(UnlistedExchanges.model == old))
    if renamed:  # else another process was faster
        # Another registry has the versions under the old name.
        connection.execute(
            update(RegistryMirror)
            .where(RegistryMirror.model == new)
            .values(n_changes=RegistryMirror.n_changes + 1)
        )
    return renamed


def earlier_names(connection: Connection, models: Iterable[str]) -> set[str]:
    """Return the models with the names that they had before, which files may still carry."""
    renames = connection.execute(
        select(AuditEntry.subject, AuditEntry.details).where(AuditEntry.action == RENAMED)
    ).all()
    names = set(models)
    while earlier := {
        str(details["from"])
        for subject, details in renames
        if subject.removeprefix("model:") in names and details["from"] not in names
    }:
        names |= earlier
    return names


def _revoke_claims(connection: Connection, model: str) -> None:
    running = connection.execute(
        select(DriftEvaluation.id, DriftEvaluation.started_at).where(
            DriftEvaluation.model == model, DriftEvaluation.status == "running"
        )
    ).all()
    for row in running:
        # A claim is known by its start.
        revoked = row.started_at + timedelta(microseconds=1)
        update_row(connection, DriftEvaluation, row.id, started_at=revoked, claimed_until=revoked)


def _add_withheld(connection: Connection, old: str, new: str) -> None:
    rows = connection.execute(
        select(
            WithheldExchanges.source,
            WithheldExchanges.day,
            WithheldExchanges.count,
            WithheldExchanges.estimated_total,
        ).where(WithheldExchanges.model == old)
    )
    counts = {ModelDay(source, new, day): SampledCount(n, total) for source, day, n, total in rows}
    add_counts(connection, WithheldExchanges, counts)
    connection.execute(delete(WithheldExchanges).where(WithheldExchanges.model == old))


def _add_stored(connection: Connection, old: str, new: str) -> None:
    rows = connection.execute(
        delete(StoredExchanges)
        .where(StoredExchanges.model == old)
        .returning(StoredExchanges.day, StoredExchanges.count)
    )
    add_stored_counts(connection, {(new, day): count for day, count in rows})


def _delete_duplicates(connection: Connection, table: Table, loser: str, winner: str) -> None:
    """Delete the rows of a name that would violate a constraint under the other."""
    if table is Incident.__table__:  # the one of two that are unresolved is closed
        return
    other = table.alias()
    for columns in _unique_columns(table):
        rest = [name for name in columns if name != "model"]
        same = [table.c[name] == other.c[name] for name in rest]
        connection.execute(
            delete(table).where(
                table.c.model == loser, exists().where(other.c.model == winner, *same)
            )
        )


def _unique_columns(table: Table) -> list[list[str]]:
    """Return the sets of columns with the model that may occur once."""
    constraints: list[Any] = [
        table.primary_key,
        *(entry for entry in table.constraints if isinstance(entry, UniqueConstraint)),
        # Of partial indices too: a name that was not watched has no row in them but a pause.
        *(index for index in table.indexes if index.unique),
    ]
    columns = [[column.name for column in constraint.columns] for constraint in constraints]
    return [names for names in columns if "model" in names]


def _tables() -> list[Table]:
    """Return the tables whose rows are the history of a model."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "model" in table.c and table not in NO_HISTORY
    ]
