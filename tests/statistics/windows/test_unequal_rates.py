"""Windows with task types sampled at different rates: no false alarms, unbiased figures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, SampleDesign, compare, compare_given, compare_numeric
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import SPACE, Exchanges
from monitor.windows.comparison.common_rate import comparable
from monitor.windows.comparison.task_mix import compare_task_mix, mix_of
from tests.statistics.trials import trials
from tests.support.windows.assess import assess_window

DIMENSION = 16
TASKS = ("chat", "legal", "code")
#: Share of each task in the traffic.
MIX = (0.6, 0.3, 0.1)
#: The rate at which each is sampled: most at 5%, one below and one above.
RATES = (0.05, 0.01, 0.4)
N_TRAFFIC = 16_000
N_REFERENCE = 1_500

CENTRES = np.random.default_rng(99).standard_normal((2, 8, DIMENSION))


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points / np.linalg.norm(points, axis=-1, keepdims=True))


def window(
    n: int,
    rng: np.random.Generator,
    *,
    rates: Sequence[float] | None = None,
    mix: Sequence[float] = MIX,
    new: float = 0.0,
    new_task: int = 1,
) -> Exchanges:
    """Traffic of n exchanges, sampled at the rate of each task type.

    Args:
        n: Exchanges of the traffic.
        rng: Draws everything.
        rates: Of each task; ``None`` keeps all, as a baseline does.
        mix: Share of each task.
        new: Share of the traffic that is about something new.
        new_task: Its task.
    """
    task = rng.choice(3, n, p=mix)
    topic = 2 * task + rng.integers(2, size=n)
    is_new = rng.random(n) < new
    task[is_new], topic[is_new] = new_task, 7
    uniform = rng.random(n)
    probability = np.ones(n) if rates is None else np.take(rates, task)
    remaining = np.flatnonzero(uniform >= 1 - probability)
    points = CENTRES[:, topic[remaining]] + 0.4 * rng.standard_normal(
        (2, len(remaining), DIMENSION)
    )
    prompts, responses = unit(points)
    return Exchanges(
        prompts=["hello there"] * len(remaining),
        responses=[("word " * (3 + t)).strip() + "." for t in topic[remaining]],
        end_users=[""] * len(remaining),
        task_types=[TASKS[t] for t in task[remaining]],
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * len(remaining),
        attributes=[{"seconds": float(t)} for t in topic[remaining]],
        prompt_vectors=prompts,
        response_vectors=responses,
        inclusion_probability=probability[remaining],
        # Given that it was sampled, the randomness is uniform above the threshold.
        randomness=((1 - (1 - uniform[remaining]) / probability[remaining]) * SPACE).astype(
            np.int64
        ),
        threshold=np.zeros(len(remaining), dtype=np.int64),
    )


def compared(
    reference: Exchanges,
    current: Exchanges,
    design: SampleDesign | None,
    seed: int,
    **options: object,
) -> DriftResult:
    return compare(
        reference.prompt_vectors,
        current.prompt_vectors,
        rng=np.random.default_rng(seed),
        n_permutations=199,
        design=design,
        alpha=0.05,
        minimum_drifted_share=0.0,
        **options,
    )


def acceptable(rejections: int, trials: int, alpha: float) -> bool:
    """Return whether a valid test rejects this often with a probability above 1 in 1,000."""
    return bool(stats.binom.sf(rejections - 1, trials, alpha) > 0.001)


@cache
def undrifted(seed: int) -> tuple[Exchanges, Exchanges, SampleDesign]:
    rng = np.random.default_rng(seed)
    reference, current = window(N_REFERENCE, rng), window(N_TRAFFIC, rng, rates=RATES)
    design = comparable(reference, current)
    assert design is not None
    return reference, current, design


@pytest.mark.slow
@trials(4, 30)
def test_unequal_rates_alone_do_not_alarm(n_trials: int) -> None:
    """The bound on the drifted share may be above 0 in 5% of the windows."""
    results = [compared(*undrifted(seed), seed) for seed in range(n_trials)]

    assert acceptable(sum(result.p_value <= 0.05 for result in results), n_trials, 0.05)
    exceeded = sum(result.drifted_share_interval[0] > 0 for result in results)
    assert acceptable(exceeded, n_trials, 0.05)


@pytest.mark.slow
def test_without_the_thinning_they_would() -> None:
    """Each window alarms; the short form above allows 2 of 4."""
    for seed in range(3):
        reference, current, _ = undrifted(seed)
        assert compared(reference, current, None, seed).p_value <= 0.005


@pytest.mark.slow
@trials(4, 30)
def test_the_responses_and_the_mix_do_not_alarm_either(n_trials: int) -> None:
    n_output_alarms, mixes, moved = 0, 0, []
    for seed in range(n_trials):
        reference, current, design = undrifted(seed)
        rng = np.random.default_rng(seed)
        n_output_alarms += (
            compare_given(
                reference.prompt_vectors,
                reference.response_vectors,
                current.prompt_vectors,
                current.response_vectors,
                rng=rng,
                n_permutations=99,
                design=design,
                alpha=0.05,
                minimum_drifted_share=0.0,
            ).p_value
            <= 0.05
        )
        mix = compare_task_mix(reference, current, design, rng)
        assert mix is not None
        mixes += mix.p_value <= 0.05
        moved.append(mix.effect_size)
    # Chance alone: some 50 exchanges of the task that most of the weight lies on.
    assert np.mean(moved) < 0.05
    assert acceptable(n_output_alarms, n_trials, 0.05)
    assert acceptable(mixes, n_trials, 0.05)


@pytest.mark.slow
def test_a_change_is_found_in_each_task() -> None:
    for seed, (task, share) in enumerate(((0, 0.2), (1, 0.3), (2, 0.1))):
        rng = np.random.default_rng(seed)
        reference = window(N_REFERENCE, rng)
        current = window(N_TRAFFIC, rng, rates=RATES, new=share, new_task=task)
        result = compared(reference, current, comparable(reference, current), seed)
        new = np.array([seconds["seconds"] == 7 for seconds in current.attributes])

        assert result.p_value <= 0.005
        assert len(result.novelty) == len(current)
        # All exchanges are scored, those that were thinned away too.
        assert result.novelty[new].mean() > result.novelty[~new].mean() + 0.3


@pytest.mark.slow
@trials(4, 30)
def test_the_drifted_share_is_that_of_the_traffic(n_trials: int) -> None:
    """A fifth of the traffic is new, in a task type sampled at 1 in 100.

    A bound on the share of the sample, which is below 5%, fails by its median.
    """
    bounds, in_sample = [], []
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        reference = window(N_REFERENCE, rng)
        current = window(3 * N_TRAFFIC, rng, rates=RATES, new=0.2)
        result = compared(reference, current, comparable(reference, current), seed)
        bounds.append(result.drifted_share_interval[0])
        in_sample.append(np.mean([attribute["seconds"] == 7 for attribute in current.attributes]))

    assert acceptable(sum(bound > 0.2 for bound in bounds), len(bounds), 0.05)
    assert np.median(bounds) > 0.12
    assert max(in_sample) < 0.05


@pytest.mark.slow
def test_clusters_hold_all_exchanges_and_their_share_of_traffic() -> None:
    rng = np.random.default_rng(1)
    reference = window(N_REFERENCE, rng)
    current = window(2 * N_TRAFFIC, rng, rates=RATES, new=0.1, new_task=2)
    design = comparable(reference, current)
    assert design is not None
    result = compared(reference, current, design, 1)
    members = np.concatenate([cluster.members for cluster in result.clusters])

    assert (~design.current_comparable[members]).sum() > design.current_comparable[members].sum()
    for cluster in result.clusters:
        assert current.share(cluster.members) == pytest.approx(cluster.share_current)
    assert len(members) / len(current) > 3 * current.share(members)


@pytest.mark.slow
@trials(50, 150)
def test_means_shares_and_totals_are_unbiased_and_their_intervals_cover(n_trials: int) -> None:
    """The relative change of a mean that differs between task types.

    The unweighted mean is more than half too high; 50 trials detect a bias of 5%.
    """
    means, legal, totals, covered = [], [], [], 0
    reference = window(50_000, np.random.default_rng(0))
    before = np.array([attribute["seconds"] for attribute in reference.attributes])
    for seed in range(n_trials):
        current = window(6_000, np.random.default_rng(seed + 1), rates=RATES)
        result = compare_numeric(
            before,
            [attribute["seconds"] for attribute in current.attributes],
            current_weights=current.weights,
        )
        assert result is not None
        assert result.relative_change_lower is not None
        assert result.relative_change_upper is not None
        means.append(result.current_mean)
        covered += result.relative_change_lower <= 0 <= result.relative_change_upper
        legal.append(mix_of(None, current).current["legal"])
        totals.append(current.estimated_total)
    truth = 0.6 * 0.5 + 0.3 * 2.5 + 0.1 * 4.5

    for estimates, true in ((means, truth), (legal, 0.3), (totals, 6_000)):
        # Hájek's ratio has a bias of the order of 1 / n.
        assert (
            abs(np.mean(estimates) - true) < 4 * np.std(estimates) / np.sqrt(n_trials) + 0.01 * true
        )
    low, high = stats.binom.interval(0.99, n_trials, 0.95)
    assert low <= covered <= high
    unweighted = np.mean([attribute["seconds"] for attribute in current.attributes])
    assert unweighted > 1.5 * truth


@pytest.mark.slow
def test_equal_rates_change_no_figure() -> None:
    """Every figure equals the figure without probabilities, bit for bit."""
    rng = np.random.default_rng(5)
    reference = window(600, rng)
    current = window(12_000, rng, rates=(0.05, 0.05, 0.05))
    plain = replace(
        current,
        **{name: np.empty(0) for name in ("inclusion_probability", "randomness", "threshold")},
    )
    figures = [
        assess_window(reference, side, drift=Drift(n_permutations=199), seed=1)
        for side in (current, plain)
    ]

    assert comparable(reference, current) is None
    assert figures[0].novelty.tobytes() == figures[1].novelty.tobytes()
    message = [
        {name: getattr(figure.assessment, name) for name in figure.assessment.__struct_fields__}
        for figure in figures
    ]
    assert len(current) == pytest.approx(0.05 * message[0].pop("estimated_current"))
    assert message[1].pop("estimated_current") is None
    assert message[0] == message[1]


@pytest.mark.slow
def test_assessment_of_unequal_rates_is_weighted_with_a_remark() -> None:
    rng = np.random.default_rng(8)
    reference = window(N_REFERENCE, rng)
    current = window(2 * N_TRAFFIC, rng, rates=RATES)
    result = assess_window(reference, current, drift=Drift(n_permutations=199), seed=1).assessment

    assert not result.alarm
    assert abs(result.mix_current["code"] - 0.1) < 0.03
    assert "sampled of about" in result.current_count
    assert any("sampled at different rates" in remark for remark in result.remarks)
    seconds = next(
        numeric_column
        for numeric_column in result.numeric_columns
        if numeric_column.name == "seconds"
    )
    assert abs(seconds.relative_change or 0.0) < 0.15
