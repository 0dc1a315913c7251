"""Finding of `driftwarden check` on the leader."""

from datetime import timedelta
from pathlib import Path

from monitor.daemon.readiness.finding import Finding
from monitor.daemon.readiness.monitoring import leader_finding
from monitor.settings import Configuration
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import renew_lease, take_lease
from tests.support.migrated_copy import migrate


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
        renew_lease(connection, 1, timedelta())
    assert finding().status == "fail"
    assert "host:1:abc" in finding().message
