"""A real PostgreSQL: at DATABASE_URL, or started here from the system's packages."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text

from bench.services.requirement import free_port, missing
from monitor.store.engine import make_engine
from monitor.store.tables import metadata

HINT = "install PostgreSQL (`apt-get install postgresql`), or set DATABASE_URL"
TEMPLATE = "driftwarden_template"
OTHERS = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid()
""")
SCHEMA = text("""
    WITH own AS (SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
        SELECT relname::text AS part FROM own
        UNION ALL SELECT relname || attname || atttypid || attnotnull
            FROM pg_attribute JOIN own ON own.oid = attrelid
        UNION ALL SELECT relname || tgname || tgenabled::text
            FROM pg_trigger JOIN own ON own.oid = tgrelid WHERE NOT tgisinternal
        UNION ALL SELECT relname || conname FROM pg_constraint JOIN own ON own.oid = conrelid
    ) AS parts
""")
FILLED = text("""
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
""")
RESTART = text("""
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
""")


class PostgresServer:
    """A server in a temporary folder of its own, run by the user `postgres` where we are root."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="driftwarden-postgres-"))
        self.port = free_port()
        self.url = f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"
        self._user: str | None = None
        if os.geteuid() == 0:
            try:
                pwd.getpwnam("postgres")
            except KeyError:
                missing("the user `postgres`", HINT)
            self._user = "postgres"
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "-N")

    @property
    def data(self) -> Path:
        """Return the folder of the data."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server; no durability is needed of a database that a test throws away."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self.folder / "server.log"
        self._run("pg_ctl", "-D", self.data, "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        """Stop the server, cutting its connections."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dump(self) -> str:
        """Return the statements that restore the database `postgres`, without psql's commands."""
        options = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        done = subprocess.run(
            [self._bin / "pg_dump", *options, "--inserts", "--no-owner", "--no-comments"],
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        commands = ("\\restrict ", "\\unrestrict ")
        lines = done.stdout.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(commands))

    def archive_bytes(self, database: str) -> int:
        """Return the size of a compressed dump of a database."""
        done = subprocess.run(
            [
                *(self._bin / "pg_dump", "-h", "127.0.0.1", "-p", str(self.port)),
                *("-U", "postgres", "-Fc", database),
            ],
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        return len(done.stdout)

    def _run(self, program: str, *arguments: str | Path) -> None:
        output = self.folder / f"{program}.log"  # a file: the server would hold a pipe open
        with output.open("wb") as log:
            done = subprocess.run(
                [self._bin / program, *arguments],
                user=self._user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode != 0:
            logs = sorted(self.folder.glob("*.log"))
            raise RuntimeError(f"{program}: {''.join(log.read_text()[-2000:] for log in logs)}")


def _binaries() -> Path:
    result = shutil.which("initdb")
    if result:
        return Path(result).resolve().parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    return installed[-1].parent if installed else missing("PostgreSQL", HINT)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server for the whole session, holding a template database with the declared schema."""
    server = None
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        server = PostgresServer()
        server.start()
        url = server.url
    elif make_url(url).get_backend_name() != "postgresql":
        pytest.fail("DATABASE_URL of the tests must be a PostgreSQL server")
    template = f"{TEMPLATE}_{uuid.uuid4().hex[:8]}"
    _administer(url, f"CREATE DATABASE {template}")
    engine = make_engine(_database(url, template))
    metadata.create_all(engine)
    engine.dispose()
    yield _database(url, template)
    _administer(url, f"DROP DATABASE {template}")
    if server:
        server.remove()


@pytest.fixture(scope="session")
def postgres_emptied(postgres_url: str) -> Iterator[list[str]]:  # noqa: ARG001 - ends after it
    """The URLs of databases that a test has used and that were emptied afterwards: one at most."""
    emptied: list[str] = []
    yield emptied
    for url in emptied:
        _drop(url)


@pytest.fixture
def postgres_database(postgres_url: str, postgres_emptied: list[str]) -> Iterator[str]:
    """The URL of an empty database with the declared schema."""
    if postgres_emptied:
        url = postgres_emptied.pop()
    else:
        name = f"driftwarden_{uuid.uuid4().hex[:12]}"
        url = _database(postgres_url, name)
        template = make_url(postgres_url).database
        _administer(
            _database(postgres_url, "postgres"), f"CREATE DATABASE {name} TEMPLATE {template}"
        )
    yield url
    if _emptied(url, like=postgres_url):
        postgres_emptied.append(url)
    else:
        _drop(url)


@pytest.fixture
def postgres_empty_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh database without a schema."""
    name = f"driftwarden_{uuid.uuid4().hex[:12]}"
    server = _database(postgres_url, "postgres")
    _administer(server, f"CREATE DATABASE {name}")
    yield _database(postgres_url, name)
    _drop(_database(postgres_url, name))


@pytest.fixture
def postgres_engine(postgres_database: str) -> Iterator[Engine]:
    """An engine on a fresh PostgreSQL database with the declared schema."""
    engine = make_engine(postgres_database)
    yield engine
    engine.dispose()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A started server of the test's own, to stop and start at will; it holds no schema."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """The same test on SQLite and on PostgreSQL, each with a fresh schema."""
    name = "engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    return engine


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _drop(url: str) -> None:
    name = make_url(url).database
    _administer(_database(url, "postgres"), f"DROP DATABASE {name} WITH (FORCE)")


def _emptied(url: str, *, like: str) -> bool:
    """Empty a database for the next test, in a quarter of the time that a new one takes.

    A vacuumed table is as new: no dead rows, and rows come back in the order in which they are
    inserted. Return ``False`` where that can't be: somebody is still connected, or the schema is
    no longer the template's.
    """
    with _administering(url) as connection:
        if not _left(connection) or connection.execute(SCHEMA).scalar() != _schema(like):
            return False
        connection.execute(text("SET session_replication_role = replica"))  # no triggers
        tables = connection.execute(FILLED).scalars().all()
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))
        if tables:
            connection.execute(text(f"VACUUM {', '.join(tables)}"))
        connection.execute(RESTART)
        return True


def _left(connection: Connection) -> bool:
    """Whether all others have left; a closed connection ends some milliseconds later."""
    for _ in range(20):
        if not connection.execute(OTHERS).scalar():
            return True
        time.sleep(0.01)
    return False


@cache
def _schema(url: str) -> str:
    with _administering(url) as connection:
        return str(connection.execute(SCHEMA).scalar_one())


@contextmanager
def _administering(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _administer(url: str, statement: str) -> None:
    with _administering(url) as connection:
        connection.execute(text(statement))
