"""Level and power where a prompt is repeated and no end user is named."""

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.window_comparison import WindowComparison, compare_window
from tests.statistics.trials import trials

N, D, COPIES = 300, 16, 24


def compared(seed: int, *, is_burst: bool) -> WindowComparison:
    """Compare equal windows, but for one new prompt that is sent in a burst, or by many."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((2, N, D))
    vectors[1, :COPIES] = 4.0 * rng.standard_normal(D)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    texts = [f"prompt {seed} {n}" for n in range(2 * N)]
    texts[N : N + COPIES] = ["again"] * COPIES
    order = np.arange(N) if is_burst else rng.permutation(N)
    sides = [
        Exchanges(
            prompts=[texts[side * N + row] for row in order],
            responses=[""] * N,
            end_users=[""] * N,
            task_types=[""] * N,
            attributes=[{}] * N,
            prompt_vectors=vectors[side][order].astype(np.float32),
            response_vectors=vectors[side][order].astype(np.float32),
        )
        for side in range(2)
    ]
    return compare_window(
        *sides,
        drift=Drift(n_permutations=499),
        levels=DEFAULT_LEVELS,
        alert_threshold=0.1,
        seed=seed,
    )


@pytest.mark.slow
@trials(4, 100)
@pytest.mark.parametrize("is_burst", [True, False])
def test_a_burst_alarms_less_than_a_popular_prompt(n_trials: int, is_burst: bool) -> None:
    alarms = 0
    for seed in range(n_trials):
        prompts = compared(seed, is_burst=is_burst).prompts
        assert prompts is not None
        alarms += prompts.verdict == "drift"
        if is_burst:
            assert prompts.n_current_groups == N - COPIES + 1
    assert alarms <= 0.02 * n_trials if is_burst else alarms >= 0.9 * n_trials
