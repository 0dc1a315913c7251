"""`make bench AREA=traffic` on a few hundred records: every figure is measured."""

import pytest
from sqlalchemy import make_url

from bench.services.kafka import KafkaServer
from bench.traffic import area
from bench.traffic.child import ingest_in_child
from bench.traffic.services import BenchServices
from bench.traffic.stages import stage_rows

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SMALL = {
    "PARTITIONS": 2,
    "N_RECORDS": 800,
    "N_EMBEDDED_FROM": 200,
    "REPLAYED_LINES": 800,
    "ROUNDS": 1,
    "SLOW_ROUNDS": 1,
    "MODELS": (1, 3),
}


@pytest.fixture(scope="module")
def services(module_broker: KafkaServer, postgres_url: str) -> BenchServices:
    """Return services of the tests in the place of the bench's own."""
    server = make_url(postgres_url).set(database="postgres")
    return BenchServices(
        module_broker.bootstrap_servers,
        server.render_as_string(hide_password=False),
        module_broker.folder,
    )


@pytest.fixture
def world(services: BenchServices, monkeypatch: pytest.MonkeyPatch) -> BenchServices:
    for name, value in SMALL.items():
        monkeypatch.setattr(area, name, value)
    return services


def test_every_ratio_and_stage_is_measured(world: BenchServices) -> None:
    topic = world.fill(SMALL["N_RECORDS"], partitions=SMALL["PARTITIONS"], compression="lz4")

    measured = [
        *area.poll_rows(world, topic, "lz4"),
        *stage_rows(world, topic),
        *area.encoder_rows(world),
        *area.replay_rows(world),
        *area.model_rows(world),
    ]

    assert [row.name for row in measured] == [
        "ingest / poll loop, lz4",
        "stage: unpack, by kafka-python",
        "stage: unpack and sample",
        "stage: decode",
        "stage: redact",
        "stage: make rows and vectors",
        "stage: store, this process",
        "stage: store, waiting for PostgreSQL",
        "encoder alone / ingest with encoder",
        "replay of a file / msgspec alone",
        "processor time a record, 3 models / 1",
    ]
    # Some stages take less than the clock tells of so few records.
    assert all(row.value >= 0 for row in measured)
    assert all(row.value > 0 for row in measured if not row.name.startswith("stage"))
    assert [row.goal for row in measured if row.goal] == [">= 0.9", ">= 0.9", "<= 1.1"]


def test_a_child_measures_its_time_and_memory(world: BenchServices) -> None:
    topic = world.fill(400, partitions=1, compression=None)

    run = ingest_in_child(world, topic, 400, seconds_per_text=0.01)

    assert run.microseconds_per_record > 0.01 * 2 * 1e6 / 40, "the encoder took no time"
    assert 50 < run.resident_megabytes < 1000
