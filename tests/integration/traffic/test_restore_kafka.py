"""A database that is lost while a real Kafka goes on, and restored from a backup of before."""

from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine

from monitor.alerts.channels import only
from monitor.alerts.outbox import deliver_due
from monitor.settings import load_configuration
from monitor.store import migrations
from monitor.store.engine import make_engine
from monitor.store.transfer.backup import back_up, folders_of
from monitor.store.transfer.restore import restore
from tests.integration.alerts.outbox_messages import add_messages, outbox_rows
from tests.services.slack import FakeSlack, slack  # noqa: F401 - a fixture
from tests.support.alerts.senders import slack_sender
from tests.support.present import utc_now
from tests.support.traffic.ingest import (
    expected_ids,
    ingest_settings,
    produce,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

pytestmark = pytest.mark.kafka
RATE = 0.3
N_BEFORE, N_AFTER = 2000, 1500


@pytest.mark.parametrize(
    "kind",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.drill])],
)
def test_records_are_neither_lost_nor_doubled_by_a_restoration(
    kind: str,
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    slack: FakeSlack,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("")
    configuration = load_configuration(None)
    lost_url = f"sqlite:///{tmp_path / 'lost.db'}"
    new_url = f"sqlite:///{tmp_path / 'restored.db'}"
    if kind == "postgresql":
        new_url = request.getfixturevalue("postgres_empty_database")
    now = utc_now() - timedelta(minutes=1)

    def start(url: str) -> Engine:
        engine = make_engine(url)
        migrations.upgrade(engine)
        return engine

    def settings(url: str):
        return ingest_settings(bootstrap_servers, topic, url, monitoring={"sample_rate": RATE})

    lost = start(lost_url)
    add_messages(lost, 2, now)
    produce(producer, topic, 0, N_BEFORE)
    with running_ingest(lost, settings(lost_url)):
        wait_until(lambda: total_offset(lost) > N_BEFORE / 4, "reading a part")
        back_up(lost, configuration, tmp_path / "backup.tar")  # while rows are stored
        produce(producer, topic, N_BEFORE, N_BEFORE + N_AFTER)
        wait_until(lambda: total_offset(lost) == N_BEFORE + N_AFTER, "reading on")
    deliver_due(lost, only(slack_sender(slack)), utc_now())
    assert len(slack.messages) == 2  # after the backup
    assert stored_ids(lost) == expected_ids(N_BEFORE + N_AFTER, RATE)
    lost.dispose()
    for file in tmp_path.glob("lost.db*"):
        file.unlink()

    restore(tmp_path / "backup.tar", new_url, allowed=folders_of(configuration))
    engine = make_engine(new_url)
    behind = total_offset(engine)
    assert N_BEFORE / 4 < behind < N_BEFORE + N_AFTER
    assert len(stored_ids(engine)) == len(set(stored_ids(engine)))
    with running_ingest(engine, settings(new_url)):
        wait_until(lambda: total_offset(engine) == N_BEFORE + N_AFTER, "reading again")
    assert stored_ids(engine) == expected_ids(N_BEFORE + N_AFTER, RATE)
    deliver_due(engine, only(slack_sender(slack)), utc_now())
    assert all(row.sent_at for row in outbox_rows(engine))
    assert len(slack.messages) == 2, "they were found in the channel's history"
    engine.dispose()
