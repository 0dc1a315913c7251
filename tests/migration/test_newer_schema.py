"""Databases that this version does not know: every command refuses them, and says what to do."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import text

from monitor.cli import main
from monitor.store import migrations
from monitor.store.engine import make_engine, transaction
from tests.unit.cli.test_help import PATHS, find

#: Commands that open no database, or refuse what else is missing before.
WITHOUT_DATABASE = {
    "init", "demo", "compare", "bench drift", "taxonomy check", "taxonomy show", "taxonomy init",
    "retrain plan", "retrain label", "rollout revert", "check", "db check", "db restore",
    "probes run", "probes accept", "sizing", "db grants", "privacy inventory", "encoder fetch",
}  # fmt: skip
#: Arguments of commands that check them before they open the database.
ARGUMENTS = {
    "review give": ["--to", "Ann", "--item", "1"],
    "forget": ["--subject", "a"],
    "replay": ["--dead-letters"],
    "suppress remove": ["--reason", "consent", "--subject", "a"],
    "subject export": ["a", "--output", "out"],
    "requests open": ["--kind", "access", "--subject", "a"],
    "requests decide": ["1", "1", "--include", "--reason", "hers", "--as", "Ann"],
    "requests close": ["1", "--as", "Ann"],
    "incidents snooze": ["1", "4h", "--as", "Ann"],
}
LEAVES = [" ".join(path) for path in PATHS if not hasattr(find(path), "commands")]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database of a version to come."""
    url = f"sqlite:///{tmp_path_factory.mktemp('newer') / 'newer.db'}"
    engine = make_engine(url)
    with transaction(engine) as connection:
        migrations.create_newest(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    engine.dispose()
    return url


@pytest.fixture
def newer(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the commands open the database of a version to come."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", database)
    return database


def arguments_of(command: str, folder: Path) -> list[str]:
    """Return arguments that a command accepts, by their types."""
    if command in ARGUMENTS:
        return ARGUMENTS[command]
    (folder / "file.jsonl").write_text('{"prompt": "a", "response": "b"}\n')
    values = []
    for parameter in find(tuple(command.split())).params:
        is_argument = parameter.opts == [parameter.name]
        if not parameter.required:
            continue
        kind = parameter.type_descriptor.annotation
        value = str(folder / "file.jsonl") if "Path" in str(kind) else "1"
        if choices := get_args(kind):
            value = str(choices[0]) if isinstance(choices[0], str) else value
        values += [value] if is_argument else [parameter.opts[0], value]
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


def test_a_missing_file_is_refused_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", "sqlite:///absent.db")
    for command in sorted(set(LEAVES) - WITHOUT_DATABASE - {"db upgrade"} | {"db check"}):
        line = ["driftwarden", *command.split(), *arguments_of(command, tmp_path)]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        assert (command, ended.value.code) == (command, 78)
        assert str(tmp_path / "absent.db") in capsys.readouterr().err
        assert not Path("absent.db").exists(), command
