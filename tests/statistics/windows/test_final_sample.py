"""Minimum samples: known probabilities, unbiased totals, and the same sample for any order."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import SPACE, Exchanges
from monitor.traffic.sampling.bottom_k import BottomKCandidates
from monitor.traffic.sampling.sampler import Draw, probability_of, threshold_of
from monitor.windows.reading.final_sample import final_sample, final_thresholds
from tests.statistics.trials import trials

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = (MONDAY, MONDAY + timedelta(days=7))


def rows(
    randomness: NDArray[np.int64],
    *,
    rate: float | NDArray[np.float64] = 0.05,
    task_types: list[str] | None = None,
    size: int = 5,
    search: int = 0,
    earlier: float = 1.0,
) -> Exchanges:
    """Return stored rows with only the columns that sampling reads."""
    n = len(randomness)
    rates = np.broadcast_to(rate, n)
    draws = [Draw(int(r), search, earlier) for r in randomness]
    threshold = [draw.threshold_at(float(entry)) for draw, entry in zip(draws, rates, strict=True)]
    return Exchanges(
        ids=np.arange(n),
        exchange_ids=[str(i) for i in range(n)],
        prompts=[""] * n,
        responses=[""] * n,
        end_users=[""] * n,
        task_types=task_types or ["a"] * n,
        occurred_at=[MONDAY] * n,
        attributes=[{}] * n,
        inclusion_probability=np.array(
            [draw.probability_at(t) for draw, t in zip(draws, threshold, strict=True)]
        ),
        randomness=np.asarray(randomness, dtype=np.int64),
        threshold=np.array(threshold, dtype=np.int64),
        candidate_threshold=np.full(n, search, dtype=np.int64),
        min_sample_size=np.full(n, size, dtype=np.int64),
        prompt_vectors=np.zeros((n, 1), np.float16),
        response_vectors=np.zeros((n, 1), np.float16),
        encoder="e",
        n_other_encoder=0,
    )


def draws(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(0, SPACE, n)


def test_without_a_floor_the_rows_are_what_they_were() -> None:
    rng = np.random.default_rng(0)
    stored = rows(draws(100, rng) | threshold_of(0.05), size=0)

    assert stored is final_sample(stored, WEEK).rows


def test_a_sample_above_the_floor_is_unchanged() -> None:
    stored = rows(np.append(draws(40, np.random.default_rng(0)), SPACE - np.arange(1, 7)))
    remaining = final_sample(stored, WEEK).rows

    assert set(remaining.randomness) == {r for r in stored.randomness if r >= threshold_of(0.05)}
    assert {Draw(0).probability_at(threshold_of(0.05))} == set(remaining.inclusion_probability)


def test_exactly_the_floor_by_rate_is_the_floor() -> None:
    """With the probability of the rate, totals would be too large: see the simulation below."""
    stored = rows(np.array([SPACE - 1, SPACE - 2, 100, 50]), size=2)
    remaining = final_sample(stored, WEEK).rows

    assert remaining.randomness.tolist() == [SPACE - 1, SPACE - 2]
    assert [probability_of(101)] * 2 == remaining.inclusion_probability.tolist()


def test_a_rare_task_type_keeps_exactly_the_floor() -> None:
    stored = rows(np.array([7, 3, 9, 1, 5]), size=3)
    remaining = final_sample(stored, WEEK).rows

    assert remaining.randomness.tolist() == [7, 9, 5]
    assert remaining.threshold.tolist() == [4, 4, 4]
    assert remaining.inclusion_probability.tolist() == [(SPACE - 4) / SPACE] * 3


def test_all_of_a_task_with_fewer_are_certain() -> None:
    remaining = final_sample(rows(np.array([7, 3, 9])), WEEK).rows

    assert remaining.inclusion_probability.tolist() == [1.0] * 3


def test_a_partial_search_limits_the_inclusion_probability() -> None:
    search = threshold_of(0.5)
    remaining = final_sample(rows(np.array([search + 7, search + 3]), search=search), WEEK).rows

    assert remaining.inclusion_probability.tolist() == [0.5, 0.5]


def test_independent_stages_before_are_counted_once() -> None:
    remaining = final_sample(rows(np.array([7, 3, 9, 1]), size=3, earlier=0.25), WEEK).rows

    assert [0.25 * probability_of(2)] * 3 == remaining.inclusion_probability.tolist()


def test_exchanges_of_one_randomness_come_and_go_together() -> None:
    remaining = final_sample(rows(np.array([9, 9, 9, 7, 5, 5]), size=2), WEEK).rows

    assert remaining.randomness.tolist() == [9, 9, 9, 7]
    assert {6} == set(remaining.threshold.tolist())


def test_a_floor_set_within_the_window_is_ignored_with_remark() -> None:
    stored = rows(np.array([7, 3, 9, SPACE - 1]), size=3)
    stored.min_sample_size[2] = 0
    sample = final_sample(stored, WEEK)

    assert sample.rows.randomness.tolist() == [SPACE - 1]
    assert "not in force for the whole window" in sample.remark


def test_a_window_of_parts_of_days_has_no_floor() -> None:
    stored = rows(np.array([7, 3, 9, SPACE - 1]), size=3)
    sample = final_sample(stored, (MONDAY, MONDAY + timedelta(hours=30)))

    assert sample.rows.randomness.tolist() == [SPACE - 1]
    assert sample.remark


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "rate", "size", "search"),
    [(40, 0.1, 5, 0), (60, 0.05, 3, 0), (8, 0.05, 10, 0), (50, 0.1, 5, threshold_of(0.3))],
)
@trials(4_000, 20_000)
def test_weighted_totals_are_unbiased(
    n: int, rate: float, size: int, search: int, n_trials: int
) -> None:
    """The mean of many totals is within 4 standard errors of the truth.

    With the rate's probability for exactly ``size`` samples by rate, the first case is 12 off in
    the long form; each form fails.
    """
    rng = np.random.default_rng(20_261_124)
    values = rng.random(n) + 1
    threshold = np.full(n, threshold_of(rate))
    candidate = np.full(n, search)
    totals = []
    for _ in range(n_trials):
        randomness = draws(n, rng)
        seen = randomness >= search
        final = final_thresholds(
            randomness[seen], threshold[seen], candidate[seen], ["a"] * int(seen.sum()), size=size
        )
        inside = randomness[seen] >= final
        probability = (SPACE - final[inside]) / SPACE
        totals.append((values[seen][inside] / probability).sum())
        if seen.sum() >= size:
            assert inside.sum() >= size
    error = np.std(totals) / np.sqrt(len(totals))

    assert abs(np.mean(totals) - values.sum()) <= 4 * error + 1e-9


@pytest.mark.slow
@trials(4_000, 20_000)
def test_totals_are_unbiased_with_different_rates_and_clusters(n_trials: int) -> None:
    """Rates change in the window, and records have one to four exchanges."""
    rng = np.random.default_rng(7)
    cluster = np.repeat(np.arange(30), rng.integers(1, 5, 30))
    n = len(cluster)
    values = rng.random(n) + 1
    rate = np.where(cluster % 2, 0.05, 0.3)
    threshold = np.array([threshold_of(float(entry)) for entry in rate])
    totals = []
    for _ in range(n_trials):
        randomness = draws(30, rng)[cluster]
        final = final_thresholds(randomness, threshold, np.zeros(n, int), ["a"] * n, size=4)
        inside = randomness >= final
        totals.append((values[inside] / ((SPACE - final[inside]) / SPACE)).sum())
    error = np.std(totals) / np.sqrt(len(totals))

    assert abs(np.mean(totals) - values.sum()) <= 4 * error


Exchange = tuple[int, str, int]  # randomness, task type, day


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from("abc"), st.integers(0, 2)), max_size=120
    ),
    st.integers(1, 6),
    st.data(),
)
def test_the_final_sample_depends_on_the_traffic_alone(
    traffic: list[Exchange], size: int, data: st.DataObject
) -> None:
    """Order, replicas, restarts, evictions and repeated batches have no effect."""
    threshold = 380

    def store(order: list[Exchange], n_replicas: int, restart: int, max_strata: int) -> set:
        fleet = [BottomKCandidates(size, max_strata=max_strata) for _ in range(n_replicas)]
        stored: set[Exchange] = set()
        for number, (randomness, task_type, day) in enumerate(order):
            if restart and number % restart == 0:
                fleet[number % n_replicas] = BottomKCandidates(size, max_strata=max_strata)
            stratum = ("m", task_type, date(2026, 11, 16 + day))
            admitted = fleet[number % n_replicas].admits(stratum, randomness)
            if admitted or randomness >= threshold:
                stored.add((randomness, task_type, day))
        return stored

    def final(stored: set[Exchange]) -> dict[Exchange, int]:
        ordered = sorted(stored)
        randomness = np.array([entry[0] for entry in ordered], dtype=np.int64)
        n = len(ordered)
        thresholds = final_thresholds(
            randomness,
            np.full(n, threshold),
            np.zeros(n, dtype=np.int64),
            [entry[1] for entry in ordered],
            size=size,
        )
        return {
            threshold: int(t)
            for threshold, t, r in zip(ordered, thresholds, randomness, strict=True)
            if r >= t
        }

    expected = final(set(traffic))  # as if everything had been stored
    order = data.draw(st.permutations(traffic))
    again = data.draw(st.integers(0, len(traffic)))
    collected = store(
        [*order[:again], *order],
        data.draw(st.integers(1, 4)),
        data.draw(st.sampled_from([0, 3, 10])),
        data.draw(st.sampled_from([1, 2, 100])),
    )

    assert expected == final(collected)


def test_candidates_are_few_and_memory_is_bounded() -> None:
    rng = np.random.default_rng(1)
    floor = BottomKCandidates(20, max_strata=50)
    admitted = sum(floor.admits(("m", "a", date(2026, 11, 16)), int(r)) for r in draws(50_000, rng))
    # The expected number of records of the 21 largest: 21 (1 + ln(n / 21)).
    assert abs(admitted - 21 * (1 + np.log(50_000 / 21))) < 5 * np.sqrt(admitted)
    for day in range(200):
        floor.admits(("m", str(day), date(2026, 11, 16)), 5)
    assert len(floor._strata) == 50
