"""What `make bench AREA=traffic` calls, on a few hundred records: it isn't run by the tests."""

import math

import pytest

from bench.traffic_ingest import InstantEncoder, ingest, poll_only
from bench.traffic_stages import stage_rows
from bench.traffic_world import bench_settings, started_world

N_RECORDS = 600


@pytest.mark.kafka
@pytest.mark.postgres
def test_the_stages_and_the_whole_way_are_measured() -> None:
    with started_world() as world:
        topic = world.fill(N_RECORDS, partitions=2, compression="lz4")
        stages = list(stage_rows(world, topic))
        bare = poll_only(world.bootstrap_servers, topic, N_RECORDS)
        with world.database() as url:
            settings = bench_settings(world.bootstrap_servers, topic, url)
            # Raises where what is stored isn't what was sampled.
            whole = ingest(settings, InstantEncoder(), N_RECORDS)
    assert len({row.name for row in stages}) == len(stages)
    assert all(row.value is not None and 0 <= row.value < math.inf for row in stages)
    assert "stage: store, this process" in {row.name for row in stages}
    assert whole.n_records == bare.n_records == N_RECORDS
    assert whole.rate > 0
    assert bare.rate > 0
