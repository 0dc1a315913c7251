"""Trials of a leader that is killed, frozen or cut off while it works on a backlog."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.failover.replica import LEASE
from tests.failover.trial import run_trial

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

#: 45 seconds of a lease of 30.
MAX_TAKEOVER_SECONDS = 1.5 * LEASE.total_seconds()
#: Ten seconds, and the window under way.
MAX_STOP_SECONDS = 10.0


@pytest.mark.parametrize(
    "seed",
    # CI: killed, cut off, stopped.
    [0, 3, 5, *(pytest.param(seed, marks=pytest.mark.drill) for seed in range(6, 103))],
)
def test_failing_leader_is_replaced_in_time(
    postgres_engine: Engine,
    engine: Engine,
    tmp_path: Path,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    outcome = run_trial(seed, postgres_engine, engine, tmp_path)
    record_property("failover", asdict(outcome))
    assert (outcome.duplicates, outcome.skipped) == ((), ())
    assert outcome.takeover_seconds < MAX_TAKEOVER_SECONDS
    assert outcome.stop_seconds < MAX_STOP_SECONDS
    assert outcome.n_of_former_leader <= 1  # the window under way
