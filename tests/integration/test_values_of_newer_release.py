"""Stored words that only a newer release knows: each is shown, jobs skip it, and nothing fails.

During an upgrade the release before reads what the new one writes.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar.testing import TestClient
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from monitor.cli.app import app as commands
from monitor.daemon.cycle import Cycle
from monitor.embedding.encoder import load_encoder
from monitor.errors import DriftwardenError, SchemaError
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.store.transfer.stored_rows import is_json
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.every_kind import make_every_kind
from tests.support.stamped import stamped
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor, routes

ROOT = Path(__file__).resolve().parents[2]
FUTURE = "zq_future"
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
CHANGE = re.compile(r"^\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", re.MULTILINE)
IDS = {"topic": 0, "point": 0, "number": 1, "token": "x", "page": "drift", "model": "assistant"}
#: Columns and keys that hold names, which nobody looks up in a table.
NAMES = frozenset({
    "actor", "adapter", "adapter_digest", "adapter_path", "author", "base", "benchmark", "by",
    "changed_by", "check", "choice", "digest", "encoder", "fingerprint", "launcher_id", "metric",
    "model", "name", "names", "object_id", "planned_by", "press", "recipe", "slack_channel",
    "slack_user", "started_by", "subject", "task_type", "work_dir",
})  # fmt: skip
LISTS = (
    "check", "digest", "incidents list --all", "incidents list --json", "incidents show 1",
    "incidents show 2", "incidents show 1 --json", "accounts list", "access-log", "dead-letters",
    "review queue", "retrain list", "retrain show 1", "retrain human-evaluation list",
    "retrain human-evaluation show 1", "models list", "models show 1", "models diff 1 2",
    "rollout status", "rollout history", "probes status", "suppress list", "requests list",
    "requests show 1",
    "user-ids status", "retention", "evaluate",
)  # fmt: skip
JOBS = (
    "evaluate", "look", "advance", "apply_weights", "probe_canaries", "roll_out",
    "compare_rollout_responses", "judge_rollout_responses", "watch", "deliver", "act",
    "publish_gauges", "index", "tidy",
)  # fmt: skip
#: What a job must not write because of a word that it doesn't know.
ACTIONS = frozenset({
    "candidate_evaluations", "decisions", "gold_examples", "model_versions", "review_batches",
    "rollout_events", "stage_changes", "traffic_weights", "training_runs",
})  # fmt: skip

#: Columns whose word of the future a page or a command shows.
SHOWN = frozenset({
    ("access_log", "action"), ("candidate_evaluations", "gate_result"),
    ("decisions", "recommendation"), ("drift_evaluations", "verdict"), ("incidents", "cause"),
    ("incidents", "status"), ("model_versions", "stage"), ("outbox", "kind"),
    ("review_items", "status"), ("reviews", "verdict"), ("rollouts", "status"),
    ("training_runs", "status"), ("user_grants", "role"),
})  # fmt: skip

Task = Callable[[], str]
Place = tuple[str, str, str]


class House:
    """The pages, commands and jobs of one database.

    `columns` are those that the last task has read, `changes` the tables that it has changed.
    """

    def __init__(self, engine: Engine, clock: datetime, folder: Path, stack: ExitStack) -> None:
        self.engine, self.clock = engine, clock
        self.config = folder / "config.toml"
        self.config.write_text(f"[database]\nurl = '{engine.url}'\n", encoding="utf-8")
        app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
        self.client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
        self.cookies = {}
        for name in ("Lea", "Ada"):
            self.client.cookies.clear()
            assert Visitor(self.client).sign_in(name).status_code == 200
            self.cookies[name] = dict(self.client.cookies)
        values = [IDS | {"item_id": item} for item in (1, 7, 8, 9)]
        read = [route for route in routes(app) if route.method == "GET"]
        self.paths = sorted({route.fill(ids) for route in read for ids in values})
        encoder: Any = WordEncoder()
        self.cycle = Cycle.build(engine, Settings(), Secrets(), clock, encoder=lambda: encoder)
        self.statements: list[str] = []

    def note(self, *arguments: Any) -> None:
        """Note a statement that SQLAlchemy executes."""
        self.statements.append(arguments[2])

    @property
    def columns(self) -> set[tuple[str, str]]:
        return set(re.findall(r"\b(\w+)\.(\w+)\b", "\n".join(self.statements)))

    @property
    def changes(self) -> set[str]:
        return set(CHANGE.findall("\n".join(self.statements)))

    def tasks(self, users: Sequence[str]) -> Iterator[tuple[str, Task]]:
        """Yield each page of some users, command and job with its name."""
        for path in self.paths:
            for name in users:
                yield f"{name} {path}", partial(self._open_page, name, path)
        for line in LISTS:
            yield f"driftwarden {line}", partial(self._run_command, line)
        for job in JOBS:
            yield f"job {job}", partial(self._run_job, job)

    def attempt(self, task: Task) -> tuple[str, str]:
        """Run a task; return its output, and how it failed."""
        self.statements.clear()
        try:
            return task(), ""
        except Exception as error:  # noqa: BLE001 - whatever it is
            return "", f"{type(error).__name__}: {error}"

    def _open_page(self, name: str, path: str) -> str:
        self.client.cookies.clear()
        self.client.cookies.update(self.cookies[name])
        response = self.client.get(path, follow_redirects=False)
        assert response.status_code != 500, "internal error"
        return response.text

    def _run_command(self, line: str) -> str:
        done = CliRunner().invoke(commands, [*line.split(), "--config", str(self.config)])
        if done.exception and not isinstance(done.exception, DriftwardenError | SystemExit):
            raise done.exception
        assert not isinstance(done.exception, SchemaError)
        return done.output + str(done.exception or "")

    def _run_job(self, name: str) -> str:
        with structlog.testing.capture_logs() as lines:
            getattr(self.cycle, name)(self.clock)
        failures = [line for line in lines if line.get("exc_info")]
        assert not failures, failures
        return str(lines)

    def save(self) -> sqlite3.Connection:
        """Return a copy of the database."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with self._own_connection() as own:
            own.backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        with self._own_connection() as own:
            copy.backup(own)

    @contextmanager
    def _own_connection(self) -> Iterator[sqlite3.Connection]:
        pooled = self.engine.raw_connection()
        try:
            assert isinstance(pooled.driver_connection, sqlite3.Connection)
            yield pooled.driver_connection
        finally:
            pooled.close()


