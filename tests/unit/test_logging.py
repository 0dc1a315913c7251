"""Content of the daemon's log."""

import inspect
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import structlog

from monitor.cli.shared.context import read_settings
from monitor.errors import ChildProcessFailedError, InputError, RecordError
from monitor.telemetry import configure_logging, log_thread_failures
from tests.unit.cli.test_help import PATHS, find

#: They copy a file, install a package, or print what they have, and log nothing.
SILENT = {("init",), ("taxonomy", "init"), ("db", "grants"), ("encoder", "fetch")}
COMMANDS = [path for path in PATHS if not hasattr(find(path), "commands") and path not in SILENT]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Restore the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_sends_its_logs_to_stderr(path: tuple[str, ...]) -> None:
    command = inspect.unwrap(find(path).callback)
    named = [command.__globals__.get(name) for name in command.__code__.co_names]
    helpers = [inspect.unwrap(entry) for entry in named if inspect.isfunction(entry)]
    names = {name for entry in (command, *helpers) for name in entry.__code__.co_names}
    assert names & {"read_configuration", "read_settings", "configure_logging"}


def test_commands_show_warnings_on_stderr_and_nothing_on_stdout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read_settings(None, None)

    structlog.get_logger().info("started")
    structlog.get_logger().warning("odd")
    logging.getLogger("bitsandbytes").warning("a faster kernel is missing")

    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "odd" in err


def test_logs_go_to_what_is_stderr_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging(json=True)
    put_before = StringIO()
    monkeypatch.setattr(sys, "stderr", put_before)

    logging.getLogger("monitor").warning("later")

    assert "later" in put_before.getvalue()


def test_a_log_file_takes_everything_from_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a.log"
    try:
        configure_logging(level=logging.WARNING, file=file)
        structlog.get_logger("monitor").info("started")
        structlog.get_logger("monitor").warning("odd", n=3)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn("a library's", UserWarning, stacklevel=1)
    finally:
        logging.captureWarnings(False)
        logging.getLogger().handlers[0].close()

    assert capsys.readouterr() == ("", "")
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [events[0]["event"], events[1]["logger"]] == ["odd", "py.warnings"]
    assert "a library's" in events[1]["event"]


def test_lines_of_the_schedule_do_not_bury_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(json=True)

    for name in ("apscheduler.executors.default", "alembic.runtime.migration", "monitor.traffic"):
        logging.getLogger(name).info("running a job")
        logging.getLogger(name).warning("a job failed")

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert [
        line.split('"logger": "')[1].split('"')[0] for line in lines if "running a job" in line
    ] == ["monitor.traffic"]


CANARY = "zqk my card number"


def fail(error: Exception) -> None:
    try:
        {}[CANARY]
    except KeyError as cause:
        raise error from cause


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(f"could not convert {CANARY!r}"), "ValueError"),
        (RecordError("wrong_type", CANARY), "wrong_type"),
        (ChildProcessFailedError(f"ValueError: {CANARY}", code="failed"), "ValueError"),
        (InputError("data.jsonl: no such file"), "data.jsonl: no such file"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_exceptions_are_logged_without_quotes(
    error: Exception, expected: str, json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error.add_note(CANARY)
    configure_logging(json=json)
    try:
        fail(error)
    except Exception:
        structlog.get_logger().exception("job_failed")
        logging.getLogger("uvicorn.error").exception("request failed")

    logged = capsys.readouterr().err
    assert logged.count(expected) >= 2
    assert logged.count("KeyError") == 2
    assert logged.count("test_logging.py") >= 4  # where they were raised
    assert "zqk" not in logged


def test_the_end_of_a_thread_is_logged_without_quotes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    configure_logging(json=True)
    log_thread_failures()

    thread = threading.Thread(target=fail, args=(ValueError(CANARY),), name="receiver")
    thread.start()
    thread.join()

    (line,) = capsys.readouterr().err.splitlines()
    assert "thread_failed" in line
    assert "receiver" in line
    assert "zqk" not in line
