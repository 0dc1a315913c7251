"""A database and files with personal data in every place, years later."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, String, cast, func, select, update

from monitor.privacy.retention.application import apply_retention
from monitor.settings import Retention
from monitor.store.accounts.invitations import delete_old_invitations
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.privacy.expiry import EXPIRED_COLUMNS, EXPIRED_ROWS
from monitor.store.tables import ModelVersion, metadata
from monitor.store.tables.facts import columns_of, facts_of, period_of, table_names
from monitor.table_types.contents import Content
from tests.integration.privacy.end_user_world import WORD, EndUserWorld, make_end_user_world
from tests.support.filled_tables import fill_tables

DAY = timedelta(days=1)
YEARS = timedelta(days=10 * 365)
PERSONAL = {Content.END_USER_ID, Content.END_USER_TEXT, Content.STAFF_WORDS}
#: Periods by which a class is kept for a year; those with a longer minimum have it.
ALL_PERIODS = Retention(**dict.fromkeys(Retention.model_fields, "365d"))
#: What `fill_tables` can't make: documents that are read.
DOCUMENTS: dict[str, Any] = {
    "looks.findings": [{"kind": "input", "topic": WORD, "examples": [3]}],
    "probe_runs.comparison": {"differences": [WORD]},
    "human_evaluation_items.messages": [{"role": "user", "content": WORD}],
    "human_evaluation_assignments.draft": {"comment": WORD},
}


def personal_columns() -> list[tuple[str, str]]:
    """Return table and column of all that has a period."""
    return [
        (name, column)
        for name in table_names()
        for column, row in columns_of(name).items()
        if row.content in PERSONAL and period_of(name, column)
    ]


def count_rows(connection: Connection, table: str) -> int:
    return connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()


def count_marked(connection: Connection, table: str, column: str) -> int:
    """Return the number of rows in which a column has the word, or a vector."""
    where = metadata.tables[table].c[column]
    if where.type.python_type is bytes:
        return sum(
            value is not None and (WORD.encode() in value or "vectors" in column)
            for value in connection.execute(select(where)).scalars()
        )
    marked = cast(where, String).contains(WORD)
    return connection.execute(select(func.count()).where(marked)).scalar_one()


def is_text(name: str, column: str) -> bool:
    return isinstance(metadata.tables[name].c[column].type, String)


def fill(connection: Connection) -> None:
    """Fill the empty tables, and put the word into every text with a period."""
    wanted = {name for name, _ in personal_columns()}
    for table in reversed(metadata.sorted_tables):  # and what they refer to
        if table.name in wanted:
            wanted |= {
                key.column.table.name for key in table.foreign_keys if not key.parent.nullable
            }
    empty = {name for name in wanted if not count_rows(connection, name)}
    fill_tables(connection, metadata, only=empty)
    for place, document in DOCUMENTS.items():
        table_name, _, name = place.partition(".")
        connection.execute(update(metadata.tables[table_name]).values({name: document}))
    for table_name, name in personal_columns():
        if is_text(table_name, name):
            table = metadata.tables[table_name]
            some = func.coalesce(table.c[name], "")
            connection.execute(update(table).values({name: some + f" {WORD}"}))


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    world = make_end_user_world(engine, tmp_path, clock)
    with transaction(engine) as connection:
        fill(connection)
    return world


def test_every_period_is_a_setting_and_every_setting_a_period() -> None:
    in_tables = {period_of(name, column) for name, column in personal_columns()}
    in_tables |= {facts_of(name).period for name in table_names()}
    of_files = {"run_files", "exports"}
    of_the_newest = {"current_baselines"}
    assert set(Retention.model_fields) == (in_tables - {"", "parent"}) | of_files | of_the_newest


def test_columns_and_expiry_name_the_same_period() -> None:
    for expiry in (*EXPIRED_ROWS, *EXPIRED_COLUMNS):
        for column in expiry.columns:
            place = (expiry.table.name, column.key)
            assert expiry.period == period_of(*place), place


def test_nothing_is_left_of_an_aged_database(world: EndUserWorld, clock: datetime) -> None:
    places = personal_columns()
    with transaction(world.engine) as connection:
        full = {place for place in places if count_marked(connection, *place)}
        assert [place for place in places if is_text(*place) and place not in full] == []

        assert len(full) > 60

    apply_retention(world.engine, ALL_PERIODS, clock + YEARS)

    with transaction(world.engine) as connection:
        left = {place: count_marked(connection, *place) for place in places}
        for expiry in (*EXPIRED_ROWS, *EXPIRED_COLUMNS):  # what has not ended can't expire
            table = expiry.table
            for column in expiry.columns:
                if (table.name, column.key) not in left:  # accounts of staff
                    continue
                marked = cast(table.c[column.key], String).contains(WORD)
                open_rows = select(func.count()).select_from(table)
                open_rows = open_rows.where(marked, expiry.since.is_(None))
                left[table.name, column.key] -= connection.execute(open_rows).scalar_one()
        n_rows = {place: n for place, n in left.items() if n}
        assert n_rows == {}, "add the column to monitor/store/privacy/expiry.py, or to its deletion"
        for name in ("exchanges", "embedding_blocks", "reviews", "pending_halves", "baselines"):
            assert count_rows(connection, name) == 0, name
    assert not apply_retention(world.engine, ALL_PERIODS, clock + YEARS)


def test_nothing_is_removed_before_its_period(world: EndUserWorld, clock: datetime) -> None:
    def contents() -> dict[str, int]:
        with transaction(world.engine) as connection:
            return {name: count_rows(connection, name) for name in table_names()}

    before = contents()
    del before["audit_log"]

    removed = apply_retention(world.engine, ALL_PERIODS, clock + 300 * DAY)

    assert {
        name: n for name, n in removed.items() if name not in {"vectors", "blocks merged"}
    } == {}
    assert before.items() <= contents().items()


def files_with_word(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and WORD.encode() in path.read_bytes() and ".db" not in path.name
    }


def test_files_expire_but_adapters_and_changed_exports_stay(
    world: EndUserWorld, tmp_path: Path, clock: datetime
) -> None:
    run, changed, own = world.run, tmp_path / "changed.jsonl", tmp_path / "own.jsonl"
    run.adapter.mkdir(exist_ok=True)
    (run.adapter / "weights").write_text(WORD)
    (run.checkpoints / "checkpoint-1").mkdir(parents=True)
    (run.checkpoints / "checkpoint-1" / "state").write_text(WORD)
    (run.root / "new-kind-of-file").write_text(WORD)
    (run.root / "link").symlink_to(own)
    exports = [tmp_path / "first.jsonl", tmp_path / "later.jsonl", changed]
    with transaction(world.engine) as connection:
        connection.execute(
            update(ModelVersion)
            .where(ModelVersion.id == world.version_id)
            .values(adapter_path=str(run.adapter))
        )
        for path in exports:
            append_entry(connection, clock, "lea", "exported", str(path), {})
        append_entry(connection, clock + YEARS, "lea", "exported", str(tmp_path / "later.jsonl"))
    for path in (*exports, own):
        path.write_text(WORD)
        os.utime(path, (clock.timestamp(), clock.timestamp()))
    os.utime(changed, ((clock + 30 * DAY).timestamp(),) * 2)
    assert len(files_with_word(run.root)) > 4

    apply_retention(world.engine, ALL_PERIODS, clock + 200 * DAY)
    assert len(files_with_word(run.root)) > 4
    apply_retention(world.engine, ALL_PERIODS, clock + YEARS)

    assert {"adapter/weights"} == files_with_word(run.root)
    assert run.card.is_file()
    assert {"later.jsonl", "changed.jsonl", "own.jsonl"} == {
        path.name for path in (*exports, own) if path.exists()
    }


def test_newest_baseline_stays_unless_a_period_is_set(world: EndUserWorld, clock: datetime) -> None:
    late = clock + YEARS

    apply_retention(world.engine, Retention(baselines="30d"), late)
    with transaction(world.engine) as connection:
        assert count_rows(connection, "baselines") == 1
    apply_retention(world.engine, Retention(current_baselines="30d"), late)
    with transaction(world.engine) as connection:
        assert count_rows(connection, "baselines") == 0


def test_old_invitations_go_at_a_sign_in(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        fill_tables(connection, metadata, only={"users", "invitations"})
        for now, n in ((clock + 30 * DAY, 3), (clock + 200 * DAY, 0)):
            delete_old_invitations(connection, now)
            assert n == count_rows(connection, "invitations")
