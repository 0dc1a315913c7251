"""End users in every table, column, kind of file and folder, forgotten; a search from outside."""

import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from bench.services.postgres import PostgresServer
from monitor.cli import main
from monitor.privacy.file_readers.kinds import KINDS
from monitor.settings import Settings
from monitor.store.audit_log import append_entry, check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import DriftEvaluation, EmbeddingBlock, Exchange, metadata
from monitor.store.windows.map_points import DELETED
from monitor.store.windows.prompt_maps import unpack_prompt_map
from monitor.store.windows.sample_scores import unpack_scores
from tests.support.database_copy import database_copy
from tests.support.privacy import planted_folders
from tests.support.privacy.outside_search import Hit, OutsideSearch
from tests.support.privacy.planted_files import CLOSED
from tests.support.privacy.planted_folders import OF_ROWS, plant_folders
from tests.support.privacy.planted_users import (
    MOMENT,
    Planted,
    PlantedUser,
    plant_rows,
    rows_of,
)
from tests.support.stamped import stamp

IN_LOG = b"[audit_log.details]"
OUTPUT = "output.txt"
CONFIG = """\
database.url = "{url}"
retrain.work_dir = "runs"
retrain.training_data = "original.jsonl"
retrain.evaluation = "evaluation.yaml"
embedding.cache = "cache"
"""


@dataclass
class Drill:
    """A database and folders with end users; the last of them is never forgotten."""

    engine: Engine
    folder: Path
    end_users: Sequence[PlantedUser]
    #: Where the bytes of the database are, and its dump.
    database: Sequence[Path]
    server: PostgresServer | None = None
    planted: Planted = field(default_factory=Planted)
    copies: dict[PlantedUser, list[Path]] = field(default_factory=dict)
    #: The output of the last command of each end user.
    output: dict[PlantedUser, str] = field(default_factory=dict)
    n_kills: int = 0

    @property
    def stays(self) -> PlantedUser:
        return self.end_users[-1]

    @property
    def named_in_the_log(self) -> PlantedUser:
        """Return the end user whom an entry of the audit log names."""
        return self.end_users[0]

    def plant(self, share: int) -> None:
        settings = Settings(
            database={"url": self.engine.url.render_as_string(hide_password=False)},
            embedding={"cache": str(self.folder / "cache")},
        )
        (self.folder / "config.toml").write_text(CONFIG.format(url=settings.database.url))
        self.planted = plant_rows(self.engine, settings, self.end_users)
        self.copies = plant_folders(self.engine, settings, self.folder, self.end_users, share)
        details = {"reason": f"{IN_LOG.decode()} {self.named_in_the_log.id} asked"}
        with transaction(self.engine) as connection:
            append_entry(connection, MOMENT, "lea", "noted", "item:1", details)
            if self.server is not None:
                connection.execute(text("ANALYZE"))  # as autovacuum does at any time
        stamp(self.engine)
        self.engine.dispose()

    def start(self, end_user: PlantedUser, *options: str) -> BaseProcess:
        arguments = ("forget", "--subject", end_user.id, *options)
        process = get_context("fork").Process(target=run_command, args=(self.folder, arguments))
        process.start()
        return process

    def run(self, end_user: PlantedUser, *options: str) -> int:
        process = self.start(end_user, *options)
        process.join(120)
        self.output[end_user] = (self.folder / OUTPUT).read_text(encoding="utf-8")
        assert process.exitcode is not None
        return process.exitcode

    def killed(self, end_user: PlantedUser, seconds: float) -> None:
        """Start the command and kill it, unless it has ended."""
        process = self.start(end_user)
        process.join(seconds)
        self.n_kills += process.is_alive()
        process.kill()
        process.join()

    def search(self) -> tuple[OutsideSearch, list[Hit]]:
        """Search the database's bytes and dump, and all folders, for everybody."""
        pseudonyms = {name: end_user.word for end_user, name in self.planted.pseudonyms.items()}
        searched = OutsideSearch(
            {end_user.word: end_user.word for end_user in self.end_users} | pseudonyms
        )
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.server is not None:
                connection.execute(text("VACUUM FULL"))
                connection.execute(text("CHECKPOINT"))
        self.engine.dispose()
        (self.folder / OUTPUT).unlink(missing_ok=True)  # it has their ids, as it was given them
        hits = searched.search(*self.database, self.folder)
        if self.server is not None:
            hits += searched.search_bytes(Path("dump"), self.server.dump().encode())
        return searched, hits


