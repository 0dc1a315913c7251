"""Findings of `driftwarden check` on evaluated windows and stored records."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine

from monitor.daemon.readiness.progress import (
    dead_letters_finding,
    stored_records_finding,
    windows_finding,
)
from monitor.settings import Secrets, Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.offsets import advance, claim
from monitor.store.traffic.position import Position
from monitor.windows.schedule import window_of
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.traffic.ingest import ingest_settings, produce
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

NOW = utc_now()
WEEK = timedelta(weeks=1)
THIS_WEEK, _ = window_of(NOW, "weekly")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Engine, Settings]]:
    """Return a migrated database with the settings that name it."""
    url = f"sqlite:///{tmp_path / 'site.db'}"
    engine = make_engine(url)
    migrate(engine)
    yield engine, Settings(database={"url": url})
    engine.dispose()


def test_a_late_window_is_noted(site: tuple[Engine, Settings]) -> None:
    engine, settings = site
    store_traffic(engine, THIS_WEEK - 3 * WEEK, 20, seed=1)
    assert "none is evaluated" in windows_finding(settings).message
    with transaction(engine) as connection:
        store_evaluation(connection, make_assessment(), THIS_WEEK - 3 * WEEK)
    late = windows_finding(settings)
    assert late.status == "note"
    assert f"until {THIS_WEEK - 2 * WEEK:%Y-%m-%d}" in late.message

    with transaction(engine) as connection:
        for weeks in (2, 1):
            store_evaluation(connection, make_assessment(), THIS_WEEK - weeks * WEEK)
    assert windows_finding(settings).status == "ok"


@pytest.mark.kafka
def test_unstored_records_are_noted(
    site: tuple[Engine, Settings], bootstrap_servers: str, topic: str, producer: KafkaProducer
) -> None:
    engine, settings = site
    settings = ingest_settings(bootstrap_servers, topic, settings.database.url)
    assert stored_records_finding(settings, Secrets()).status == "ok"  # nothing is read yet

    produce(producer, topic, 0, 7)
    long_ago = NOW - timedelta(hours=1)
    with transaction(engine) as connection:
        for partition in range(3):
            claim(connection, topic, partition, first=0, now=long_ago)
    stalled = stored_records_finding(settings, Secrets())
    assert stalled.status == "note"
    assert "7 records behind" in stalled.message

    with transaction(engine) as connection:
        advance(connection, topic, 0, expected=0, new=1, now=NOW)
    assert stored_records_finding(settings, Secrets()).status == "ok"


def test_prompts_without_a_response_are_reported(site: tuple[Engine, Settings]) -> None:
    engine, settings = site
    assert dead_letters_finding(settings).status == "ok"
    rows = [
        DeadLetterRow(
            position=Position("t", 0, offset),
            key=None,
            value=b"{}",
            reason="missing_response",
            detail="",
            randomness=1,
            threshold=0,
            inclusion_probability=1.0,
            received_at=NOW,
        )
        for offset in range(3)
    ]
    with transaction(engine) as connection:
        insert_dead_letters(connection, rows)
    finding = dead_letters_finding(settings)
    assert finding.status == "note"
    assert "3 missing_response" in finding.message
    assert "traffic.prompts_only" in finding.message
