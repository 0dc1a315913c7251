"""Hooks of integration tests."""

import sys
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Let the next test use the applications of the page that this one has used."""
    yield
    apps = sys.modules.get("tests.support.web.apps")  # most tests use none, and it takes a second
    if apps is not None:
        apps.give_back()


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite wait half a second for other connections, of engines that are made after this."""
    monkeypatch.setattr("monitor.store.engine.SQLITE_WAIT_SECONDS", 0.5)
