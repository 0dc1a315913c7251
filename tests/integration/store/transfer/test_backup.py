"""Backups of database and folders, and their restoration."""

import hashlib
import os
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from monitor.errors import ConfigurationError, DatabaseDamagedError, InputError, SchemaError
from monitor.settings import Configuration, load_configuration
from monitor.store.audit_log import check_chain
from monitor.store.engine import make_engine, snapshot, transaction
from monitor.store.schema.inspection import inspect_database
from monitor.store.tables import AuditEntry, ModelVersion, WebSession
from monitor.store.transfer.backup import back_up, folders_of
from monitor.store.transfer.manifest import Manifest
from monitor.store.transfer.restore import restore, verify
from monitor.store.transfer.stored_rows import digest_table, tables
from tests.support.filled_tables import MOMENT
from tests.support.refusals import refusal
from tests.support.stamped import stamped

#: Restoration adds an audit entry, signs everybody out, and doubts messages that wait.
CHANGED = {"audit_log", "web_sessions", "outbox"}


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Return a configuration whose folder of runs has files, links and a strange name."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "7" / "checkpoint-100"
    run.mkdir(parents=True)
    (run / "adapter.safetensors").write_bytes(os.urandom(300_000))
    (run / "empty").touch()
    (run / "ümlaut ' \n.json").write_text("{}")
    (run / "script.sh").write_text("#!/bin/sh\n")
    (run / "script.sh").chmod(0o750)
    (tmp_path / "runs" / "link.bin").symlink_to(run / "adapter.safetensors")
    (tmp_path / "runs" / "latest").symlink_to(run)
    os.mkfifo(tmp_path / "runs" / "pipe")
    (tmp_path / "rollout-journal").mkdir()
    (tmp_path / "rollout-journal" / "1.json").write_text("[]")
    (tmp_path / "config.toml").write_text("")
    return load_configuration(None)


@pytest.fixture
def archive(filled: Engine, configuration: Configuration, tmp_path: Path) -> Path:
    """Return a backup."""
    path = tmp_path / "backup.tar.gz"
    back_up(filled, configuration, path)
    return path


def restored(archive: Path, configuration: Configuration, url: str) -> Manifest:
    return restore(archive, url, allowed=folders_of(configuration))


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and permissions of the files of a folder."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            stat.S_IMODE(path.stat().st_mode),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "latest" not in path.parts
    }


def digests(engine: Engine) -> dict[str, object]:
    with snapshot(engine) as connection:
        rows = [digest_table(connection, table) for table in tables()]
    return {row.table: row for row in rows if row.table not in CHANGED}


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["other", pytest.param("same", marks=pytest.mark.drill)])
def test_a_backup_is_restored_to_the_last_byte(
    filled: Engine, configuration: Configuration, archive: Path, kind: str,
    request: pytest.FixtureRequest, tmp_path: Path,
) -> None:  # fmt: skip
    before, files = digests(filled), tree(tmp_path / "runs")
    shutil.move(tmp_path / "runs", tmp_path / "lost")
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    if (filled.dialect.name == "postgresql") == (kind == "same"):
        url = request.getfixturevalue("postgres_empty_database")
    manifest = restored(archive, configuration, url)
    assert manifest == verify(archive)
    # Whatever the modes were: restored files are their owner's only.
    own = {name: (digest, mode & 0o700) for name, (digest, mode) in files.items()}
    assert tree(tmp_path / "runs") == own
    assert {line.split(": ")[1] for line in manifest.left_out} == {
        "a link to a folder",
        "not a file",
    }
    engine = make_engine(url)
    assert digests(engine) == before
    assert inspect_database(engine).problems == ()
    with transaction(engine) as connection:
        assert check_chain(connection).n_entries == 4
        last = select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)
        assert connection.execute(last).scalar_one() == "backup_restored"
        assert connection.execute(select(WebSession)).all() == []
    engine.dispose()


@pytest.fixture
def small(engine: Engine, configuration: Configuration, tmp_path: Path) -> Path:
    """Return a backup of a SQLite database without rows, not compressed."""
    with stamped(engine):
        back_up(engine, configuration, tmp_path / "small.tar")
    return tmp_path / "small.tar"


def refused(archive: Path, configuration: Configuration, tmp_path: Path) -> None:
    """Expect that a restoration is refused and writes nothing."""
    shutil.move(tmp_path / "runs", tmp_path / "lost")
    before = {path.name for path in tmp_path.iterdir()}
    try:
        with pytest.raises(DatabaseDamagedError) as error:
            restored(archive, configuration, f"sqlite:///{tmp_path / 'restored.db'}")
        assert error.value.code in {"damaged_archive", "unknown_archive"}
        assert {path.name for path in tmp_path.iterdir()} == before
    finally:
        shutil.move(tmp_path / "lost", tmp_path / "runs")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 0.999])
def test_a_cut_archive_is_refused_before_anything_is_written(
    small: Path, configuration: Configuration, tmp_path: Path, share: float
) -> None:
    content = small.read_bytes()
    # A tar file ends in zeros that carry nothing.
    end = len(content.rstrip(b"\0"))
    small.write_bytes(content[: int(end * share)])
    refused(small, configuration, tmp_path)


def test_an_altered_archive_is_refused_wherever_it_is(
    small: Path, configuration: Configuration, tmp_path: Path
) -> None:
    content = small.read_bytes()
    places = {
        "database": content.index(b"SQLite format 3") + 5000,
        "adapter": content.index(b"adapter.safetensors") + 2000,
        "manifest": content.index(b'"revision"') + 14,
    }
    for place in places.values():
        changed = bytearray(content)
        changed[place] ^= 0x01
        small.write_bytes(changed)
        refused(small, configuration, tmp_path)


