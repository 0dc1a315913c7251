"""Rows that the release before wrote beside the present schema, until it was stopped.

The release before goes on while and after the schema is migrated. It knows nothing of the tables
and columns that the migrations added, so what it writes then is completed when a daemon of this
version starts: by the function ``complete(connection)`` of a migration, which returns the number
of rows, and finds none when it is repeated.
"""

from sqlalchemy import Connection

from monitor.store.advisory_lock import lock_until_commit
from monitor.store.migrations import completions
from monitor.store.schema.changes import ADVISORY_LOCK


def adopt_rows(connection: Connection) -> int:
    """Complete the rows of the release before; return how many were. Repeated, it does nothing."""
    lock_until_commit(connection, ADVISORY_LOCK)  # several replicas start at once
    return sum(complete(connection) for complete in completions())
