"""Fixtures for all kinds of tests."""

import gc
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
    postgres_empty_database,
    postgres_engine,
    postgres_url,
)
from monitor.accounts import passwords
from monitor.store.engine import make_engine
from monitor.store.tables import metadata


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector from walking over modules and tests again and again.

    It took more than a quarter of the time in which tests are collected.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
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


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return a new SQLite database with the declared schema."""
    created = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    metadata.create_all(created)
    yield created
    created.dispose()
