"""A finding of `driftwarden check`, and the database that checks read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from monitor.settings import Sections

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Finding:
    """The state of one thing that the daemon needs."""

    #: ``ok``, ``note`` (works, but worth knowing) or ``fail``.
    status: str
    #: What there is, or what to do.
    message: str
    #: What was checked, as the list of checks calls it.
    name: str = ""


ok, note, fail = partial(Finding, "ok"), partial(Finding, "note"), partial(Finding, "fail")


@contextmanager
def open_connection(settings: Sections) -> "Iterator[Connection]":
    """Open the database, check its schema, and yield a connection."""
    from monitor.store.engine import make_engine, transaction
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    try:
        require_current(engine)
        with transaction(engine) as connection:
            yield connection
    finally:
        engine.dispose()
