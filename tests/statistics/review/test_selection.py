"""The weekly batch: exact inclusion probabilities, and no text queued twice."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.review.sampling.frame import DRIFTED, FAMILIAR, NOVEL, build_frame
from monitor.review.sampling.inclusion import ROUNDING, inclusion_probabilities, systematic_counts
from monitor.review.sampling.selection import Selection, select_items
from monitor.settings import Review
from monitor.store.windows.sample_scores import SampleScores
from tests.statistics.trials import trials


@trials(1_500, 4_000)
def test_systematic_counts_hit_as_often_as_expected(n_trials: int) -> None:
    rng = np.random.default_rng(7)
    expected = inclusion_probabilities(np.arange(1, 31, dtype=float) ** 3, 8)
    expected[3] = 8 - np.delete(expected, 3).sum()
    block = np.arange(30) // 10
    hits = np.zeros(30)
    for _ in range(n_trials):
        counts = systematic_counts(expected, rng, block=block)
        assert counts.sum() == 8
        assert (counts >= np.floor(expected - 1e-9)).all()
        assert (counts <= np.ceil(expected + 1e-9)).all()
        by_block = np.bincount(block, weights=counts)
        assert (np.abs(by_block - np.bincount(block, weights=expected)) < 1).all()
        hits += counts
    assert np.allclose(expected, hits / n_trials, atol=4 * 0.5 / np.sqrt(n_trials))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40).filter(lambda row: sum(row) > 1e-6),
    st.integers(0, 2**32 - 1),
)
def test_systematic_counts_keep_their_sum(expected: list[float], seed: int) -> None:
    values = np.array(expected)
    counts = systematic_counts(
        values, np.random.default_rng(seed), block=np.zeros(len(values), int)
    )
    assert abs(counts.sum() - values.sum()) < 1 + 1e-9
    assert not counts[values == 0].any()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40), st.floats(0.0, 50.0))
@example([1.0], 1e-11)
def test_inclusion_probabilities_add_up(weights: list[float], n: float) -> None:
    probabilities = inclusion_probabilities(np.array(weights), n)
    assert (probabilities >= 0).all()
    assert (probabilities <= 1).all()
    assert pytest.approx(min(n, len(weights)), abs=ROUNDING) == probabilities.sum()


@dataclasses.dataclass(frozen=True)
class Window:
    scores: SampleScores
    texts: list[str]
    task_types: list[str]
    known: dict[str, int]

    def draw(self, seed: int, review: Review | None = None) -> Selection:
        rng = np.random.default_rng(seed)
        return select_items(
            self.scores, self.texts, self.task_types, review or Review(), rng, known=self.known
        )


def window(n: int, seed: int) -> Window:
    """Return a window with a tenth in three clusters, equal texts and two sampling rates."""
    rng = np.random.default_rng(seed)
    cluster = np.where(np.arange(n) % 10 == 0, np.arange(n) % 3, -1)
    novelty = rng.normal(size=n) + 2 * (cluster >= 0)
    rate = np.where(np.arange(n) % 4 == 0, 0.01, 0.05)
    texts = [str(i // 2) if i % 7 else "common" for i in range(n)]
    scores = SampleScores(np.arange(n) + 1000, novelty, cluster, rate)
    known = {str(row): row for row in range(0, n // 2, 5)}
    return Window(scores, texts, [("a", "b")[i % 2] for i in range(n)], known)


@pytest.mark.slow
@trials(1_000, 4_000)
def test_frequencies_equal_the_stated_probabilities(n_trials: int) -> None:
    """One test over all texts, for both draws and for the control draw alone."""
    review = Review(weekly_budget=40)
    drawn = window(300, 1)
    stated: dict[str, float] = {}
    stated_control: dict[str, float] = {}
    points: dict[str, float] = {}
    hits: dict[str, int] = {}
    control_hits: dict[str, int] = {}
    total_points: dict[str, int] = {}
    for seed in range(n_trials):
        selection = drawn.draw(seed, review)
        for row in [*selection.unreviewed, *selection.reused]:
            text = row.draw.text_digest
            stated[text] = row.draw.selection_probability
            stated_control[text] = row.control_probability
            points[text] = selection.design.n_control * row.draw.traffic_share
            hits[text] = hits.get(text, 0) + 1
            control_hits[text] = control_hits.get(text, 0) + (row.draw.control_points > 0)
            total_points[text] = total_points.get(text, 0) + row.draw.control_points
    assert set(drawn.texts) == set(stated)  # nothing is out of reach
    for claimed, seen in ((stated, hits), (stated_control, control_hits)):
        p = np.array([claimed[text] for text in sorted(stated)])
        matches = np.array([seen[text] for text in sorted(stated)])
        certain = p > 1 - 1e-12
        assert (matches[certain] == n_trials).all()
        z = (matches - n_trials * p)[~certain] / np.sqrt(n_trials * p * (1 - p))[~certain]
        assert np.abs(z).max() < stats.norm.ppf(1 - 0.001 / (2 * len(z)))
        assert 0.7 < z.std() < 1.3
    expected = np.array([points[text] for text in sorted(stated)])
    mean = np.array([total_points[text] for text in sorted(stated)]) / n_trials
    assert np.allclose(expected, mean, atol=5 * 0.5 / np.sqrt(n_trials))
    assert points["common"] > 1  # it counts several times, and is asked once


def test_repeated_text_is_queued_once_and_counts_by_points() -> None:
    for seed in range(50):
        selection = window(1000, 2).draw(seed)
        both = [*selection.unreviewed, *selection.reused]
        digests = [row.draw.text_digest for row in both]
        assert len(digests) == len(set(digests))
        assert sum(row.draw.control_points for row in both) == 60
        assert len(selection.unreviewed) <= 100
        assert all(row.draw.control_points for row in selection.reused)
        assert not {row.draw.text_digest for row in selection.unreviewed} & set(
            window(1000, 2).known
        )


def test_the_shares_are_those_of_the_traffic() -> None:
    drawn = window(1000, 3)
    selection = drawn.draw(0)
    assert pytest.approx(1.0) == sum(share for _, _, share in selection.design.cells)
    weight = 1 / drawn.scores.inclusion_probability
    assert pytest.approx(weight[1::2].sum() / weight.sum()) == sum(
        share for task_type, _, share in selection.design.cells if task_type == "b"
    )
    frame = build_frame(drawn.scores, drawn.texts, drawn.known, np.random.default_rng(0))
    assert pytest.approx(1.0) == frame.share.sum()
    remaining = frame.share[frame.stratum != DRIFTED].sum()
    assert 0.09 < frame.share[frame.stratum == NOVEL].sum() / remaining < 0.25
    assert (
        frame.novelty[frame.stratum == NOVEL].min()
        >= frame.novelty[frame.stratum == FAMILIAR].max()
    )


def test_exchange_of_a_text_is_drawn_by_traffic() -> None:
    """Of two equal exchanges, one sampled at a fifth of the rate is drawn 5 times in 6."""
    scores = SampleScores(np.arange(2), np.zeros(2), np.full(2, -1), np.array([0.01, 0.05]))
    rng = np.random.default_rng(0)
    first = sum(int(build_frame(scores, ["x", "x"], {}, rng).exchange[0] == 0) for _ in range(3000))
    assert abs(first / 3000 - 5 / 6) < 0.03


def test_every_drifted_cluster_is_looked_at() -> None:
    n = 2000
    cluster = np.full(n, -1)
    cluster[:300], cluster[300:320], cluster[320:326] = 0, 1, 2
    scores = SampleScores(np.arange(n), np.linspace(0, 1, n), cluster, np.full(n, 0.05))
    for seed in range(20):
        selection = select_items(
            scores, [str(i) for i in range(n)], [""] * n, Review(), np.random.default_rng(seed)
        )
        for row in range(3):
            assert sum(item.draw.cluster == row for item in selection.unreviewed) >= 4


@pytest.mark.parametrize("n", [0, 1, 5, 61, 99])
def test_small_windows_give_what_they_have(n: int) -> None:
    scores = SampleScores(np.arange(n), np.zeros(n), np.full(n, -1), np.full(n, 0.05))
    texts = [str(i) for i in range(n)]
    selection = select_items(scores, texts, [""] * n, Review(), np.random.default_rng(0))
    assert n == len({item.exchange_id for item in selection.unreviewed})
    assert all(item.draw.selection_probability == 1 for item in selection.unreviewed)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.6, 0.4)])
def test_any_shares_work(shares: tuple[float, float]) -> None:
    review = Review(control_share=shares[0], drift_share=shares[1])
    for seed in range(5):
        selection = window(700, 4).draw(seed, review)
        assert len(selection.unreviewed) <= 100
        points = sum(row.draw.control_points for row in [*selection.unreviewed, *selection.reused])
        assert round(100 * shares[0]) == points


def test_places_that_known_texts_free_go_to_the_drift_slice() -> None:
    n = 2000
    scores = SampleScores(np.arange(n), np.linspace(0, 1, n), np.full(n, -1), np.full(n, 0.05))
    texts = [str(i % 40) if i < 1000 else str(i) for i in range(n)]
    selection = select_items(
        scores, texts, [""] * n, Review(), np.random.default_rng(0),
        known={str(row): row for row in range(40)},
    )  # fmt: skip
    assert sum(row.draw.control_points for row in selection.reused) == 30
    assert len(selection.reused) <= 30
    assert 95 <= len(selection.unreviewed) <= 100


def test_the_same_state_of_chance_gives_the_same_batch() -> None:
    assert window(500, 5).draw(3) == window(500, 5).draw(3)
    assert window(500, 5).draw(3) != window(500, 5).draw(4)
