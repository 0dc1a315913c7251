"""Intervals, agreement and sampling, against published figures, a reference library, simulation."""

import doctest
from datetime import UTC, datetime

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.review import intervals
from monitor.review.agreement import gwet_ac1, krippendorff_alpha, measure_agreement
from monitor.review.estimate import control_slice
from monitor.review.sampling import inclusion_probabilities, systematic_sample
from monitor.review.selection import select_items
from monitor.settings import Review
from monitor.store.reviews import GoldRow
from monitor.store.sample_scores import SampleScores

Z = intervals.two_sided(0.95)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombes_published_examples(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    assert pytest.approx(expected, abs=5e-5) == intervals.newcombe(*counts, Z)


def test_the_examples_in_the_docstrings() -> None:
    assert 0 == doctest.testmod(intervals).failed


def test_wilson_covers_on_average() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for p in rng.uniform(0.02, 0.5, 2000):
        lower, upper = intervals.wilson(int(rng.binomial(240, p)), 240, Z)
        covered.append(lower <= p <= upper)
    assert 0.93 <= np.mean(covered) <= 0.97


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=2, max_size=40))
def test_alpha_equals_the_reference_library(ratings: list[list[str]]) -> None:
    values = sorted({value for item in ratings for value in item})
    counts = np.array([[item.count(v) for v in values] for item in ratings], dtype=float)
    ours = krippendorff_alpha(counts)
    if len(values) == 1:
        assert ours is None
        return
    reference = krippendorff.alpha(value_counts=counts.astype(int), level_of_measurement="nominal")
    assert pytest.approx(reference, abs=1e-9) == ours


def test_ac1_by_hand_for_two_raters() -> None:
    pairs = [("a", "a")] * 90 + [("a", "b")] * 6 + [("b", "b")] * 4
    share_b = (6 / 2 + 4) / 100
    chance = 2 * share_b * (1 - share_b)
    expected = (0.94 - chance) / (1 - chance)
    counts = np.array([[pair.count("a"), pair.count("b")] for pair in pairs], dtype=float)
    assert pytest.approx(expected, abs=1e-12) == gwet_ac1(counts)


def test_agreement_is_undefined_rather_than_perfect_or_an_error() -> None:
    rng = np.random.default_rng(1)
    constant = measure_agreement([["accept", "accept"]] * 9, rng=rng)
    assert (1.0, None, None, None) == (
        constant.raw,
        constant.alpha,
        constant.alpha_lower,
        constant.ac1,
    )
    assert None is measure_agreement([["accept"]], rng=rng).raw


def test_the_bootstrap_interval_surrounds_alpha() -> None:
    rng = np.random.default_rng(2)
    truth = rng.choice(["a", "b"], 200)
    votes = [[t, t if rng.uniform() < 0.85 else "a"] for t in truth]
    found = measure_agreement(votes, rng=rng)
    assert found.alpha_lower is not None
    assert found.alpha is not None
    assert found.alpha_upper is not None
    assert found.alpha_lower < found.alpha < found.alpha_upper


def test_systematic_sampling_keeps_its_probabilities() -> None:
    rng = np.random.default_rng(7)
    probabilities = inclusion_probabilities(np.arange(1, 31, dtype=float) ** 3, 8)
    assert pytest.approx(8) == probabilities.sum()
    hits = np.zeros(30)
    for _ in range(4000):
        drawn = systematic_sample(probabilities, rng)
        assert 8 == len(set(drawn.tolist()))
        hits[drawn] += 1
    assert np.allclose(probabilities, hits / 4000, atol=4 * 0.5 / np.sqrt(4000))


def window(n: int, seed: int) -> tuple[SampleScores, dict[int, tuple[str, str]]]:
    rng = np.random.default_rng(seed)
    cluster = np.where(np.arange(n) % 10 == 0, np.arange(n) % 3, -1)
    novelty = rng.normal(size=n) + 2 * (cluster >= 0)
    scores = SampleScores(np.arange(n) + 1000, novelty, cluster, np.full(n, 0.05))
    return scores, {1000 + i: (f"prompt {i // 2}", "same") for i in range(n)}


def test_a_batch_has_its_slices_and_no_repeated_text_among_the_drifted() -> None:
    scores, texts = window(1000, 1)
    items = select_items(scores, texts, Review(), np.random.default_rng(4))
    sizes = {name: sum(i.slice == name for i in items) for name in ("control", "drift", "cluster")}
    assert {"control": 60, "drift": 28, "cluster": 12} == sizes
    assert 100 == len({item.exchange_id for item in items})
    chosen = [texts[item.exchange_id] for item in items if item.slice != "control"]
    assert len(chosen) == len(set(chosen))
    assert items == select_items(scores, texts, Review(), np.random.default_rng(4))
    topics = [item.cluster for item in items if item.slice == "cluster"]
    assert {0: 4, 1: 4, 2: 4} == {topic: topics.count(topic) for topic in set(topics)}
    assert all(0 < item.selection_probability <= 1 for item in items)


