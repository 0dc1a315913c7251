"""A finding of `driftwarden check`, and the database that checks read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from monitor.settings import Sections

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: The checks run at once; a server has few connections.
_CONNECTIONS = threading.BoundedSemaphore(8)


@dataclass(frozen=True)
class Finding:
    """The state of one thing that the daemon needs."""

    #: ``ok``, ``note`` (works, but worth knowing) or ``fail``.
    status: str
    #: What there is, or what to do.
    message: str
    #: What was checked, as the list of checks calls it.
    name: str = ""
    #: Empty: the daemon itself.
    model: str = ""
    #: What to type or do next.
    command: str = ""
    #: Of those with the same status, the more urgent come first: 0 is the most urgent.
    rank: int = 1
    #: Time that the check took.
    seconds: float = 0.0


ok, note, fail = partial(Finding, "ok"), partial(Finding, "note"), partial(Finding, "fail")


def worst_first(finding: Finding) -> tuple[int, int]:
    """Return the key by which findings are sorted, the worst first."""
    return ("fail", "note", "ok").index(finding.status), finding.rank


@contextmanager
def open_connection(settings: Sections) -> "Iterator[Connection]":
    """Open the database, check its schema, and yield a connection that writes nothing."""
    from monitor.store.engine import SNAPSHOT, make_engine, snapshot
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    with _CONNECTIONS:
        try:
            require_current(engine.execution_options(**{SNAPSHOT: True}))
            with snapshot(engine) as connection:
                yield connection
        finally:
            engine.dispose()
