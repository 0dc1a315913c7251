"""Databases with the newest schema and rows in every table."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.tables import metadata
from tests.support.filled_tables import fill_tables
from tests.support.stamped import stamped


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def filled(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Return a database of either kind, with rows in every table."""
    name = "engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    with transaction(engine) as connection:
        fill_tables(connection, metadata)
    with stamped(engine):
        yield engine
