"""Agreement of the judge with raters."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.statistics.agreement import cohen_kappas, coincidence_alphas
from retrain.evaluation.judge.agreement import agreement

LABELS = ["candidate", "tie", "incumbent"]
RNG = np.random.default_rng


def rated(pairs: list[tuple[str, str | None]]):
    raters = {str(i): first for i, (first, _) in enumerate(pairs)}
    judge = {str(i): other for i, (_, other) in enumerate(pairs)}
    return agreement(raters, judge, RNG(0))


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 2])), min_size=3))
def test_alpha_is_krippendorffs(pairs: list[tuple[int, int]]) -> None:
    counts = np.zeros((3, 3))
    for single, other in pairs:
        counts[single, other] += 1
    [alpha] = coincidence_alphas((counts + counts.T)[None])
    if len({rating for pair in pairs for rating in pair}) == 1:
        assert np.isnan(alpha)
        return
    reference = krippendorff.alpha(
        np.array(pairs, dtype=float).T, level_of_measurement="nominal", value_domain=[0, 1, 2]
    )
    assert alpha == pytest.approx(reference)


def test_kappa_of_a_textbook_table() -> None:
    """Two readers of 50 proposals agree on 35: (0.7 - 0.5) / (1 - 0.5)."""
    assert cohen_kappas(np.array([[[20.0, 5.0], [10.0, 15.0]]])) == pytest.approx([0.4])


def test_agreement_separates_a_good_judge_from_guesses() -> None:
    raters = RNG(1).choice(LABELS, size=200).tolist()
    alike = rated([(first, first if i % 10 else "tie") for i, first in enumerate(raters)])
    assert alike.alpha_interval is not None
    assert alike.alpha_interval[0] > 0.8
    assert "rely" not in str(alike)
    guesses = rated(list(zip(raters, RNG(2).choice(LABELS, size=200).tolist(), strict=True)))
    assert guesses.kappa_interval is not None
    assert guesses.kappa_interval[0] < 0 < guesses.kappa_interval[1]
    assert "don't rely on this judge" in str(guesses)


def test_failures_are_counted_and_never_rated() -> None:
    right = [(LABELS[i % 3], LABELS[i % 3]) for i in range(30)]
    matches = rated([*right, ("tie", None), ("tie", None)])
    assert (matches.n, matches.n_judge_failed, matches.kappa, matches.alpha) == (30, 2, 1.0, 1.0)


def test_agreement_of_ties_alone_is_unknown() -> None:
    for pairs in ([("tie", "tie")] * 19, [("tie", "tie")] * 50):
        matches = rated(pairs)
        assert matches.alpha is None
        assert "unknown" in str(matches)


def test_the_interval_covers_the_truth() -> None:
    """Raters and judge agree on 80% of two balanced ratings, so kappa is 0.6."""
    rng, covered, n_trials = RNG(3), 0, 40
    for _ in range(n_trials):
        raters = rng.integers(0, 2, size=150)
        judge = np.where(rng.random(150) < 0.8, raters, 1 - raters)
        names = [str(i) for i in range(150)]
        matches = agreement(dict(zip(names, raters.tolist(), strict=True)),
                          dict(zip(names, judge.tolist(), strict=True)), rng)  # fmt: skip
        assert matches.kappa_interval is not None
        covered += matches.kappa_interval[0] <= 0.6 <= matches.kappa_interval[1]
    assert covered >= 34
