"""A forgotten end user in Kafka and in an old backup: neither brings their data back."""

import json
from pathlib import Path

import pytest
from kafka import KafkaProducer

from monitor.settings import Settings
from monitor.store import migrations
from monitor.store.engine import make_engine
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.one_persons_story import ANN
from tests.support.traffic.ingest import (
    ingest_settings,
    running_ingest,
    stored_ids,
    total_offset,
    wait_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.drill]
N_BEFORE, N_AFTER = 200, 100
#: One record in so many is the end user's.
EVERY = 5
KEY = "0123456789abcdef" * 4


def produce(producer: KafkaProducer, topic: str, first: int, last: int) -> None:
    """Produce records, every fifth the end user's in one of two spellings."""
    for number in range(first, last):
        spelling = ANN if number % 2 else ANN.upper()
        record = {
            "id": f"record-{number}",
            "user": spelling if number % EVERY == 0 else f"customer-{number:05}",
            "prompt": f"What about my order {number}?",
            "response": "It is on its way.",
        }
        producer.send(topic, key=b"%d" % number, value=json.dumps(record).encode())
    producer.flush()


def ids_of_other_users(last: int) -> list[str]:
    return sorted(f"record-{number}" for number in range(last) if number % EVERY)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_forgotten_end_user_stays_erased_after_a_restoration(
    kind: str,
    bootstrap_servers: str,
    topic: str,
    producer: KafkaProducer,
    run_command: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("DRIFTWARDEN_USER_ID_KEY", KEY)
    first = f"sqlite:///{tmp_path / 'lost.db'}"
    second = f"sqlite:///{tmp_path / 'restored.db'}"
    if kind == "postgresql":
        second = request.getfixturevalue("postgres_empty_database")
    list_file = tmp_path / "suppressions.jsonl"

    def use(url: str) -> Settings:
        (tmp_path / "config.toml").write_text(
            f'database.url = "{url}"\nprivacy.suppression_file = "{list_file}"\n'
        )
        settings: Settings = ingest_settings(
            bootstrap_servers,
            topic,
            url,
            monitoring={"sample_rate": 1.0},
            privacy={"suppression_file": str(list_file)},
        )
        return settings

    def run(*arguments: str) -> str:
        done = run_command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    settings = use(first)
    engine = make_engine(first)
    migrations.upgrade(engine)
    produce(producer, topic, 0, N_BEFORE)
    with running_ingest(engine, settings):
        wait_until(lambda: total_offset(engine) == N_BEFORE, "reading")
    assert len(stored_ids(engine)) == N_BEFORE
    run("db", "backup", "backup.tar")

    run("forget", "--subject", ANN)
    produce(producer, topic, N_BEFORE, N_BEFORE + N_AFTER)
    with running_ingest(engine, settings):
        wait_until(lambda: total_offset(engine) == N_BEFORE + N_AFTER, "reading on")
    assert sorted(stored_ids(engine)) == ids_of_other_users(N_BEFORE + N_AFTER)
    engine.dispose()
    for file in tmp_path.glob("lost.db*"):
        file.unlink()

    settings = use(second)
    run("db", "restore", "backup.tar")
    run("forget", "--subject", ANN)
    engine = make_engine(second)
    assert sorted(stored_ids(engine)) == ids_of_other_users(N_BEFORE)
    with running_ingest(engine, settings):  # from the offsets of the backup
        wait_until(lambda: total_offset(engine) == N_BEFORE + N_AFTER, "reading again")
    assert sorted(stored_ids(engine)) == ids_of_other_users(N_BEFORE + N_AFTER)
    run("forget", "--subject", ANN, "--verify")
    engine.dispose()
