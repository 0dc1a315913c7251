"""The full-text index of stored exchanges, which the leader writes in the background.

Ingest would take three times as long for a batch that it also indexes.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.search.index import index_exchanges
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.windows.versions.split import version_finder

#: Exchanges that are indexed in one transaction, and the time that a run takes at most, about.
ROWS_AT_ONCE = 200
MAX_SECONDS = 5.0


def index_new_exchanges(
    engine: Engine,
    settings: Sections,
    now: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> None:
    """Index the exchanges that were stored since the last call; some seconds at most.

    Each is indexed once, whatever is killed. It writes only where something is new.
    """
    deadline = time.monotonic() + MAX_SECONDS
    after_id: int | None = 0
    while after_id is not None and may_continue() and time.monotonic() < deadline:
        with transaction(engine) as connection:
            after_id = index_exchanges(
                connection,
                _finder(connection, settings),
                now,
                after_id=after_id,
                limit=ROWS_AT_ONCE,
            )


def _finder(
    connection: Connection, settings: Sections
) -> Callable[[str, Mapping[str, Any], datetime], str]:
    """Return the function that tells the version of a response of any model."""

    @cache
    def of_model(model: str) -> Callable[[Mapping[str, Any], datetime], str]:
        field = settings.settings_of(model).model.version_field
        return version_finder(serving_periods(connection, model), field=field)

    return lambda model, attributes, occurred_at: of_model(model)(attributes, occurred_at)
