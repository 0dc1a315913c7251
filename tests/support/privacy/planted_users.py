"""End users of a drill, and rows that hold each of them wherever something may.

Columns come from the schema in the database, their contents from what they declare: a column that
declares nothing may hold anybody.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData, Table, select, update

from monitor.daemon.search_index import index_new_exchanges
from monitor.privacy.end_users.erasure_request import read_user_ids
from monitor.privacy.erasure.masking import OF_BENCHMARKS
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Exchange, metadata
from monitor.store.tables.search import is_declared
from monitor.store.transfer.stored_rows import is_json
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.prompt_maps import pack_prompt_map
from monitor.store.windows.sample_scores import SampleScores, pack_scores
from monitor.table_types.base import UtcDateTime
from monitor.table_types.contents import FACTS, Content, Erasure
from tests.support.filled_tables import advance_sequence, plain_table
from tests.support.windows.assessments import make_assessment

MOMENT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OF_END_USERS = {Content.END_USER_ID, Content.END_USER_TEXT, Content.STAFF_WORDS}
#: Filled otherwise: the log by its chain, the index by what fills it.
NOT_BY_ROWS = {"audit_log", "access_log", "access_log_chain", "exchange_terms", "alembic_version"}
#: The block of everybody's vectors.
BLOCK = 1
#: Columns that change when somebody else is forgotten.
SHARED = {"block_id", "block_row", "sample_scores", "prompt_map"}


@dataclass(frozen=True)
class PlantedUser:
    """An end user; all that is planted of them holds their word."""

    number: int

    @property
    def word(self) -> str:
        return f"zqdrill{self.number:02}"

    @property
    def id(self) -> str:
        return f"{self.word}@drill.example"

    @property
    def call(self) -> str:
        """Return the id of their exchange."""
        return f"call-{self.word}-1"

    @property
    def prompt(self) -> str:
        names = ("lantern", "harbour", "willow", "copper", "sparrow", "meadow", "quarry", "violin")
        return " ".join(f"{self.word}{name}" for name in names)

    @property
    def vector(self) -> bytes:
        """Return eight float16 numbers that spell the word."""
        return (self.word * 2)[:16].encode()


def run_folder(end_user: PlantedUser) -> Path:
    """Return the folder of an end user's training run, below that of the settings."""
    return Path("runs") / f"run-{end_user.number:05}"


@dataclass
class Planted:
    """The rows of each end user: names of tables, and primary keys."""

    rows: dict[PlantedUser, list[tuple[Table, tuple[Any, ...]]]] = field(default_factory=dict)
    #: Columns whose values begin with the name of the column.
    tagged: set[str] = field(default_factory=set)
    #: The pseudonym under which rows have an end user.
    pseudonyms: dict[PlantedUser, str] = field(default_factory=dict)


def plant_rows(engine: Engine, settings: Settings, end_users: Sequence[PlantedUser]) -> Planted:
    """Insert a row of each end user into every table that may hold one, and what it refers to."""
    tables = _tables(engine)
    wanted = _wanted(tables)
    ids = read_user_ids(engine, settings)
    planted = Planted()
    with transaction(engine) as connection:
        for end_user in end_users:
            planted.pseudonyms[end_user] = ids.forms(end_user.id)[-1]
            planted.rows[end_user] = []
            keys: dict[str, Any] = {}
            for table in tables:
                if table.name not in wanted:
                    continue
                if table.name == "embedding_blocks":
                    keys[table.name] = BLOCK
                    if end_user is not end_users[0]:
                        continue
                row = _row(table, end_user, keys, planted, end_users)
                connection.execute(plain_table(table).insert().values(row))
                key = tuple(row[column.name] for column in table.primary_key)
                keys[table.name] = key[0] if key else None
                planted.rows[end_user].append((table, key))
        _share_windows(connection)
        for table in tables:
            advance_sequence(connection, table)
    index_new_exchanges(engine, settings, MOMENT)
    return planted


def _tables(engine: Engine) -> list[Table]:
    """Return the tables of the database: as declared, or as found where nobody declared them."""
    schema = MetaData()
    schema.reflect(engine, only=lambda name, _: is_declared(name) and name not in NOT_BY_ROWS)
    unknown = [table for table in schema.sorted_tables if table.name not in metadata.tables]
    known = [table for table in metadata.sorted_tables if table.name not in NOT_BY_ROWS]
    missing = [
        f"{table.name}.{column.name}"
        for table in known
        for column in schema.tables[table.name].columns
        if column.name not in table.columns
    ]
    assert missing == [], f"columns that no table declares: {missing}"
    return [*known, *unknown]


def _wanted(tables: Sequence[Table]) -> set[str]:
    wanted = {table.name for table in tables if any(map(may_hold, table.columns))}
    for table in reversed(tables):
        if table.name in wanted:
            wanted |= {key.column.table.name for key in table.foreign_keys}
    return wanted


def may_hold(column: sa.Column[Any]) -> bool:
    """Return whether a column may hold an end user: it says so, or it says nothing."""
    if FACTS in column.info:
        return column.info[FACTS].content in OF_END_USERS
    return isinstance(column.type, sa.String | sa.LargeBinary) or is_json(column.type)


