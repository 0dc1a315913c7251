"""Finding of `driftwarden check` on names of metrics that no exchange has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.daemon.readiness.metric_names import metric_names_finding
from monitor.settings import Settings
from monitor.store.engine import make_engine
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.traffic.feedback import rating
from tests.support.traffic.observed_traffic import Message, ingest

NOW = utc_now().replace(microsecond=0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Engine, Settings]]:
    """Return a migrated database with the settings that name it."""
    url = f"sqlite:///{tmp_path / 'site.db'}"
    engine = make_engine(url)
    migrate(engine)
    yield engine, Settings(database={"url": url}, monitoring={"sample_rate": 1.0})
    engine.dispose()


def naming(settings: Settings, **names: tuple[str, ...]) -> Settings:
    return settings.model_copy(update={"drift": settings.drift.model_copy(update=names)})


def exchange(number: int, **metadata: Any) -> Message:
    record = {"id": f"r{number}", "prompt": "q", "response": "a", "metadata": metadata}
    return (b"r%d" % number, (), json.dumps(record).encode())


def test_name_that_no_exchange_has_is_noted(site: tuple[Engine, Settings]) -> None:
    engine, settings = site
    mistyped = naming(settings, higher_is_better=("csta",), lower_is_better=("cost", "effort"))
    assert metric_names_finding(mistyped).status == "ok"  # nothing is stored
    sent = [exchange(number, csat=4, cost=0.1) for number in range(3)]
    ingest(engine, settings, [*sent, rating("r0", feedback={"effort": 2})], NOW)
    finding = metric_names_finding(mistyped)
    assert finding.status == "note"
    assert finding.message.endswith(": `csta` (did you mean `csat`?)")
    assert metric_names_finding(naming(settings, higher_is_better=("csat",))).status == "ok"