@pytest.fixture
def drill_on_sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Callable[[int], Drill]]:
    """Return a function that makes a drill with a number of end users, and one who stays."""
    site, database = tmp_path / "site", tmp_path / "database"
    site.mkdir()
    database.mkdir()
    with database_copy(sqlite_template, database / "driftwarden.db") as engine:
        yield lambda n: Drill(engine, site, [PlantedUser(k) for k in range(n + 1)], [database])


@pytest.fixture
def drill_on_postgresql(
    tmp_path: Path, own_postgres: PostgresServer
) -> Iterator[Callable[[int], Drill]]:
    """Return the same on a server whose files can be read."""
    engine = make_engine(own_postgres.url)
    metadata.create_all(engine)
    data = [own_postgres.data / name for name in ("base", "global")]
    yield lambda n: Drill(
        engine, tmp_path, [PlantedUser(k) for k in range(n + 1)], data, own_postgres
    )
    engine.dispose()


def run_command(folder: Path, arguments: Sequence[str]) -> None:
    """Run `driftwarden` in this process, a fork of the tests', which has loaded the libraries."""
    os.chdir(folder)
    with (folder / OUTPUT).open("w", encoding="utf-8") as output:
        sys.stdout = sys.stderr = output
        sys.argv = ["driftwarden", *arguments]
        main()


def in_database(drill: Drill, hit: Hit) -> bool:
    return hit.path == Path("dump") or any(
        hit.path == place or place in hit.path.parents for place in drill.database
    )


def assert_all_is_planted(drill: Drill, hits: Sequence[Hit]) -> None:
    """The search from outside sees each column and each file that was planted."""
    for end_user in drill.end_users:
        hers = [hit for hit in hits if hit.word == end_user.word]
        before = b"\n".join(hit.before for hit in hers if in_database(drill, hit))
        missing = {place for place in drill.planted.tagged if f"[{place}]".encode() not in before}
        assert missing == set()


def unnamed_places(drill: Drill, hits: Sequence[Hit]) -> Counter[str]:
    """Return where something is left of those who were forgotten, that no command has named."""
    unnamed = Counter[str]()
    for hit in hits:
        end_user = next(end_user for end_user in drill.end_users if end_user.word == hit.word)
        output = drill.output.get(end_user, "")
        if end_user is drill.stays:
            continue
        if in_database(drill, hit):
            if IN_LOG in hit.before and re.search(r"audit.log", output):
                continue
            tags = re.findall(rb"\[(\w+\.\w+)\]", hit.before) or [hit.before[-80:]]
            unnamed[f"{hit.word}: {hit.path.name}: {tags[-1]!r}"] += 1
        elif str(hit.path) not in output:
            unnamed[f"{hit.word}: {hit.path}"] += 1
    return unnamed


def assert_nobody_is_left(drill: Drill, hits: Sequence[Hit]) -> None:
    """Nothing is left of those who were forgotten, but what the command has named."""
    assert unnamed_places(drill, hits) == {}
    with transaction(drill.engine) as connection:
        (left,) = connection.execute(select(Exchange.id)).scalars()
        windows = select(DriftEvaluation.sample_scores, DriftEvaluation.prompt_map)
        for packed, window in connection.execute(windows):
            assert unpack_scores(packed).ids.tolist() == [left]
            assert set(unpack_prompt_map(window).current_ids.tolist()) <= {left, DELETED}
        assert check_chain(connection).broken_at is None


def assert_who_stays_is_whole(drill: Drill, before: dict[str, object], lines: Counter[str]) -> None:
    after = dict(rows_of(drill.engine, drill.planted, drill.stays))
    assert {name: after[name] for name in before} == before
    assert lines_of(drill) == lines
    with transaction(drill.engine) as connection:
        vectors = connection.execute(select(EmbeddingBlock.prompt_vectors)).scalars()
        assert b"".join(vectors) == drill.stays.vector


