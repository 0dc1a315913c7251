"""False alarms of segments on exchanges without drift within them."""

from functools import partial

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import stats

from monitor.settings import Drift
from monitor.statistics.alarm_levels import AlarmLevels, spend
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.window_comparison import compare_window
from monitor.windows.findings.findings import Findings, collect_findings
from monitor.windows.gate.segments import SegmentedSide, compare_segments
from tests.statistics.trials import trials

#: At these, a segment alone would be significant in one trial of 16.
LEVELS = spend(12.0, 52).share(2)
DRIFT = Drift(n_permutations=199)
DIMENSION = 8


def draw_vectors(rng: Generator, means: NDArray[np.float64]) -> NDArray[np.float64]:
    vectors = means + rng.normal(size=means.shape)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def draw_side(rng: Generator, sizes: list[int]) -> SegmentedSide:
    """Draw segments of different prompts; two exchanges of an end user are alike."""
    labels = [f"s{index}" for index, size in enumerate(sizes) for _ in range(size)]
    codes = np.array([int(label[1:]) for label in labels])
    users = np.arange(len(labels)) // 2
    means = 3.0 * np.eye(DIMENSION)[codes] + rng.normal(size=(len(labels), DIMENSION))[users]
    return SegmentedSide(
        Exchanges(
            prompts=[f"prompt {row}" for row in range(len(labels))],
            task_types=[""] * len(labels),
            end_users=[f"user {user}" for user in users],
            responses=[""] * len(labels),
            attributes=[{}] * len(labels),
            prompt_vectors=draw_vectors(rng, means),
            response_vectors=draw_vectors(rng, means),
        ),
        labels,
    )


def compare(before: Exchanges, now: Exchanges, levels: AlarmLevels, seed: int) -> Findings:
    return collect_findings(
        compare_window(
            before,
            now,
            drift=DRIFT,
            levels=levels,
            alert_threshold=0.1,
            seed=seed,
            with_responses=False,
        )
    )


segmented = partial(
    compare_segments, column="task_type", levels=LEVELS, min_samples=100, compare=compare
)


@pytest.mark.slow
@trials(6, 200)
def test_segments_together_keep_their_level_where_the_mix_moved(n_trials: int) -> None:
    """Bonferroni over the segments; the whole window would alarm in each trial."""
    rng = np.random.default_rng(20_261_201)
    n_significant = n_moved = 0
    for seed in range(n_trials):
        result = segmented(
            draw_side(rng, [200, 100, 100, 100]), draw_side(rng, [100, 100, 100, 300]), seed=seed
        )
        n_significant += any(
            segment.input_p_value <= result.levels.input for segment in result.segments
        )
        n_moved += result.mix_moved_share is not None and result.mix_moved_share.lower > 0.0
    assert n_moved == n_trials
    assert n_significant <= stats.binom.ppf(0.999, n_trials, LEVELS.input)
