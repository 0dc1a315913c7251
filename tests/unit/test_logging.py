"""Content of the daemon's log."""

import inspect
import logging
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog

from monitor.cli.shared.context import read_settings
from monitor.telemetry import configure_logging
from tests.unit.cli.test_help import PATHS, find

#: `taxonomy init` copies a file and logs nothing.
COMMANDS = [
    path for path in PATHS if not hasattr(find(path), "commands") and path != ("taxonomy", "init")
]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Restore the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_sends_its_logs_to_stderr(path: tuple[str, ...]) -> None:
    source = inspect.getsource(inspect.unwrap(find(path).callback))
    reads = (
        "read_settings(",
        "read_configuration(",
        "transaction_of_model(",
        "configure_logging(",
    )
    assert any(name in source for name in reads)


def test_commands_show_warnings_on_stderr_and_nothing_on_stdout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read_settings(None, None)

    structlog.get_logger().info("started")
    structlog.get_logger().warning("odd")
    logging.getLogger("bitsandbytes").warning("a faster kernel is missing")

    out, err = capsys.readouterr()
    assert ("", 1) == (out, len(err.splitlines()))
    assert "odd" in err


def test_logs_go_to_what_is_stderr_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging(json=True)
    put_before = StringIO()
    monkeypatch.setattr(sys, "stderr", put_before)

    logging.getLogger("monitor").warning("later")

    assert "later" in put_before.getvalue()


def test_lines_of_the_schedule_do_not_bury_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(json=True)

    for name in ("apscheduler.executors.default", "alembic.runtime.migration", "monitor.traffic"):
        logging.getLogger(name).info("running a job")
        logging.getLogger(name).warning("a job failed")

    lines = capsys.readouterr().err.splitlines()
    assert 4 == len(lines)
    assert ["monitor.traffic"] == [
        line.split('"logger": "')[1].split('"')[0] for line in lines if "running a job" in line
    ]
