"""Rollouts under load whose daemon, gateway and database are killed at random times."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.services.postgres import PostgresServer
from tests.failover.rollout_trial import run_trial

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

#: From a revert to a gateway without the canary, under load.
MAX_REVERT_SECONDS = 5.0


@pytest.mark.parametrize(
    ("seed", "n_kills"),
    [(21, 3), *(pytest.param(seed, 10, marks=pytest.mark.drill) for seed in range(22, 27))],
)
def test_killed_rollout_keeps_requests_stages_and_reverts(
    own_postgres: PostgresServer,
    tmp_path: Path,
    seed: int,
    n_kills: int,
    record_property: Callable[[str, object], None],
) -> None:
    outcome = run_trial(seed, n_kills, own_postgres, tmp_path)
    record_property("rollout", asdict(outcome))
    assert len(outcome.kills) == n_kills
    assert outcome.n_requests > 30 * n_kills
    assert outcome.failed_requests == []
    assert outcome.skipped_stages == []
    assert outcome.lost_reverts == []
    assert outcome.revert_seconds < MAX_REVERT_SECONDS
