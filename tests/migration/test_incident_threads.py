"""Threads of incidents in Slack, which had columns of the incident in 0.2.0."""

from sqlalchemy import Engine, select, text

from monitor.store import migrations
from monitor.store.engine import transaction
from monitor.store.tables import IncidentThread, OutboxMessage
from tests.migration.test_released_schemas import restore
from tests.support.schema import alembic_command

COLUMNS = text("SELECT slack_channel, slack_ts FROM incidents")


def test_the_thread_of_an_incident_survives_both_ways(empty_engine: Engine) -> None:
    restore(empty_engine, "0.2.0")
    with transaction(empty_engine) as connection:
        before = connection.execute(COLUMNS).all()
    migrations.upgrade(empty_engine)
    with transaction(empty_engine) as connection:
        threads = connection.execute(select(IncidentThread.target, IncidentThread.ts)).all()
        subjects = connection.execute(select(OutboxMessage.subject)).scalars().all()
    assert [tuple(row) for row in threads] == [tuple(row) for row in before]
    assert set(subjects) <= {"drift", "notice"}
    alembic_command(empty_engine, "downgrade", "0002")
    with transaction(empty_engine) as connection:
        assert connection.execute(COLUMNS).all() == before
