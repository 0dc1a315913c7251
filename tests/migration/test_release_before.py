"""The release before beside the newer schema: it reads and writes until it is stopped.

Its statements are made from the schema of its dumps, as a clone of CI may lack the commit of its
code. ``test_code_of_release.py`` runs that code where the history has it.
"""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, MetaData, select, text

from monitor.store import migrations
from monitor.store.alerts.incident_events import list_events
from monitor.store.audit_log import append_entry, check_chain
from monitor.store.engine import transaction
from monitor.store.schema.older_release import adopt_rows
from monitor.store.schema.releases import RELEASES
from monitor.store.tables import Incident, IncidentThread, Rollout, TrafficWeights
from tests.migration.test_released_schemas import restore
from tests.support.filled_tables import fill_tables

#: Unique constraints that a newer schema has lifted, which the release names in no ON CONFLICT.
LIFTED = {("outbox", ("dedupe_key",)), ("rollouts", ("version_id",))}
LAST = RELEASES[-1].version
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


def reflected(engine: Engine) -> MetaData:
    """Return the schema of a database as the code of its release declares it."""
    schema = MetaData()
    schema.reflect(engine)
    return schema


def rows(engine: Engine, schema: MetaData) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables by the columns of a schema."""
    with transaction(engine) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in schema.sorted_tables
            if table.name != "alembic_version"
        }


@pytest.fixture
def migrated(empty_engine: Engine) -> tuple[Engine, MetaData]:
    """Return a database of the last release, migrated, with the schema that the release knows."""
    restore(empty_engine, LAST)
    old = reflected(empty_engine)
    with transaction(empty_engine) as connection:
        fill_tables(connection, old, first=100)
    before = rows(empty_engine, old)
    migrations.upgrade(empty_engine)
    after = rows(empty_engine, old)
    assert {name for name in before if before[name] != after[name]} <= {"rollouts"}  # held: holding
    assert {name: len(listed) for name, listed in after.items()} == {
        name: len(listed) for name, listed in before.items()
    }
    return empty_engine, old


def test_every_statement_of_the_release_runs_beside_it(migrated: tuple[Engine, MetaData]) -> None:
    engine, old = migrated
    with transaction(engine) as connection:
        n_rows = fill_tables(connection, old, first=200)
    assert min(n_rows.values()) > 0
    with transaction(engine) as connection:
        for table in old.sorted_tables:
            if table.name in {"alembic_version", "audit_log"}:
                continue
            values = {column.name: column for column in table.columns if not column.primary_key}
            if values:
                connection.execute(table.update().values(values))
            assert connection.execute(select(table)).all()
        for table in reversed(old.sorted_tables):
            if table.name not in {"alembic_version", "audit_log"}:
                connection.execute(table.delete().where(sa.false()))
        assert check_chain(connection).broken_at is None


def test_conflicts_of_the_release_are_still_found(migrated: tuple[Engine, MetaData]) -> None:
    engine, old = migrated
    new = reflected(engine)

    def keys(schema: MetaData) -> set[tuple[str, tuple[str, ...]]]:
        return {
            (table.name, tuple(sorted(column.name for column in constraint.columns)))
            for table in schema.sorted_tables
            for constraint in table.constraints
            if isinstance(constraint, (sa.UniqueConstraint, sa.PrimaryKeyConstraint))
        }

    assert keys(old) - keys(new) == LIFTED


def test_rows_of_the_release_are_completed_once(migrated: tuple[Engine, MetaData]) -> None:
    """As 0.2 writes them: an incident with its thread, a page that resolves one, a rollout."""
    engine, old = migrated
    incidents, rollouts = old.tables["incidents"], old.tables["rollouts"]
    aware = engine.dialect.name == "postgresql"
    now = NOW if aware else NOW.replace(tzinfo=None)
    with transaction(engine) as connection:
        adopt_rows(connection)
        values = {"model": "beside", "status": "open", "fingerprint": "input", "severity": 0.3}
        opened, closed = (
            connection.execute(
                incidents.insert()
                .values({**values, "model": f"beside-{k}", "opened_at": now})
                .returning(incidents.c.id)
            ).scalar_one()
            for k in range(2)
        )
        append_entry(connection, NOW, "driftwarden", "opened", f"incident:{opened}", {"to": "open"})
        thread = {"slack_channel": "C1", "slack_ts": "1.2"}
        connection.execute(incidents.update().where(incidents.c.id == opened).values(thread))
        ended = {"status": "resolved", "resolved_at": now}
        connection.execute(incidents.update().where(incidents.c.id == closed).values(ended))
        version = connection.execute(
            text("SELECT id, model FROM model_versions ORDER BY id DESC LIMIT 1")
        ).one()
        values = {"version_id": version.id, "status": "held", "weight_percent": 5}
        times = {"stage_started_at": now, "started_at": now, "finished_at": now}
        statement = rollouts.insert().values(**values, **times, reason="").returning(rollouts.c.id)
        # Of two models at once: neither has its model yet.
        held = [connection.execute(statement).scalar_one() for _ in range(2)]
    with transaction(engine) as connection:
        assert adopt_rows(connection) == 1 + 2 + 2 * len(held)
        assert adopt_rows(connection) == 0
        threads = select(IncidentThread.target, IncidentThread.ts)
        adopted = connection.execute(threads.where(IncidentThread.incident_id == opened)).all()
        assert [tuple(row) for row in adopted] == [("C1", "1.2")]
        events = {key: [e.event for e in list_events(connection, key)] for key in (opened, closed)}
        assert events == {opened: ["opened"], closed: ["opened", "resolved"]}
        versions = select(Incident.version).where(Incident.id.in_([opened, closed]))
        assert connection.execute(versions.order_by(Incident.id)).scalars().all() == [1, 2]
        statement = select(Rollout.model, Rollout.status).where(Rollout.id.in_(held))
        statuses = connection.execute(statement).all()
        assert [tuple(row) for row in statuses] == [(version.model, "holding")] * 2


def test_weights_of_a_promotion_by_the_release_are_adopted(
    migrated: tuple[Engine, MetaData],
) -> None:
    engine, old = migrated
    versions, changes = old.tables["model_versions"], old.tables["stage_changes"]
    now = NOW if engine.dialect.name == "postgresql" else NOW.replace(tzinfo=None)
    with transaction(engine) as connection:
        number = connection.execute(
            versions.insert()
            .values(
                model="promoted", version=1, stage="production", adapter_path="", lineage={},
                adapter_digest="", created_at=now - timedelta(hours=1),
            )
            .returning(versions.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(
            changes.insert().values(
                version_id=number, from_stage="candidate", to_stage="production", reason="",
                changed_by="Ann", changed_at=now,
            )
        )  # fmt: skip
        adopt_rows(connection)
        weights = select(TrafficWeights.stable_version_id, TrafficWeights.generation).where(
            TrafficWeights.model == "promoted"
        )
        assert [tuple(row) for row in connection.execute(weights)] == [(number, 1)]
        assert adopt_rows(connection) == 0
