"""Fixtures for all kinds of tests."""

import gc
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis.internal.conjecture import providers
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
from tests.support.database_copy import database_copy
from tests.support.shared_compilation import shared_authorities, shared_statements

HERE = Path(__file__).parent
# jsonschema compiles its grammar of IRIs, which no schema here uses: 1.2 s in each worker.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
# An example that takes long on a busy machine is no fault. In CI this is Hypothesis's own default.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
# Hypothesis draws constants from the source of all modules here. The product's take each
# worker 3 s; the tests' would take 3 s more.
is_local_module = providers.is_local_module_file
providers.is_local_module_file = lambda path: (
    is_local_module(path) and not path.startswith((f"{HERE}/", f"{HERE.parent / 'bench'}/"))
)
#: Folders of tests that wait more than they compute.
WAITING = {"alarms", "end_to_end", "failover"}
#: Folders whose files take a second, so that no worker is alone with a long one at the end.
QUICK = {"unit"}


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
        gc.set_threshold(100_000, 20, 20)
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the files whose tests wait for services and children over those that compute.

    Side by side, as the folders come, they leave the processor idle; so do those that begin when
    only quick files are left. A third of the quick files comes last. Files that are named keep
    their order.
    """
    if any(name.endswith(".py") for name in config.args):
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting, quick, rest = list[Path](), list[Path](), list[Path]()
    for path in files:
        folder = path.parts[len(HERE.parts)]
        (waiting if folder in WAITING else quick if folder in QUICK else rest).append(path)
    early = len(quick) * 2 // 3
    ordered = [*_spread(waiting, rest, quick[:early]), *quick[early:]]
    items[:] = [item for path in ordered for item in files[path]]


def _spread(*groups: list[Path]) -> list[Path]:
    """Return the files of all groups, each group's at equal distances."""
    places = [
        ((number + 0.5) / len(group), path) for group in groups for number, path in enumerate(group)
    ]
    return [path for _, path in sorted(places)]


@pytest.fixture(scope="session", autouse=True)
def production_hasher() -> Iterator[PasswordHasher]:
    """Hash passwords cheaply: the full cost took half of the time of the review tests."""
    hasher = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield hasher
    passwords._hasher = hasher


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Log errors with plain tracebacks: with colours and variables, one takes half a second."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure([*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(scope="session", autouse=True)
def shared_work() -> Iterator[None]:
    """Compile statements and read certificates once for all tests of a process."""
    with shared_statements(), shared_authorities():
        yield


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
    with database_copy(sqlite_template, tmp_path / "driftwarden.db") as created:
        yield created
