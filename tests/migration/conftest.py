"""Databases without a schema, and those of a release with data."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from monitor.store.engine import make_engine
from tests.migration.dump_release import restore
from tests.migration.made_up import EXPANSION, PRESENT, next_release


@pytest.fixture
def empty_postgres(postgres_url: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database without a schema."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    administration = create_engine(
        make_url(postgres_url).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with administration.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administration.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return a database of either kind without a schema."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("empty_postgres")
    engine = make_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the dumps of the made-up release."""
    return tmp_path_factory.mktemp("dumps")


@pytest.fixture
def next_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let the code be the release after the present schema's; return its migrations."""
    with next_release(tmp_path_factory.mktemp("next"), EXPANSION) as folder:
        yield folder


@pytest.fixture
def released(empty_engine: Engine, dumps: Path) -> Engine:
    """Return a database of the made-up release that has the present schema, with data."""
    restore(empty_engine, PRESENT, dumps)
    return empty_engine


@pytest.fixture
def file(dumps: Path, tmp_path: Path) -> Iterator[Engine]:
    """Return the same in a SQLite file."""
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    restore(engine, PRESENT, dumps)
    yield engine
    engine.dispose()
