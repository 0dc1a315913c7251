"""DRIFTWARDEN_DEBUG: whole errors in the log, where the database is on this machine."""

import logging
from collections.abc import Iterator

import pytest
import structlog
import typer
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import ChildProcessFailedError, ConfigurationError, log_whole_errors, loggable
from monitor.settings import default_configuration
from monitor.telemetry import configure_logging
from tests.support.refusals import refusal

CANARY = "zqk my card number"
HERE = (
    "sqlite:///driftwarden.db",
    "postgresql+psycopg2://me:s3cret@localhost/x",
    "postgresql+psycopg2://me@127.0.0.1:5432,[::1]:5433/x",
    "postgresql+psycopg2:///x?host=/run/postgresql",
    "postgresql+psycopg2:///x",
)
ELSEWHERE = (
    "postgresql+psycopg2://me:s3cret@db.example/x",
    "postgresql+psycopg2://localhost:s3/cr@10.0.0.7:5432/x",
    "postgresql+psycopg2://me@localhost,db.example/x",
    "postgresql+psycopg2://localhost/x?host=db.example",
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    log_whole_errors(False)


def load(monkeypatch: pytest.MonkeyPatch, value: str, url: str) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DEBUG", value)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    default_configuration()


@pytest.mark.parametrize("url", HERE)
def test_debug_logs_whole_errors_of_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load(monkeypatch, "1", url)
    configure_logging(json=True)
    try:
        int(CANARY)
    except ValueError:
        structlog.get_logger().exception("job_failed")
    line = capsys.readouterr().err
    assert f"invalid literal for int() with base 10: '{CANARY}'" in line
    assert "test_debugging.py" in line
    assert CANARY in loggable(ChildProcessFailedError(f"ValueError: {CANARY}"))


@pytest.mark.parametrize("url", ELSEWHERE)
def test_debug_beside_a_remote_database_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusal("debug_refused", ConfigurationError):
        load(monkeypatch, "1", url)
    assert loggable(ValueError(CANARY)) == "ValueError"


def test_refused_debug_ends_a_command_with_78(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DEBUG", "1")
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", ELSEWHERE[0])
    command = typer.main.get_command(app)
    with pytest.raises(ConfigurationError) as refused:
        CliRunner().invoke(app, ["incidents", "list"], catch_exceptions=False)
    assert command is not None
    assert refused.value.exit_status == 78
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "0"])
def test_without_debug_the_class_is_logged(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log_whole_errors(True)
    load(monkeypatch, value, ELSEWHERE[0])
    assert loggable(ValueError(CANARY)) == "ValueError"


def test_other_value_of_debug_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusal("unknown_debug_value", ConfigurationError):
        load(monkeypatch, "yes", HERE[0])