def test_only_the_key_seals_an_altered_archive(
    filled: Engine, configuration: Configuration, tmp_path: Path
) -> None:
    path, key = tmp_path / "backup.tar", "k" * 32
    back_up(filled, configuration, path, key=key)
    assert verify(path, key=key).files
    for other in ("", "j" * 32):
        with pytest.raises((ConfigurationError, DatabaseDamagedError)):
            verify(path, key=other)
    with tarfile.open(path) as opened:
        opened.extractall(tmp_path / "out", filter="data")
    content = (tmp_path / "out" / "manifest.json").read_bytes()
    forged = f"{hashlib.sha256(content).hexdigest()}\n"
    (tmp_path / "out" / "manifest.sha256").write_text(forged)
    with tarfile.open(path, "w") as rewritten:
        for file in sorted((tmp_path / "out").rglob("*")):
            if file.is_file():
                rewritten.add(file, str(file.relative_to(tmp_path / "out")))
    assert verify(path).files, "without the key, nobody can tell"
    with pytest.raises(ConfigurationError, match="without a key"):
        verify(path, key=key)


def test_an_archive_with_a_path_upwards_is_refused(
    small: Path, configuration: Configuration, tmp_path: Path
) -> None:
    with tarfile.open(small) as opened:
        opened.extractall(tmp_path / "out", filter="data")
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    changed = manifest.replace("files/0/7/", "files/0/../", 1).encode()
    (tmp_path / "out" / "manifest.json").write_bytes(changed)
    seal = hashlib.sha256(changed).hexdigest()
    (tmp_path / "out" / "manifest.sha256").write_text(f"{seal}\n")
    shutil.move(tmp_path / "out" / "files" / "0" / "7", tmp_path / "out" / "files" / "0" / "..x")
    with tarfile.open(small, "w") as rewritten:
        for path in sorted((tmp_path / "out").rglob("*")):
            if path.is_file():
                rewritten.add(path, str(path.relative_to(tmp_path / "out")).replace("..x", ".."))
    refused(small, configuration, tmp_path)


def test_a_database_with_rows_is_never_overwritten(
    small: Path, configuration: Configuration, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    restored(small, configuration, url)
    content = (tmp_path / "restored.db").read_bytes()
    with refusal("not_empty", InputError):
        restored(small, configuration, url)
    assert (tmp_path / "restored.db").read_bytes() == content


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_log_of_another_database_is_refused(
    small: Path, configuration: Configuration, tmp_path: Path, suffix: str
) -> None:
    """SQLite would read it into the restored file."""
    (tmp_path / f"restored.db{suffix}").write_bytes(b"pages of another database")
    with refusal("not_empty", InputError, match=suffix):
        restored(small, configuration, f"sqlite:///{tmp_path / 'restored.db'}")
    assert not (tmp_path / "restored.db").exists()


def test_other_files_in_the_way_are_never_overwritten(
    small: Path, configuration: Configuration, tmp_path: Path
) -> None:
    """Files with the same content are left: so an interrupted restoration is repeated."""
    file = tmp_path / "runs" / "7" / "checkpoint-100" / "script.sh"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"x")
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    with refusal("not_empty", InputError) as error:
        restored(small, configuration, url)
    assert str(file.relative_to(tmp_path)) in str(error.value)
    assert not (tmp_path / "restored.db").exists()
    file.write_bytes(content)
    (tmp_path / "rollout-journal" / "1.json").unlink()
    restored(small, configuration, url)
    assert (tmp_path / "rollout-journal" / "1.json").exists()


def test_unnamed_folders_are_not_written(
    engine: Engine, configuration: Configuration, tmp_path: Path
) -> None:
    """A version may have been registered from anywhere: its adapter is in the backup."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "adapter.bin").write_bytes(b"weights")
    with transaction(engine) as connection:
        connection.execute(
            ModelVersion.__table__.insert().values(
                model="m", version=1, stage="candidate", adapter_path=str(other), lineage={},
                adapter_digest="", created_at=MOMENT,
            )
        )  # fmt: skip
    with stamped(engine):
        back_up(engine, configuration, tmp_path / "b.tar")
    shutil.rmtree(other)
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    with refusal("other_folder", InputError):
        restored(tmp_path / "b.tar", configuration, url)
    assert not other.exists()
    restore(tmp_path / "b.tar", url, allowed=[*folders_of(configuration), str(other)])
    assert (other / "adapter.bin").read_bytes() == b"weights"


def test_a_backup_of_a_newer_version_is_refused(
    engine: Engine, configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stamped(engine, "future"), monkeypatch.context() as newer:
        newer.setattr("monitor.store.migrations.require_current", lambda _: None)
        newer.setattr("monitor.store.migrations.head_revision", lambda: "future")
        back_up(engine, configuration, tmp_path / "b.tar")
    with refusal("unknown_schema", SchemaError):
        restored(tmp_path / "b.tar", configuration, f"sqlite:///{tmp_path / 'restored.db'}")
    assert not (tmp_path / "restored.db").exists()


def test_a_backup_is_private_and_never_replaces_a_file(
    small: Path, engine: Engine, configuration: Configuration, tmp_path: Path
) -> None:
    assert stat.S_IMODE(small.stat().st_mode) == 0o600
    content = small.read_bytes()
    with stamped(engine), refusal("not_empty", InputError):
        back_up(engine, configuration, small)
    assert small.read_bytes() == content
    assert list(tmp_path.glob("*.partial")) == []
    assert list(tmp_path.glob(".driftwarden-*")) == []
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
