"""Migrations that are killed, run out of room, or meet a daemon or each other."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from bench.services.requirement import program
from monitor.errors import DatabaseDamagedError, DatabaseUnavailableError
from monitor.store import migrations
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import take_lease
from monitor.store.schema.downgrading import downgrade
from monitor.store.schema.safety_copy import CopyOptions, SafetyCopy
from tests.migration.made_up import ADDED, DEFECT, PRESENT, next_release
from tests.migration.test_released_schemas import added_names, counts
from tests.support.refusals import refusal
from tests.support.schema import schema

FORK = multiprocessing.get_context("fork")
#: Statements of the migrations at which the process is killed, as shares of all.
SHARES = (0.4, 0.97)


pytestmark = pytest.mark.usefixtures("next_code")


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def file_of(engine: Engine) -> Path:
    return Path(str(engine.url.database))


def upgrade_until(url: str, n: int) -> None:
    """Migrate in this process, and kill it before statement ``n``."""
    engine = make_engine(url)
    seen = 0

    def count(*_arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
    migrations.upgrade(engine)
    engine.dispose()
    os._exit(0)


def kill_at(engine: Engine, n: int) -> int:
    """Run a migration that is killed at a statement; return the exit status."""
    process = FORK.Process(target=upgrade_until, args=(url_of(engine), n))
    process.start()
    process.join(timeout=120)
    assert process.exitcode is not None
    return process.exitcode


class RolledBackError(Exception):
    """Raised in place of a commit."""


def test_a_migration_that_fails_half_way_changes_nothing(released: Engine, tmp_path: Path) -> None:
    before, data = schema(released), counts(released)
    with transaction(released) as connection:
        names = connection.execute(text("SELECT name FROM users ORDER BY id")).scalars().all()
    with next_release(tmp_path / "code", DEFECT), pytest.raises(DBAPIError, match="absent"):
        migrations.upgrade(released)
    assert (schema(released), counts(released)) == (before, data)
    assert migrations.current_revision(released) == PRESENT.revision
    with transaction(released) as connection:
        left = connection.execute(text("SELECT name FROM users ORDER BY id")).scalars().all()
    assert left == names
    if released.dialect.name == "sqlite":
        assert list(file_of(released).parent.glob("empty.db.*")) == []


@pytest.fixture
def n_statements(released: Engine) -> int:
    """Return the number of statements of the migration, which is rolled back."""
    engine = make_engine(url_of(released))
    seen: list[object] = []

    def refuse(_connection: object) -> None:
        raise RolledBackError

    event.listen(engine, "before_cursor_execute", lambda *_: seen.append(None))
    event.listen(engine, "commit", refuse)
    copies = CopyOptions(enabled=False)
    with pytest.raises(RolledBackError):
        migrations.upgrade(engine, copies=copies)
    engine.dispose()
    return len(seen)


def test_a_killed_migration_changes_nothing_and_is_repeated(
    released: Engine, n_statements: int
) -> None:
    before, data = schema(released), counts(released)
    released.dispose()
    for share in SHARES:
        assert kill_at(released, max(2, round(n_statements * share))) == -signal.SIGKILL
        assert schema(released) == before
        assert counts(released) == data
        released.dispose()
    lines: list[str] = []
    migrations.upgrade(released, report=lines.append)
    assert added_names(released) == ADDED
    if released.dialect.name == "sqlite":
        assert "interrupted" in lines[0]
        assert f"undamaged, at revision {PRESENT.revision}" in lines[0]
        assert list(file_of(released).parent.glob("empty.db.*")) == []


@pytest.mark.drill
def test_a_migration_may_be_killed_at_every_statement(released: Engine, n_statements: int) -> None:
    before, data = schema(released), counts(released)
    for n in range(2, n_statements + 1, 3):
        released.dispose()
        assert kill_at(released, n) == -signal.SIGKILL
        assert (schema(released), counts(released)) == (before, data)
    migrations.upgrade(released)
    assert added_names(released) == ADDED


def interrupt(engine: Engine) -> Path:
    """Leave the copy and the file of a migration that was killed; return the copy."""
    copy = SafetyCopy(file_of(engine), CopyOptions()).begin(PRESENT.revision, "9001")
    assert copy is not None
    return copy


def damage(engine: Engine) -> None:
    engine.dispose()
    with file_of(engine).open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(200_000))


def test_a_damaged_database_returns_to_its_copy_on_request(file: Engine) -> None:
    data = counts(file)
    copy = interrupt(file)
    damage(file)
    with refusal("damaged_database", DatabaseDamagedError) as refused:
        migrations.upgrade(file)
    assert str(copy) in str(refused.value)
    lines: list[str] = []
    migrations.upgrade(file, from_copy=True, report=lines.append)
    assert added_names(file) == ADDED
    after = counts(file)
    assert {name: after[name] for name in data} == data
    assert "restored" in lines[0]
    assert file_of(file).with_name("a.db.damaged").exists()


@pytest.mark.drill
def test_a_damaged_copy_is_never_restored(file: Engine) -> None:
    copy = interrupt(file)
    damage(file)
    copy.write_bytes(copy.read_bytes()[:10_000])
    before = file_of(file).read_bytes()
    with refusal("damaged_copy", DatabaseDamagedError):
        migrations.upgrade(file, from_copy=True)
    assert file_of(file).read_bytes() == before


@pytest.mark.drill
def test_a_kill_while_the_copy_is_made_is_noticed(file: Engine) -> None:
    marker = file_of(file).with_name("a.db.migrating.json")
    interrupt(file).rename(file_of(file).with_name(f"a.db.before-{PRESENT.revision}.partial"))
    assert json.loads(marker.read_text())["after"] == "9001"
    lines: list[str] = []
    migrations.upgrade(file, report=lines.append)
    assert "interrupted" in lines[0]
    assert [path.name for path in file_of(file).parent.iterdir() if "a.db." in path.name] == []


@pytest.mark.drill
def test_the_copy_holds_all_rows_of_before(file: Engine, tmp_path: Path) -> None:
    data = counts(file)
    (tmp_path / "copies").mkdir()
    migrations.upgrade(file, copies=CopyOptions(folder=tmp_path / "copies", keep=True))
    copy = make_engine(f"sqlite:///{tmp_path / 'copies' / f'a.db.before-{PRESENT.revision}'}")
    assert counts(copy) == data
    copy.dispose()


def test_no_copy_stays_where_texts_could_outlive_an_erasure(file: Engine, tmp_path: Path) -> None:
    migrations.upgrade(file)
    downgrade(file, discard=True)
    file.dispose()
    assert {path.name for path in tmp_path.iterdir()} <= {"a.db", "a.db-wal", "a.db-shm"}


#: A small disk at $1, filled by what the test names; then the command.
SMALL_DISK = """
set -e
mount -t tmpfs -o size=$2 none "$1"
cp "$3" "$1/a.db"
if [ "$4" = ro ]; then mount -o remount,ro "$1"; fi
status=0
"$5" -c "$6" "$7" db upgrade || status=$?
ls "$1" >&2
exit $status
"""


#: The command, with the migrations of the folder that is its first argument.
COMMAND = """
import sys
from pathlib import Path
from monitor.store import migrations
folder = Path(sys.argv.pop(1))
migrations.migrations_folder = lambda: folder
from monitor.cli import main
main()
"""


@pytest.mark.parametrize(
    ("share", "mode", "expected"), [(1.7, "rw", "room"), (10, "ro", "written")]
)
def test_a_full_or_read_only_disk_is_refused(
    file: Engine, tmp_path: Path, next_code: Path, share: float, mode: str, expected: str
) -> None:
    """A disk of 1.7 times the database has no room for the copy."""
    program("unshare", "install util-linux")
    size = str(round(file_of(file).stat().st_size * share))
    file.dispose()
    disk = tmp_path / "disk"
    disk.mkdir()
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    done = subprocess.run(
        [
            *("unshare", *user, "--mount", "sh", "-c", SMALL_DISK, "_"),
            *(str(disk), size, str(file_of(file)), mode, sys.executable, COMMAND, str(next_code)),
        ],
        env=os.environ | {"DRIFTWARDEN_DATABASE__URL": f"sqlite:///{disk}/a.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(f"mount namespaces are not allowed here: {done.stderr.strip()}")
    assert done.returncode == 75, done.stderr
    refused, *left = done.stderr.splitlines()
    assert refused.startswith("driftwarden: ")
    assert expected in refused or "readonly" in refused
    assert set(left) <= {"a.db", "a.db-wal", "a.db-shm"}


def test_room_that_ends_during_the_migration_changes_nothing(file: Engine) -> None:
    before = counts(file)
    pages = file_of(file).stat().st_size // 4096
    event.listen(
        file, "connect", lambda opened, _: opened.execute(f"PRAGMA max_page_count={pages + 2}")
    )
    file.dispose()
    with pytest.raises(DatabaseUnavailableError, match="full"):
        migrations.upgrade(file)
    assert counts(file) == before
    assert migrations.current_revision(file) == PRESENT.revision
    assert not file_of(file).with_name("a.db.migrating.json").exists()


def test_a_long_transaction_ends_the_wait_for_its_lock(
    released: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if released.dialect.name == "sqlite":
        monkeypatch.setattr("monitor.store.engine.SQLITE_WAIT_SECONDS", 1)
    else:
        monkeypatch.setattr("monitor.store.schema.changes.LOCK_TIMEOUT", "500ms")
    other, waiting = make_engine(url_of(released)), make_engine(url_of(released))
    with transaction(other) as connection:
        connection.execute(text("UPDATE incidents SET severity = severity"))
        with pytest.raises(DatabaseUnavailableError) as refused:
            migrations.upgrade(waiting)
    if released.dialect.name == "postgresql":
        assert refused.value.code == "locked"
        assert "idle in transaction" in str(refused.value)
    assert migrations.current_revision(released) == PRESENT.revision
    for engine in (other, waiting):
        engine.dispose()


@pytest.mark.drill
def test_two_migrations_of_data_at_once_both_end(released: Engine) -> None:
    data = counts(released)
    outcomes: list[object] = []

    def migrate() -> None:
        engine = make_engine(url_of(released))
        try:
            outcomes.append(migrations.upgrade(engine)[1])
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            outcomes.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)
    assert outcomes == [migrations.head_revision()] * 3
    after = counts(released)
    assert {name: after[name] for name in data} == data


def test_a_running_daemon_is_named_and_stops_a_downgrade(released: Engine) -> None:
    migrations.upgrade(released)
    with transaction(released) as connection:
        connection.execute(text("DELETE FROM leadership"))
        assert take_lease(connection, "host-1", timedelta(minutes=5)) == 1
    before = counts(released)
    with refusal("daemon_runs", DatabaseUnavailableError) as refused:
        downgrade(released, discard=True)
    assert "host-1" in str(refused.value)
    assert counts(released) == before


def test_a_kept_copy_is_never_overwritten(file: Engine) -> None:
    earlier = file_of(file).with_name(f"a.db.before-{PRESENT.revision}")
    earlier.write_bytes(b"kept by an earlier change")
    migrations.upgrade(file, copies=CopyOptions(keep=True))
    assert earlier.read_bytes() == b"kept by an earlier change"
    assert file_of(file).with_name(f"a.db.before-{PRESENT.revision}.2").exists()


@pytest.mark.drill
def test_rows_written_while_a_migration_waits_are_kept(file: Engine) -> None:
    """The copy is made under the lock of writers, so it has them too."""
    with closing(sqlite3.connect(file_of(file))) as writer:
        writer.execute("UPDATE users SET name = 'written' WHERE id = 1")
        writer.commit()
    migrations.upgrade(file, copies=CopyOptions(keep=True))
    copy = file_of(file).with_name(f"a.db.before-{PRESENT.revision}")
    with closing(sqlite3.connect(copy)) as opened:
        assert opened.execute("SELECT name FROM users WHERE id = 1").fetchone() == ("written",)
