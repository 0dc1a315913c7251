"""The suppression list outside the database."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.errors import ConfigurationError
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.privacy.suppressions import (
    SuppressionRow,
    add_suppression_changes,
    newest_changes,
    suppression_changes,
)
from monitor.traffic.end_users.suppression_file import (
    append_changes,
    read_suppression_file,
    suppression_file,
    synchronize,
)
from tests.support.refusals import refusal


def change(
    clock: datetime, digest: str, *, action: str = "added", minutes: int = 0
) -> SuppressionRow:
    at = clock + timedelta(minutes=minutes)
    return SuppressionRow(digest, digest, "key", action, "forgotten", at, "kim")


def changes(engine: Engine) -> list[SuppressionRow]:
    with transaction(engine) as connection:
        return suppression_changes(connection)


def test_the_file_lies_beside_a_sqlite_database(engine: Engine, tmp_path: Path) -> None:
    assert suppression_file(Settings(), engine) == tmp_path / "driftwarden.db.suppressions"
    named = Settings(privacy={"suppression_file": "/var/lib/list"})
    assert suppression_file(named, engine) == Path("/var/lib/list")


def test_database_and_file_get_what_they_lack(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "list"
    append_changes(path, [change(clock, "a")])
    with transaction(engine) as connection:
        add_suppression_changes(connection, [change(clock, "b")])
    assert synchronize(engine, path) == 1
    assert {row.digest for row in changes(engine)} == {"a", "b"}
    assert {row.digest for row in read_suppression_file(path)} == {"a", "b"}
    assert synchronize(engine, path) == 0
    assert len(read_suppression_file(path)) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_newest_change_counts_in_any_order(clock: datetime) -> None:
    added, removed = change(clock, "a"), change(clock, "a", action="removed", minutes=1)
    for order in ([added, removed], [removed, added]):
        assert newest_changes(order)["a"].action == "removed"


def test_a_cut_line_loses_no_other(engine: Engine, tmp_path: Path, clock: datetime) -> None:
    path = tmp_path / "list"
    append_changes(path, [change(clock, "a"), change(clock, "b")])
    path.write_bytes(path.read_bytes()[:-20])
    assert [row.digest for row in read_suppression_file(path)] == ["a"]
    append_changes(path, [change(clock, "c")])
    assert [row.digest for row in read_suppression_file(path)] == ["a", "c"]


@pytest.mark.parametrize("line", [b"garbage\n", b'{"main_digest": 1}\n', b"\xff\xfe\n"])
def test_a_damaged_file_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "list"
    path.write_bytes(line)
    with refusal("suppression_file_damaged", ConfigurationError):
        read_suppression_file(path)


def test_a_file_that_is_a_folder_is_refused(engine: Engine, tmp_path: Path) -> None:
    with refusal("suppression_file_unreadable", ConfigurationError):
        synchronize(engine, tmp_path)