def _row(
    table: Table,
    end_user: PlantedUser,
    keys: Mapping[str, Any],
    planted: Planted,
    end_users: Sequence[PlantedUser],
) -> dict[str, Any]:
    values = {}
    for column in table.columns:
        place = f"{table.name}.{column.name}"
        if place in _VALUES:
            value = _VALUES[place](end_user, end_users)
        elif may_hold(column):
            value = _personal(column, end_user, planted)
            if isinstance(value, str) and "[" in value:
                planted.tagged.add(place)
        else:
            value = _other(column, end_user.number + 1, keys)
        if is_json(column.type) and value is not None and not isinstance(value, str):
            value = json.dumps(value)
        elif is_json(column.type) and value is not None:
            value = json.dumps({"note": value, "list": [value]})
        values[column.name] = value
    return values


def _personal(column: sa.Column[Any], end_user: PlantedUser, planted: Planted) -> Any:
    place = f"{column.table.name}.{column.name}"
    facts = column.info.get(FACTS)
    if facts is not None and facts.content is Content.END_USER_ID:
        by_name = {
            "end_user": planted.pseudonyms[end_user],
            "exchange_id": end_user.call,
            "join_id": f"half-{end_user.word}",
        }
        value = by_name.get(column.name, end_user.id)
    else:
        value = f"[{place}] {end_user.id} wrote"
        # In benchmarks the same words may be chance: there ids alone count.
        masked = facts is not None and facts.erasure is Erasure.MASKED
        if not (masked and column.table.name in OF_BENCHMARKS):
            value += f": {end_user.prompt}"
    return value.encode() if _is_bytes(column) else value


def _is_bytes(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def _other(column: sa.Column[Any], k: int, keys: Mapping[str, Any]) -> Any:
    """Return a value of a column that holds nobody: the end user's row, a number or a name."""
    for key in column.foreign_keys:
        return keys.get(key.column.table.name)
    if is_json(column.type):
        return None if column.nullable else {}
    if isinstance(column.type, UtcDateTime | sa.DateTime):
        return MOMENT + timedelta(minutes=k)
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.Integer):
        return k
    if isinstance(column.type, sa.Float):
        return 0.5
    return b"\0" if _is_bytes(column) else f"{column.name} {k}"


#: Values that something reads.
_VALUES: dict[str, Any] = {
    "embedding_blocks.id": lambda _user, _users: BLOCK,
    "embedding_blocks.n_rows": lambda _user, users: len(users),
    "embedding_blocks.dimension": lambda _user, _users: 8,
    "exchanges.block_row": lambda user, _users: user.number,
    "exchanges.baseline_id": lambda _user, _users: None,
    "exchanges.prompt": lambda user, _users: user.prompt,
    "exchanges.messages": lambda user, _users: [{"role": "user", "content": user.prompt}],
    "drift_evaluations.assessment": lambda user, _users: msgspec.to_builtins(
        make_assessment(0.2, headline=f"[drift_evaluations.assessment] {user.prompt}")
    ),
    "pending_halves.payload": lambda user, _users: {"user": user.id, "note": user.prompt},
    "looks.findings": lambda user, _users: [
        {"kind": "input", "topic": f"[looks.findings] {user.prompt}", "examples": []}
    ],
    "human_evaluation_items.messages": lambda user, _users: [
        {"role": "user", "content": f"[human_evaluation_items.messages] {user.prompt}"}
    ],
    "reports.content": lambda user, _users: gzip.compress(
        f"<p>[reports.content] {user.id}: {user.prompt}</p>".encode(), mtime=0
    ),
    "erasures.steps": lambda user, _users: [
        {"code": "outside", "text": f"[erasures.steps] {user.id} {user.prompt}"}
    ],
    "erasures.remains": lambda user, _users: [
        {"place": f"[erasures.remains] {user.id}", "reason": "kept"}
    ],
    "training_runs.work_dir": lambda user, _users: str(run_folder(user)),
    "training_runs.status": lambda _user, _users: "succeeded",
    "suppressions.action": lambda _user, _users: "removed",
    "erasures.proof_until": lambda _user, _users: MOMENT - timedelta(days=900),
    "model_versions.parent_id": lambda _user, _users: None,
} | {
    f"embedding_blocks.{side}_vectors": lambda _user, users: b"".join(
        user.vector for user in users
    )
    for side in ("prompt", "response")
}  # fmt: skip


def _share_windows(connection: Connection) -> None:
    """Let each evaluation have scores and a map of everybody's exchanges."""
    ids = np.array(connection.execute(select(Exchange.id)).scalars().all())
    n = len(ids)
    scores = SampleScores(ids, np.linspace(0, 1, n), np.full(n, -1), np.full(n, 0.05))
    places = np.full((n, 2), 0.5, dtype=np.float32)
    window = PromptMap(ids, places, np.full(n, -1), ids, places)
    packed = {"sample_scores": pack_scores(scores), "prompt_map": pack_prompt_map(window)}
    connection.execute(update(DriftEvaluation).values(packed))


def stored_row(connection: Connection, table: Table, key: tuple[Any, ...]) -> dict[str, Any] | None:
    """Return a row as it is stored, without what it shares with others."""
    plain = plain_table(table)
    columns = [column for column in plain.c if column.name not in SHARED]
    matches = sa.and_(
        *(plain.c[c.name] == part for c, part in zip(table.primary_key, key, strict=True))
    )
    row = connection.execute(select(*columns).where(matches)).one_or_none()
    return None if row is None else dict(row._mapping)


def rows_of(engine: Engine, planted: Planted, end_user: PlantedUser) -> Iterator[tuple[str, Any]]:
    """Yield name and content of each row that was planted of an end user."""
    with transaction(engine) as connection:
        for table, key in planted.rows[end_user]:
            if table.name != "embedding_blocks":
                yield table.name, stored_row(connection, table, key)
