"""Each part's own code under its role in a real PostgreSQL, and what the role is refused."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer
from sqlalchemy import (
    URL,
    Engine,
    NullPool,
    create_engine,
    delete,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import ProgrammingError

from monitor.alerts.channels import only
from monitor.daemon.cycle import Cycle
from monitor.daemon.web_app import create_app
from monitor.errors import DatabasePermissionError
from monitor.privacy.requests.requests import decide
from monitor.privacy.requests.sentences import digest_of
from monitor.settings import ModelSection, Secrets, Settings
from monitor.store.database_roles import default_roles, grant_statements
from monitor.store.engine import NOT_GRANTED, make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.privacy.requests import insert_sentence
from monitor.store.tables import PrivacyRequest, StaffSentence, metadata
from monitor.store.tables.facts import facts_of, table_names
from monitor.table_types.contents import Part
from monitor.web.server import BackgroundServer
from monitor.windows import evaluation
from tests.support.alerts.senders import MemorySender
from tests.support.filled_tables import fill_tables
from tests.support.refusals import refusal
from tests.support.traffic.ingest import ingest_settings, running_ingest, total_offset, wait_until
from tests.support.traffic.stored_traffic import ENCODER, TopicEncoder, store_traffic
from tests.support.web.hostile_world import MODEL, make_hostile_world, write_hostile_reviews
from tests.support.web.route_table import WITH_TOKEN, Visitor, routes

pytestmark = pytest.mark.postgres
ACCESS = {name: facts_of(name).access for name in table_names()}
WEEK = timedelta(weeks=1)
#: Tables and privileges that the present role has on whole tables, by PostgreSQL's own answer.
PRIVILEGES_OF_ROLE = text("""
    SELECT relname, code FROM pg_class,
        (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE'))
            AS privileges (code, name)
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND has_table_privilege(oid, name)
""")


@dataclass
class Site:
    """A migrated database, its owner's engine, and an engine of each part."""

    owner: Engine
    of: dict[Part, Engine]


@dataclass(frozen=True)
class Template:
    """A migrated database with the grants, and the roles with their password."""

    url: URL
    roles: dict[Part, str]
    password: str


@pytest.fixture(scope="module")
def template(postgres_url: str) -> Iterator[Template]:
    """A migrated database with roles of this module's own."""
    suffix = uuid.uuid4().hex[:8]
    server, url = make_url(postgres_url).set(database="postgres"), make_url(postgres_url)
    url = url.set(database=f"roles_{suffix}")
    administer(server, f"CREATE DATABASE {url.database}")
    owner = make_engine(render(url))
    upgrade(owner)
    owner.dispose()
    roles = {part: f"{role}_{suffix}" for part, role in default_roles().items()}
    administer(url, grant_statements(roles))
    administer(url, grant_statements(roles))  # again, as after each upgrade
    for role in roles.values():
        administer(url, f"ALTER ROLE {role} PASSWORD '{suffix}'")
    yield Template(url, roles, suffix)
    administer(server, f"DROP DATABASE {url.database} WITH (FORCE)")
    for role in roles.values():
        administer(server, f"DROP ROLE {role}")


@pytest.fixture
def site(template: Template) -> Iterator[Site]:
    """A copy of the database, with an engine of each part."""
    server = template.url.set(database="postgres")
    url = template.url.set(database=f"site_{uuid.uuid4().hex[:8]}")
    administer(server, f"CREATE DATABASE {url.database} TEMPLATE {template.url.database}")
    engines = {
        part: make_engine(render(url.set(username=role, password=template.password)))
        for part, role in template.roles.items()
    }
    owner = make_engine(render(url))
    yield Site(owner, engines)
    for engine in (owner, *engines.values()):
        engine.dispose()
    administer(server, f"DROP DATABASE {url.database} WITH (FORCE)")


def render(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def administer(url: URL, statements: str) -> None:
    """Run statements as the owner, as psql does."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statements)
        cursor.close()


def permitted(engine: Engine, statement: str) -> bool:
    """Return whether the database permits a statement; it fails for no other reason."""
    code = None
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql(statement)
        except ProgrammingError as error:
            code = getattr(error.orig, "pgcode", None)
    assert code in {None, NOT_GRANTED}, statement
    return code is None


def test_database_permits_what_tables_declare_and_no_more(site: Site) -> None:
    for part, engine in site.of.items():
        with engine.connect() as connection:
            allowed = connection.execute(PRIVILEGES_OF_ROLE).all()
        actual = {(table, code) for table, code in allowed if table in ACCESS}
        expected = {
            (table, code)
            for table, access in ACCESS.items()
            for code in access.of(part)
            if not (code == "r" and part in access.columns)
        }
        assert actual == expected
        assert {table for table, _ in allowed} - set(ACCESS) == {"alembic_version"}
        for table, access in ACCESS.items():
            if part in access.columns:
                columns = access.columns[part]
                for column in set(metadata.tables[table].columns.keys()) - {*columns}:
                    assert not permitted(engine, f'SELECT "{column}" FROM {table}')
                names = ", ".join(f'"{column}"' for column in columns)
                assert permitted(engine, f"SELECT {names} FROM {table}")


def test_ingest_cannot_read_reviews_accounts_and_gold(site: Site) -> None:
    for table in ("reviews", "review_items", "users", "web_sessions", "gold_examples", "exchanges"):
        assert permitted(site.owner, f"SELECT * FROM {table}")
        assert not permitted(site.of["ingest"], f"SELECT * FROM {table}")
        assert not permitted(site.of["ingest"], f"DELETE FROM {table}")


def test_no_part_changes_schema_roles_or_history(site: Site) -> None:
    for engine in site.of.values():
        for statement in (
            "CREATE TABLE planted (x int)",
            "ALTER TABLE reviews ADD planted int",
            "DROP TABLE reviews",
            "TRUNCATE reviews",
            "CREATE ROLE planted",
            "UPDATE alembic_version SET version_num = ''",
            "ALTER TABLE audit_log DISABLE TRIGGER ALL",
            "COPY reviews TO PROGRAM 'true'",
        ):
            assert not permitted(engine, statement), statement


def test_refusal_names_the_command_that_grants(site: Site) -> None:
    with (
        refusal("database_permission", DatabasePermissionError, match="db grants"),
        transaction(site.of["ingest"]) as connection,
    ):
        connection.execute(text("SELECT * FROM reviews"))


@pytest.mark.kafka
def test_ingest_stores_records_under_its_role(
    site: Site, bootstrap_servers: str, topic: str, producer: KafkaProducer
) -> None:
    """Exchanges, dead codes, withheld and unlisted ones, joined halves and feedback."""
    settings = ingest_settings(
        bootstrap_servers, topic, "sqlite://", monitoring={"sample_rate": 1.0},
        traffic={"join": {"enabled": True, "timeout": "1s"}, "format": "plain"},
    )  # fmt: skip
    records: list[dict[str, Any] | bytes] = [
        {"id": f"r{n}", "prompt": f"prompt {n}", "response": "yes"} for n in range(20)
    ]
    records += [
        {"id": "withheld", "prompt": "redacted-by-litellm", "response": "redacted-by-litellm"},
        {"id": "unlisted", "prompt": "a", "response": "b", "model": "stranger"},
        {"id": "half", "prompt": "only"},
        {"id": "late", "prompt": "first half"},
        {"id": "r1", "feedback": {"thumbs_up": True, "rating": 4}},
        b"not json",
    ]
    for number, record in enumerate(records):
        value = record if isinstance(record, bytes) else json.dumps(record).encode()
        producer.send(topic, key=b"%d" % number, value=value)
    producer.send(topic, key=b"late", value=json.dumps({"id": "late", "response": "2nd"}).encode())
    producer.flush()

    def n_rows(table: str) -> int:
        with transaction(site.owner) as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    with running_ingest(site.of["ingest"], settings):
        wait_until(lambda: total_offset(site.owner) == len(records) + 1, "reading", seconds=40)
        # The half becomes a dead code once its time is over.
        wait_until(lambda: n_rows("dead_letters") >= 2, "the sweep", seconds=40)
    assert n_rows("exchanges") >= 20
    assert n_rows("feedback") == 2
    assert n_rows("unlisted_exchanges") == 1
    assert n_rows("withheld_exchanges") == 1


def test_page_works_under_its_role(site: Site, clock: datetime) -> None:
    """Sign in, review, discuss, decide; then every page and every form of a lead."""
    world = make_hostile_world(site.owner, clock)
    settings = Settings(model=ModelSection(name=MODEL))
    app = create_app(site.of["web"], settings, Secrets())
    failed = []
    with BackgroundServer(app) as server, ExitStack() as stack:
        browsers = [
            Visitor(stack.enter_context(httpx.Client(base_url=server.url, timeout=60)))
            for _ in range(3)
        ]
        ada, ben, lea = browsers
        for browser, name in zip(browsers, ("Ada", "Ben", "Lea"), strict=True):
            assert browser.sign_in(name).status_code == 200
        items = write_hostile_reviews(ada, ben)
        ids = {"evaluation_id": world.evaluation_id, "user_id": world.users["Ada"]}
        for route in routes(app):
            if route.path in WITH_TOKEN | {"/login", "/logout", "/api/login"}:
                continue
            path = route.fill({**ids, "item_id": items["gold"], "token": "x"})
            reply = lea.get(path) if route.method == "GET" else lea.post(path, {"reason": "r"})
            if reply.status_code >= 500:
                failed.append((route, reply.status_code))
        assert lea.get("/readyz").json()["problems"] == []
    assert failed == []


def test_page_erases_words_of_staff_under_its_role(site: Site, clock: datetime) -> None:
    words = "Ann is rude."
    places = [("reviews", "comment"), ("review_messages", "text"), ("incident_events", "reason")]
    with transaction(site.owner) as connection:
        fill_tables(connection, metadata, n_rows=1)
        connection.execute(delete(StaffSentence))
        connection.execute(update(PrivacyRequest).values(kind="erasure", closed_at=None))
        (request,) = connection.execute(select(PrivacyRequest.id)).scalars()
        for table, column in places:
            declared = metadata.tables[table]
            connection.execute(declared.update().values({column: words}))
            key = connection.execute(select(declared.c.id)).scalar_one()
            insert_sentence(
                connection, request, number=1, table=table, key=(key,), column=column,
                digest=digest_of(words), found_by="id",
            )  # fmt: skip

    decide(site.of["web"], request, [1], "erase", reason="why", by="Lea", now=clock)

    with transaction(site.owner) as connection:
        for table, column in places:
            stored = connection.execute(select(metadata.tables[table].c[column])).scalar_one()
            assert stored == "[erased]."
    assert not permitted(site.of["web"], "UPDATE incident_events SET event = 'opened'")
    assert not permitted(site.of["web"], "SELECT reason FROM suppressions")


def test_schedule_works_under_its_role(
    site: Site, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every job of the leader, with a window that drifts and its review batch."""
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    store_traffic(site.owner, clock, 500, seed=1, baseline=True)
    store_traffic(site.owner, clock, 400, seed=3, new_share=0.3)
    settings = Settings(
        drift={"n_permutations": 1999}, retention={"exchanges": "30d", "reviews": "30d"},
        alerts={"channel": "C1"},
    )  # fmt: skip
    now = clock + WEEK + timedelta(hours=1)

    def encoder() -> TopicEncoder:
        same = TopicEncoder()
        same.identity = ENCODER
        return same

    sender = MemorySender()
    built = Cycle.build(site.of["schedule"], settings, Secrets(), now, encoder=encoder)
    cycle = replace(built, channels=only(sender))
    for job in (
        *(cycle.evaluate, cycle.look, cycle.advance, cycle.apply_weights, cycle.probe_canaries),
        *(cycle.roll_out, cycle.compare_rollout_responses, cycle.judge_rollout_responses),
        *(cycle.watch, cycle.probe, cycle.deliver, cycle.act, cycle.publish_gauges, cycle.mirror),
        cycle.index,
        cycle.tidy,
    ):
        job(now)
    assert sender.sent
    with transaction(site.owner) as connection:
        n_items = connection.execute(text("SELECT count(*) FROM review_items")).scalar_one()
    assert n_items > 0
    cycle.tidy(now + timedelta(days=60))  # deletes exchanges, with the batch
    with transaction(site.owner) as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("review_items", "exchanges WHERE baseline_id IS NULL")
        ]
    assert counts == [0, 0]
