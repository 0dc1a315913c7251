"""History of a model under another name: carried over where only one of the names has any."""

from datetime import datetime

from sqlalchemy import Connection, Table, delete, select, update

from monitor.store.accounts.grants import rename_model
from monitor.store.audit_log import append_entry
from monitor.store.tables import (
    Base,
    Baseline,
    DriftEvaluation,
    Incident,
    ModelVersion,
    TrainingRun,
    UnlistedExchanges,
    UserGrant,
)
from monitor.store.traffic.exchanges import stored_models

ACTOR = "driftwarden"


#: Rows with a model that are no history of it.
NO_HISTORY = (UnlistedExchanges.__table__, UserGrant.__table__)


def models_with_history(connection: Connection) -> set[str]:
    """Return the models with traffic, evaluations, versions or runs, listed now or not."""
    tables = (Baseline, DriftEvaluation, Incident, ModelVersion, TrainingRun)
    models = stored_models(connection)
    for table in tables:
        models.update(connection.execute(select(table.model).distinct()).scalars())
    return models


def has_history(connection: Connection, model: str) -> bool:
    """Return whether any row is of a model; grants and counts of unlisted models are none."""
    return any(
        connection.execute(
            select(table.c.model).where(table.c.model == model).limit(1)
        ).one_or_none()
        for table in _tables()
    )


def carry_over(connection: Connection, old: str, new: str, now: datetime) -> int:
    """Give a model the history and the grants under its old name.

    Where both names have a history, both keep theirs, and their grants.

    Returns:
        The number of rows of the history that were renamed.
    """
    past = has_history(connection, old)
    if past and has_history(connection, new):
        return 0
    grants = rename_model(connection, old, new)
    renamed = 0
    for table in _tables() if past else ():
        statement = update(table).where(table.c.model == old).values(model=new)
        renamed += connection.execute(statement).rowcount
    if past:
        connection.execute(delete(UnlistedExchanges).where(UnlistedExchanges.model == old))
    if past or grants:
        details = {"from": old, "rows": renamed, "grants": grants}
        append_entry(connection, now, ACTOR, "renamed", f"model:{new}", details)
    return renamed


def _tables() -> list[Table]:
    """Return the tables whose rows are the history of a model."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "model" in table.c and table not in NO_HISTORY
    ]
