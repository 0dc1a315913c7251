"""The share of the responses that changed: of those to comparable prompts, with an honest limit."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, ResponseDescriptor, compare_given
from tests.statistics.trials import trials

N, D = 240, 8


def unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def run(
    seed: int, *, changed: float, kind: str = "one_text", new_prompts: float = 0.0
) -> DriftResult:
    """Compare responses near their prompts with a window of which a part has other responses."""
    rng = np.random.default_rng(seed)
    prompts = unit(rng.standard_normal((2, N, D)) + 0.5)
    prompts[1, : round(new_prompts * N)] = unit(
        rng.standard_normal((round(new_prompts * N), D)) - 9
    )
    responses = unit(prompts + 0.5 * rng.standard_normal(prompts.shape))
    lengths = rng.integers(20, 41, (2, N)).astype(float)
    rows = rng.permutation(N)[: round(changed * N)]
    if kind == "one_text":
        responses[1, rows] = unit(np.ones(D) - 2.0 * np.eye(D)[0])
    elif kind == "empty":
        responses[1, rows], lengths[1, rows] = unit(-np.ones(D)), 0.0
    else:
        responses[1, rows] = responses[1, rng.permutation(rows)]
    return compare_given(
        *(array for side in range(2) for array in (prompts[side], responses[side])),
        descriptors=[
            ResponseDescriptor(
                name="length", reference=lengths[0], current=lengths[1], is_relative=True
            ),
            ResponseDescriptor(name="empty", reference=lengths[0] == 0, current=lengths[1] == 0),
        ],
        rng=rng,
        n_permutations=199,
        alpha=0.05,
    )


@pytest.mark.slow
@trials(2, 40)
@pytest.mark.parametrize("new_prompts", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["one_text", "empty"])
def test_the_interval_reaches_all_where_all_responses_changed(
    n_trials: int, kind: str, new_prompts: float
) -> None:
    n_taken_for_known = 0
    for seed in range(n_trials):
        result = run(seed, changed=1.0, kind=kind, new_prompts=new_prompts)
        assert result.shift is not None
        assert max(result.drifted_share, 2.0 * result.shift - 1.0) > 0.8
        assert result.drifted_share_interval[1] == 1.0
        assert result.comparable_share is not None
        n_taken_for_known += result.comparable_share >= 1.0 - 0.9 * new_prompts
    # Where one of the reference's prompts happens to lie among the new ones: with seed 6.
    assert n_taken_for_known <= n_trials // 20


@pytest.mark.slow
@trials(4, 100)
def test_the_interval_covers_a_share_of_the_comparable_responses(n_trials: int) -> None:
    results = [run(seed, changed=0.4, kind="empty", new_prompts=0.3) for seed in range(n_trials)]
    covered = sum(
        result.drifted_share_interval[0] <= 0.4 <= result.drifted_share_interval[1]
        for result in results
    )
    assert covered >= 0.9 * n_trials
    assert np.mean([result.drifted_share for result in results]) == pytest.approx(0.4, abs=0.06)


@pytest.mark.slow
@trials(3, 100)
@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_empty_responses_shorten_the_mean_by_their_share(n_trials: int, share: float) -> None:
    for seed in range(n_trials):
        length, empty = run(seed, changed=share, kind="empty").descriptors
        assert length.change == pytest.approx(-share, abs=0.12)
        assert -1.0 <= length.lower <= length.change <= length.upper < 0.0
        assert empty.change == pytest.approx(share, abs=0.12)
        assert 0.0 < empty.lower <= empty.change <= empty.upper <= 1.0


def test_a_result_without_a_test_has_no_share() -> None:
    rng = np.random.default_rng(0)
    few = unit(rng.standard_normal((10, D)))
    document = compare_given(few, few, few, few, rng=1).to_dict()
    assert document["verdict"] == "not_enough_data"
    assert document["drifted_share"] is None
    assert document["drifted_share_interval"] == [None, None]
    assert document["comparable_share"] is None
