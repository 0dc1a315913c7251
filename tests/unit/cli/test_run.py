"""`driftwarden run` before the daemon is imported."""

import sys
from types import ModuleType

import pytest

from tests.support.command import Run, run_command  # noqa: F401 - a fixture


def test_first_line_of_the_log_precedes_the_imports(
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def end(_name: str) -> None:
        raise SystemExit(3)

    module = ModuleType("monitor.daemon.app")
    module.__getattr__ = end  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    done = run_command("run")
    assert done.returncode == 3
    assert "daemon_starting" in done.stderr


def test_unknown_parts_are_refused(run_command: Run) -> None:  # noqa: F811
    done = run_command("run", "--only", "nothing")
    assert done.returncode == 78  # a configuration error
    assert "nothing" in done.stderr