def lines_of(drill: Drill) -> Counter[str]:
    """Return the content of the files of who stays, and their lines in those of everybody."""
    word = drill.stays.word.encode()
    counts = Counter[str]()
    for path in sorted((drill.folder / "runs").rglob("*")):
        if path.is_file():
            counts[f"{path.relative_to(drill.folder)}"] = path.read_bytes().count(word)
    for name in OF_ROWS:
        counts[name] = (drill.folder / name).read_bytes().count(word)
    cache = b"".join(path.read_bytes() for path in sorted((drill.folder / "cache").iterdir()))
    counts["cache"] = cache.count(drill.stays.vector)
    return Counter({name: n for name, n in counts.items() if n})


def run_drill(drill: Drill, *, kills: int, share: int) -> None:
    """Plant, forget all but one, each killed at random moments, and search from outside."""
    drill.plant(share)
    forgotten, moments = drill.end_users[:-1], random.Random(40)
    _, hits = drill.search()
    assert_all_is_planted(drill, hits)
    row, lines = dict(rows_of(drill.engine, drill.planted, drill.stays)), lines_of(drill)
    drill.engine.dispose()
    seconds = 0.0
    for end_user in forgotten:
        for _ in range(kills if seconds else 0):
            drill.killed(end_user, moments.uniform(0, seconds))
        begin = time.monotonic()
        status = drill.run(end_user)
        seconds = seconds or time.monotonic() - begin
        assert (status, "\nsearched: " in drill.output[end_user]) == (1, True), drill.output[
            end_user
        ]
    searched, hits = drill.search()
    assert_nobody_is_left(drill, hits)
    assert_who_stays_is_whole(drill, row, lines)
    print(
        f"{len(forgotten)} end_users, {drill.n_kills} kills, {searched.n_bytes:,} bytes in "
        f"{searched.n_files} files, {len(hits)} hits"
    )


def assert_only_unread_files_are_left(drill: Drill) -> None:
    """An officer deletes the files that the command has found; those it can't read are named."""
    copies = [path for paths in drill.copies.values() for path in paths]
    closed = [path for path in copies if path.name.endswith(f"-{CLOSED}.file")]
    assert closed
    for end_user in drill.end_users[:-1]:
        for path in {*drill.copies[end_user]} - {*closed}:
            assert f"left in {path} " in drill.output[end_user]
            path.unlink()
    for end_user in drill.end_users[:-1]:
        status = drill.run(end_user, "--verify")
        assert status == (1 if end_user is drill.named_in_the_log else 4)
        assert all(f"not read: {path}: " in drill.output[end_user] for path in closed)
    _, hits = drill.search()
    assert_nobody_is_left(drill, hits)
    assert {hit.word for hit in hits if drill.folder in hit.path.parents} == {drill.stays.word}


def test_end_user_in_every_place_leaves_no_byte(
    drill_on_sqlite: Callable[[int], Drill],
) -> None:
    run_drill(drill_on_sqlite(1), kills=0, share=1)


@pytest.mark.drill
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def test_twenty_end_users_killed_at_random_leave_no_byte(
    request: pytest.FixtureRequest, database: str
) -> None:
    make: Callable[[int], Drill] = request.getfixturevalue(f"drill_on_{database}")
    drill = make(20)
    run_drill(drill, kills=1, share=4)
    assert drill.n_kills > 10
    assert_only_unread_files_are_left(drill)


def test_table_that_nobody_declared_fails_the_drill(
    drill_on_sqlite: Callable[[int], Drill],
) -> None:
    drill = drill_on_sqlite(1)
    with transaction(drill.engine) as connection:
        connection.execute(text("CREATE TABLE memos (id INTEGER PRIMARY KEY, memo TEXT NOT NULL)"))

    drill.plant(share=100)
    _, hits = drill.search()
    assert any("memos.memo" in name for name in unnamed_places(drill, hits))


def test_column_that_nobody_declared_fails_the_drill(
    drill_on_sqlite: Callable[[int], Drill],
) -> None:
    drill = drill_on_sqlite(1)
    with transaction(drill.engine) as connection:
        connection.execute(text("ALTER TABLE exchanges ADD COLUMN nickname VARCHAR"))

    with pytest.raises(AssertionError, match=r"exchanges\.nickname"):
        drill.plant(share=1)


def test_kind_of_file_without_planter_fails_the_drill(
    drill_on_sqlite: Callable[[int], Drill], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = replace(KINDS[0], name="avro")
    monkeypatch.setattr(planted_folders, "KINDS", (*KINDS, new))

    with pytest.raises(KeyError, match="avro"):
        drill_on_sqlite(1).plant(share=1)
