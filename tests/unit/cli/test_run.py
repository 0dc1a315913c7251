"""`driftwarden run` before the daemon is imported."""

import json
import sys
from pathlib import Path
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


@pytest.mark.parametrize("file", ["missing.toml", "wrong.toml"])
def test_a_configuration_error_is_a_line_of_the_json_log(
    run_command: Run,  # noqa: F811
    tmp_path: Path,
    file: str,
) -> None:
    (tmp_path / "wrong.toml").write_text("kafka.topik = 'a'\nkafka.grop = 'b'\n")
    done = run_command("run", "-c", file)
    assert done.returncode == 78
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["event"], last["level"], last["exit_status"]) == ("daemon_ended", "error", 78)
    assert file in last["error"] or "topik" in last["error"]
    assert all(json.loads(line) for line in done.stderr.splitlines())


def test_errors_of_other_commands_are_text(run_command: Run) -> None:  # noqa: F811
    done = run_command("digest", "-c", "missing.toml")
    assert done.stderr.startswith("driftwarden: ")


def test_an_error_on_a_terminal_is_text(
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    done = run_command("run", "-c", "missing.toml")
    assert done.stderr.startswith("driftwarden: ")
