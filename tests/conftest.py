"""Fixtures for all kinds of tests."""

import gc
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from bench.services.kafka import (  # noqa: F401 - fixtures
    bootstrap_servers,
    create_topic,
    module_broker,
    own_broker,
    producer,
    topic,
)
from bench.services.postgres import (  # noqa: F401 - fixtures
    any_engine,
    own_postgres,
    postgres_database,
    postgres_emptied,
    postgres_empty_database,
    postgres_engine,
    postgres_url,
)
from monitor.accounts import passwords
from monitor.store.engine import make_engine
from monitor.store.tables import metadata
from tests.failover.summary import pytest_terminal_summary  # noqa: F401 - a hook


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over modules and tests again and again.

    It took more than a quarter of the time in which tests are collected, and a tenth of that in
    which they run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def production_hasher() -> Iterator[PasswordHasher]:
    """Hash passwords cheaply: the full cost took half of the time of the review tests."""
    hasher = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield hasher
    passwords._hasher = hasher


@pytest.fixture
def clock() -> datetime:
    """Return a Monday, 00:00 UTC."""
    return datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the declared schema: a copy takes a tenth of making it."""
    path = tmp_path_factory.mktemp("template") / "driftwarden.db"
    created = make_engine(f"sqlite:///{path}")
    metadata.create_all(created)
    created.dispose()  # the last connection writes the log back into the file
    return path


@pytest.fixture
def engine(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """Return a new SQLite database with the declared schema."""
    path = shutil.copyfile(sqlite_template, tmp_path / "driftwarden.db")
    created = make_engine(f"sqlite:///{path}")
    yield created
    created.dispose()
