"""Finding of `driftwarden check` on the leader."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from monitor.daemon.readiness.finding import Finding
from monitor.daemon.readiness.monitoring import leader_finding
from monitor.settings import Configuration
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import renew_lease, take_lease
from monitor.store.tables.leadership import Leadership
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now


def test_leader_is_named_with_its_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    engine = make_engine(url)
    migrate(engine)
    settings = Configuration(models={"desk": {}}, database={"url": url})

    def finding() -> Finding:
        return leader_finding(settings)

    assert finding().status == "ok"
    with transaction(engine) as connection:
        take_lease(connection, "host:1:abc", timedelta(minutes=1))
    assert finding().status == "ok"
    assert finding().message.startswith("host:1:abc since ")
    with transaction(engine) as connection:
        connection.execute(update(Leadership).values(acquired_at=utc_now() - timedelta(hours=2)))
    assert finding().status == "fail"  # nothing was done since
    with transaction(engine) as connection:
        renew_lease(connection, 1, timedelta(minutes=1), idle=timedelta(minutes=14))
        renew_lease(connection, 1, timedelta(minutes=1))  # as where the time is not known
    assert finding().status == "ok"
    with transaction(engine) as connection:
        renew_lease(connection, 1, timedelta(minutes=1), idle=timedelta(minutes=16))
    assert finding().status == "fail"
    assert "host:1:abc" in finding().command
    with transaction(engine) as connection:
        assert take_lease(connection, "host:1:abc", timedelta(minutes=1)) == 2
    assert finding().status == "ok"  # a new term
    with transaction(engine) as connection:
        renew_lease(connection, 2, timedelta())
    assert finding().status == "fail"
    assert "host:1:abc" in finding().message
