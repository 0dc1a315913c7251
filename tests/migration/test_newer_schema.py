"""Databases that this version does not know: every command refuses them, and says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.cli import main
from monitor.store import migrations
from monitor.store.engine import make_engine, transaction
from tests.unit.cli.test_help import PATHS, find

#: Commands that open no database.
WITHOUT_DATABASE = {
    "init", "demo", "compare", "bench drift", "taxonomy check", "taxonomy show", "taxonomy init",
    "retrain plan", "retrain label", "rollout revert", "check", "db check",
}  # fmt: skip
LEAVES = [" ".join(path) for path in PATHS if not hasattr(find(path), "commands")]


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database of a version to come."""
    url = f"sqlite:///{tmp_path / 'newer.db'}"
    engine = make_engine(url)
    with transaction(engine) as connection:
        migrations.create_newest(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    engine.dispose()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    return url


def arguments_of(command: str, folder: Path) -> list[str]:
    """Return arguments that a command accepts: of its kind each."""
    values = []
    (folder / "file.jsonl").write_text('{"prompt": "a", "response": "b"}\n')
    for parameter in find(tuple(command.split())).params:
        needed = parameter.required or parameter.param_type_name == "argument"
        if not needed:
            continue
        value = "1"
        kind = type(parameter.type).__name__
        if "Path" in kind:
            value = str(folder / "file.jsonl")
        elif choices := getattr(parameter.type, "choices", None):
            value = str(next(iter(choices)))
        values += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return values


@pytest.mark.parametrize("command", sorted(set(LEAVES) - WITHOUT_DATABASE))
def test_a_newer_schema_is_refused_without_a_traceback(
    newer: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    del newer
    line = ["driftwarden", *command.split(), *arguments_of(command, tmp_path)]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 78, error
    assert "0999" in error
    assert "db downgrade" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["check", "db check"])
def test_checks_report_a_newer_schema_with_the_rest(
    newer: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del newer
    monkeypatch.setattr(sys, "argv", ["driftwarden", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    output = capsys.readouterr()
    assert ended.value.code == {"check": 1, "db check": 78}[command]
    assert "0999" in output.out
    assert "Traceback" not in output.err


def test_a_process_prints_one_line_for_a_newer_schema(newer: str, tmp_path: Path) -> None:
    del newer
    done = subprocess.run(
        [sys.executable, "-m", "driftwarden", "db", "upgrade"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1)
