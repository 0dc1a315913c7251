"""Finding about addresses that a peer trusted by default only has forwarded."""

from datetime import datetime, timedelta
from pathlib import Path

from monitor.daemon.readiness.encryption import forwarded_finding
from monitor.settings import Configuration
from monitor.store.access_log import Access, append_access
from monitor.store.engine import make_engine, transaction
from tests.support.migrated_copy import migrate


def test_addresses_forwarded_by_default_trust_are_noted(tmp_path: Path, clock: datetime) -> None:
    url = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    engine = make_engine(url)
    migrate(engine)
    default = Configuration(database={"url": url})
    named = Configuration(database={"url": url}, web={"trusted_proxies": ["127.0.0.1"]})
    statuses = []
    for address in ("127.0.0.1", "203.0.113.9"):
        with transaction(engine) as connection:
            append_access(
                connection,
                Access(
                    occurred_at=clock, source="web", actor="Lea", action="signed_in",
                    address=address, peer="127.0.0.1",
                ),
            )  # fmt: skip
        statuses.append(forwarded_finding(default, clock).status)
    assert statuses == ["ok", "note"]
    assert forwarded_finding(named, clock).status == "ok"
    assert forwarded_finding(default, clock + timedelta(days=8)).status == "ok"
