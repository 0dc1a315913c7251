"""Bursts of one prompt: what a retrying client sends is one unit, a popular prompt is many."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.bursts import burst_groups

START = datetime(2026, 11, 2, tzinfo=UTC)
WEEK = 7 * 24 * 60.0


def side(prompts: list[str], minutes: list[float] | None = None, users: list[str] | None = None):
    n = len(prompts)
    return Exchanges(
        prompts=prompts,
        end_users=users or [""] * n,
        occurred_at=[] if minutes is None else [START + timedelta(minutes=at) for at in minutes],
    )


def n_units(exchanges: Exchanges) -> int:
    groups = burst_groups(exchanges, "current")
    return len({group for group in groups if group}) + sum(not group for group in groups)


OTHERS = [f"prompt {n}" for n in range(950)]
SPREAD = np.linspace(0.0, WEEK, 950).tolist()


@pytest.mark.parametrize("seconds", [0.0, 1.0, 60.0])
def test_a_retrying_client_is_one_unit(seconds: float) -> None:
    burst = [WEEK / 2 + n * seconds / 60.0 for n in range(50)]
    assert n_units(side([*OTHERS, *["again"] * 50], [*SPREAD, *burst])) == 951


def test_a_popular_prompt_of_many_senders_stays_many() -> None:
    rng = np.random.default_rng(0)
    popular = rng.uniform(0.0, WEEK, 50).tolist()
    assert n_units(side([*OTHERS, *["popular"] * 50], [*SPREAD, *popular])) > 985
    daily = (rng.integers(0, 7, 50) * 1440.0 + rng.normal(720.0, 180.0, 50)).tolist()
    assert n_units(side([*OTHERS, *["popular"] * 50], [*SPREAD, *daily])) > 970


def test_without_times_the_order_of_the_exchanges_counts() -> None:
    assert n_units(side([*OTHERS[:500], *["again"] * 50, *OTHERS[500:]])) == 951
    shuffled = np.random.default_rng(0).permutation([*OTHERS, *["again"] * 50]).tolist()
    assert n_units(side(shuffled)) > 985


def test_times_of_days_make_no_bursts() -> None:
    rng = np.random.default_rng(0)
    prompts = rng.permutation([*OTHERS, *["popular"] * 50]).tolist()
    days = np.sort(rng.integers(0, 7, 1000) * 1440.0).tolist()
    assert n_units(side(prompts, days)) > 985
    assert n_units(side([*OTHERS, *["again"] * 50], [0.0] * 1000)) == 951


def test_named_end_users_keep_their_exchanges() -> None:
    users = [f"user {n}" for n in range(50)]
    burst = [WEEK / 2] * 50
    named = side([*OTHERS, *["again"] * 50], [*SPREAD, *burst], [""] * 950 + users)
    assert n_units(named) == 1000
    assert burst_groups(named, "current") == named.end_users


def test_several_responses_to_each_prompt_are_no_bursts() -> None:
    assert n_units(side([f"prompt {n // 5}" for n in range(500)])) == 500
    assert n_units(side(["one prompt"] * 500)) == 500


def test_bursts_of_two_sides_or_prompts_are_apart() -> None:
    prompts = [*OTHERS, *["again"] * 20, *["once more"] * 20]
    exchanges = side(prompts)
    assert n_units(exchanges) == 952
    names = [set(burst_groups(exchanges, name)) - {""} for name in ("reference", "current")]
    assert [len(own) for own in names] == [2, 2]
    assert not names[0] & names[1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_exchanges_have_no_bursts(n: int) -> None:
    assert n_units(side(["again"] * n)) == n