@pytest.fixture
def house(
    engine: Engine, clock: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    encoder = load_encoder(Settings().embedding)  # `check`, which loads it, runs for each place
    monkeypatch.setattr("monitor.embedding.encoder.load_encoder", lambda _settings: encoder)
    make_every_kind(engine, clock, tmp_path)
    with transaction(engine) as connection:  # such as those that keep logs as they are
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for name in connection.exec_driver_sql(names).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    with ExitStack() as stack:
        stack.enter_context(stamped(engine))  # or else every command is refused
        house = House(engine, clock, tmp_path, stack)
        event.listen(Engine, "before_cursor_execute", house.note)
        yield house
        event.remove(Engine, "before_cursor_execute", house.note)


def words_in(value: Any, key: str = "") -> Iterator[str]:
    """Yield the keys of a document whose value is a word."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from words_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from words_in(inner, key)
    elif isinstance(value, str) and WORD.fullmatch(value) and WORD.fullmatch(key):
        yield key


def replace_words(value: Any, wanted: str, key: str = "") -> Any:
    """Return a document with the word of the future under a key."""
    if isinstance(value, dict):
        return {name: replace_words(inner, wanted, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [replace_words(inner, wanted, key) for inner in value]
    is_word = key == wanted and isinstance(value, str) and WORD.fullmatch(value)
    return FUTURE if is_word else value


def places(engine: Engine) -> Iterator[Place]:
    """Yield each column of words, and each key of words in a column of documents."""
    with transaction(engine) as connection:
        for table in metadata.sorted_tables:
            for column in table.columns:
                values = connection.execute(select(column).distinct()).scalars().all()
                if is_json(column.type):
                    query = f'SELECT "{column.name}" FROM {table.name}'
                    texts = connection.exec_driver_sql(query).scalars().all()
                    keys = {key for text in texts if text for key in words_in(json.loads(text))}
                    yield from ((table.name, column.name, key) for key in sorted(keys - NAMES))
                elif column.name not in NAMES and not column.foreign_keys:
                    words = [value for value in values if isinstance(value, str) and value]
                    if words and all(map(WORD.fullmatch, words)):
                        yield table.name, column.name, ""


def write_future(engine: Engine, place: Place) -> bool:
    """Write the word of the future; return whether the schema takes it."""
    table, column, key = place
    if key:
        with transaction(engine) as connection:
            rows = connection.exec_driver_sql(f'SELECT rowid, "{column}" FROM {table}').all()
            for row, content in rows:
                change = json.dumps(replace_words(json.loads(content or "null"), key))
                update = f'UPDATE {table} SET "{column}" = ? WHERE rowid = ? AND "{column}" <> ?'
                connection.exec_driver_sql(update, (change, row, "null"))
        return True
    change = f'UPDATE {table} SET "{column}" = ? WHERE "{column}" <> \'\''
    if table == "user_grants":  # those who walk keep their roles
        change += " AND user_id > 2 AND role <> 'lead'"
    for statement in (change, f"{change} AND rowid = (SELECT min(rowid) FROM {table})"):
        try:
            with transaction(engine) as connection:
                connection.exec_driver_sql(statement, (FUTURE,))
        except IntegrityError:
            continue
        return True
    return False


def documented_words() -> Iterator[tuple[str, str]]:
    """Yield the columns whose comment in the declaration lists several words."""
    for path in (ROOT / "monitor" / "store" / "tables").glob("*.py"):
        table, comment = "", ""
        for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
            if name := re.match(r'__tablename__ = "(\w+)"', line):
                table = name[1]
            if line.startswith("#:"):
                comment += line
                continue
            column = re.match(r"(\w+): Mapped\[str", line)
            n_words = len(re.findall(r"``[a-z_]+``", comment))
            if column and n_words > 1 and column[1] not in NAMES:
                yield table, column[1]
            comment = ""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "users",
    [("Lea",), pytest.param(("Lea", "Ada"), marks=pytest.mark.drill)],
    ids=["short", "long"],
)
def test_word_of_the_future_breaks_nothing(house: House, users: Sequence[str]) -> None:
    state = house.save()
    reads, changes, failures = {}, {}, {}
    for name, task in house.tasks(users):
        _, failure = house.attempt(task)
        if failure:
            failures[name] = failure
        reads[name], changes[name] = house.columns, house.changes
        if house.changes:
            house.restore(state)
    assert failures == {}
    walked = list(places(house.engine))
    assert set(documented_words()) - {(table, column) for table, column, _ in walked} == set()
    problems, visible = [], set()
    for place in walked:
        if not write_future(house.engine, place):
            house.restore(state)
            continue
        changed = house.save()
        for name, task in house.tasks(users):
            if place[:2] not in reads[name]:
                continue
            output, failure = house.attempt(task)
            if FUTURE in output:
                visible.add(place[:2])
            if failure:
                problems.append(f"{'.'.join(place)}: {name}: {failure}")
            elif acts := (house.changes - changes[name]) & ACTIONS:
                problems.append(f"{'.'.join(place)}: {name} changes {acts}")
            if house.changes:
                house.restore(changed)
        house.restore(state)
    assert problems == []
    assert SHOWN - visible == set()
