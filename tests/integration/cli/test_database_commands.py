"""`driftwarden db`: exit statuses and output."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.store import migrations
from monitor.store.audit_log import append_entry
from monitor.store.engine import make_engine, transaction
from monitor.store.schema.safety_copy import CopyOptions, SafetyCopy
from monitor.store.tables import metadata
from tests.migration.made_up import EXPANSION, PRESENT, next_release
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.filled_tables import MOMENT, fill_tables


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a SQLite database with the newest schema, which the commands open."""
    path = tmp_path / "a.db"
    path.write_bytes(sqlite_template.read_bytes())
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        opened.execute("INSERT INTO alembic_version VALUES (?)", [migrations.head_revision()])
        opened.commit()
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", f"sqlite:///{path}")
    return path


def state(run: Run) -> tuple[int, dict[str, object]]:
    done = run("db", "check", "--json")
    return done.returncode, json.loads(done.stdout)


def test_check_of_a_sound_database(run_command: Run, database: Path) -> None:  # noqa: F811
    status, fields = state(run_command)
    assert status == 0
    assert fields["revision"] == fields["needed"] == migrations.head_revision()
    assert (fields["schema"], fields["pending"], fields["problems"]) == ("current", [], [])
    assert "no problem found" in run_command("db", "check").stdout
    assert database.exists()


def test_check_creates_no_database(run_command: Run, database: Path) -> None:  # noqa: F811
    database.unlink()
    assert run_command("db", "check").returncode == 78
    assert not database.exists()


def test_check_lists_what_is_pending(
    run_command: Run,  # noqa: F811
    database: Path,
    tmp_path: Path,
) -> None:
    with next_release(tmp_path / "code", EXPANSION):
        status, fields = state(run_command)
        assert (status, fields["schema"]) == (78, "outdated_schema")
        pending = fields["pending"]
        assert pending == [{"revision": "9001", "summary": "Made up 0"}]
        assert (fields["release"], fields["previous_release"]) == (PRESENT.version, "")
        assert run_command("db", "upgrade").returncode == 0
        _, fields = state(run_command)
        assert (fields["release"], fields["previous_release"]) == (PRESENT.version,) * 2
        assert run_command("db", "downgrade").returncode == 0
        _, fields = state(run_command)
    assert fields["revision"] == PRESENT.revision


def test_check_names_an_interrupted_migration(run_command: Run, database: Path) -> None:  # noqa: F811
    SafetyCopy(database, CopyOptions()).begin("0001", "0002")
    status, fields = state(run_command)
    assert status == 0
    assert fields["interrupted"]["copy"] == f"{database}.before-0001"  # type: ignore[index]


BROKEN = {
    "audit log: entry 10": (
        "DROP TRIGGER audit_log_no_update; UPDATE audit_log SET actor = 'other' WHERE id = 10"
    ),
    "refers to a missing row": "PRAGMA foreign_keys=OFF; DELETE FROM users WHERE id = 17",
    "changed by hand": "ALTER TABLE users ADD COLUMN nickname VARCHAR",
}


@pytest.mark.parametrize("problem", BROKEN)
def test_check_finds_damage(run_command: Run, database: Path, problem: str) -> None:  # noqa: F811
    engine = make_engine(f"sqlite:///{database}")
    with transaction(engine) as connection:
        fill_tables(connection, metadata)
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    engine.dispose()
    statement = BROKEN[problem]
    if "entry 10" in problem:
        with closing(sqlite3.connect(database)) as opened:
            first = opened.execute("SELECT min(id) FROM audit_log").fetchone()[0]
        statement = statement.replace("id = 10", f"id = {first}")
        problem = f"audit log: entry {first}"
    with closing(sqlite3.connect(database)) as opened:
        opened.executescript(statement)
    status, fields = state(run_command)
    assert status == 1
    assert any(problem in line for line in fields["problems"])  # type: ignore[attr-defined]


def test_check_finds_damaged_pages(run_command: Run, database: Path) -> None:  # noqa: F811
    engine = make_engine(f"sqlite:///{database}")
    with transaction(engine) as connection:
        for k in range(300):
            append_entry(connection, MOMENT, "Ann", "filled", f"row:{k}", {"k": "x" * 200})
    engine.dispose()
    content = bytearray(database.read_bytes())
    content[-40_000:-20_000] = bytes(20_000)
    database.write_bytes(content)
    done = run_command("db", "check", "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_commands_end_with_the_documented_statuses(
    run_command: Run,  # noqa: F811
    database: Path,
    tmp_path: Path,
) -> None:
    engine = make_engine(f"sqlite:///{database}")
    with transaction(engine) as connection:
        append_entry(connection, MOMENT, "Ann", "filled", "row:1")
        connection.execute(text("UPDATE audit_log SET id = id WHERE false"))
    engine.dispose()
    copied = run_command("db", "copy", f"sqlite:///{tmp_path / 'b.db'}")
    assert copied.returncode == 0, copied.stderr
    assert copied.stdout.splitlines()[-1].startswith("copied and compared: 2 rows")
    assert run_command("db", "copy", f"sqlite:///{tmp_path / 'b.db'}").returncode == 2
    archive = tmp_path / "backup.tar.gz"
    assert run_command("db", "backup", archive).returncode == 0
    assert run_command("db", "backup", archive).returncode == 2
    assert run_command("db", "backup", tmp_path / "backup.zip").returncode == 2
    assert run_command("db", "backup", tmp_path / "missing" / "b.tar").returncode == 78
    assert run_command("db", "restore", archive, "--verify-only").returncode == 0
    assert run_command("db", "restore", archive).returncode == 2  # it is not empty
    database.unlink()
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    assert run_command("db", "restore", tmp_path / "none.tar").returncode == 2
    archive.write_bytes(archive.read_bytes()[:-100])
    assert run_command("db", "restore", archive).returncode == 1
    assert not database.exists()


@pytest.mark.parametrize(
    "arguments",
    [("db", "check"), ("db", "upgrade"), ("db", "backup", "b.tar.gz"), ("models", "list")],
    ids=" ".join,
)
def test_a_damaged_file_is_one_line(
    run_command: Run,  # noqa: F811
    database: Path,
    arguments: tuple[str, ...],
) -> None:
    database.write_bytes(b"no database" * 1_000)
    done = run_command(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "db restore" in done.stderr
    assert database.read_bytes() == b"no database" * 1_000