@pytest.mark.parametrize("n", [0, 1, 5, 61, 99])
def test_small_windows_give_what_they_have(n: int) -> None:
    scores, texts = window(n, 2)
    unique = {key: (str(key), "") for key in texts}
    items = select_items(scores, unique, Review(), np.random.default_rng(0))
    assert n == len({item.exchange_id for item in items})


def test_the_control_slice_is_unbiased_where_pooling_is_not() -> None:
    scores, texts = window(600, 3)
    wrong = scores.novelty > np.quantile(scores.novelty, 0.86)
    truth = wrong.mean()
    control, pooled = [], []
    for seed in range(400):
        items = select_items(scores, texts, Review(), np.random.default_rng(seed))
        flags = [(item.slice, wrong[item.exchange_id - 1000]) for item in items]
        control.append(np.mean([flag for name, flag in flags if name == "control"]))
        pooled.append(np.mean([flag for _, flag in flags]))
    assert abs(np.mean(control) - truth) < 0.01
    assert np.mean(pooled) - truth > 0.05


def gold(batch_id: int, *, wrong: bool, control_probability: float) -> GoldRow:
    return GoldRow(
        item_id=0,
        batch_id=batch_id,
        slice="control",
        cluster=None,
        selection_probability=1.0,
        control_probability=control_probability,
        verdict="reject" if wrong else "accept",
        response="",
        error_kind="",
        resolution="agreed",
        decided_at=datetime(2026, 11, 2, tzinfo=UTC),
        exchange_id="",
        model="m",
        task_type="",
        messages=[],
    )


def test_the_error_rate_of_unequally_sampled_traffic_is_unbiased() -> None:
    """Half of the traffic is wrong where 1 in 100 was sampled, 2% where half was: 26% in all."""
    rng = np.random.default_rng(11)
    n_traffic = 20_000
    is_sparse = np.arange(n_traffic) % 2 == 0
    probability = np.where(is_sparse, 0.01, 0.5)
    is_wrong = rng.random(n_traffic) < np.where(is_sparse, 0.5, 0.02)
    found, effective = [], []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        rows = np.flatnonzero(draw.random(n_traffic) < probability)
        scores = SampleScores(rows, np.zeros(len(rows)), np.full(len(rows), -1), probability[rows])
        texts = {int(row): (str(row), "") for row in rows}
        items = select_items(scores, texts, Review(), draw)
        decided = [
            gold(1, wrong=bool(is_wrong[i.exchange_id]), control_probability=i.control_probability)
            for i in items
            if i.slice == "control"
        ]
        counted = control_slice([], decided)
        assert 60 == counted.n
        found.append(counted.effective_errors / counted.effective_n)
        effective.append(counted.effective_n)
    error = np.std(found) / np.sqrt(len(found))

    assert abs(np.mean(found) - is_wrong.mean()) < 4 * error
    # The slice is drawn to weigh the same, so little is lost.
    assert np.median(effective) > 55


def test_equal_weights_are_counted_as_they_are() -> None:
    """Whatever the weeks' probabilities are: a week's items weigh the same."""
    rows = [
        gold(week, wrong=n % 3 == 0, control_probability=0.003 / (week + 1))
        for week in range(4)
        for n in range(7)
    ]
    counted = control_slice([], rows)

    assert (28, 12) == (counted.n, counted.errors)
    assert (28, 12) == (counted.effective_n, counted.effective_errors)


def test_unequal_weights_count_as_their_effective_number() -> None:
    rows = [gold(1, wrong=n == 0, control_probability=0.1 if n else 0.01) for n in range(11)]
    counted = control_slice([], rows)

    assert counted.effective_n == pytest.approx(20**2 / (10**2 + 10))  # Kish: weights 10 and 1
    assert counted.effective_errors / counted.effective_n == pytest.approx(0.5)


def test_a_control_slice_takes_all_there_is_of_what_was_sampled_sparsely() -> None:
    probability = np.where(np.arange(1000) < 10, 0.0001, 0.5)
    scores = SampleScores(np.arange(1000), np.zeros(1000), np.full(1000, -1), probability)
    texts = {i: (str(i), "") for i in range(1000)}
    control = [
        item
        for item in select_items(scores, texts, Review(), np.random.default_rng(0))
        if item.slice == "control"
    ]

    assert 60 == len(control)
    assert set(range(10)) <= {item.exchange_id for item in control}
    sparse = [item.control_probability for item in control if item.exchange_id < 10]
    assert [0.0001] * 10 == sparse
