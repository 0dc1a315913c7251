"""The comparison of a probe run with reference runs."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.probes.comparison import Reference, Responses, distance

ITEMS = [f"item {k}" for k in range(40)]


def run(seed: int, *, flips: float = 0.0, model: str = "one") -> Responses:
    """Return two passes of a model whose responses flip to one of three others."""
    rng = random.Random(seed)
    return {
        item: [
            _text(f"{model} {item} {rng.randrange(3) if rng.random() < flips else ''}")
            for _ in range(2)
        ]
        for item in ITEMS
    }


def _text(seed: str) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice("abcdefghij ") for _ in range(40))


def reference(n: int = 8, flips: float = 0.0) -> Reference:
    return Reference([run(seed, flips=flips) for seed in range(n)])


@pytest.mark.slow
@pytest.mark.parametrize("flips", [0.0, 0.05, 0.3])
def test_noise_of_the_reference_is_not_suspicious(flips: float) -> None:
    known = reference(flips=flips)
    results = [known.compare(run(seed, flips=flips)) for seed in range(100, 130)]
    assert not any(result is None or result.is_suspicious for result in results)


@pytest.mark.slow
@pytest.mark.parametrize("flips", [0.0, 0.05, 0.3])
def test_another_model_is_suspicious(flips: float) -> None:
    result = reference(flips=flips).compare(run(100, flips=flips, model="two"), n_differences=3)
    assert result is not None
    assert result.is_suspicious
    assert len(result.differences) == 3


@pytest.mark.slow
def test_busier_server_is_not_suspicious() -> None:
    result = reference(flips=0.1).compare(run(100, flips=0.3))
    assert result is not None
    assert not result.is_suspicious


@pytest.mark.parametrize("flips", [0.0, 0.3])
def test_single_reference_run_shows_another_model_only(flips: float) -> None:
    known = reference(1, flips=flips)
    same, other = known.compare(run(9, flips=flips)), known.compare(run(9, flips=flips, model="x"))
    assert same is not None
    assert other is not None
    assert (same.is_suspicious, other.is_suspicious) == (False, True)


def test_too_few_items_give_no_comparison() -> None:
    few = {item: texts for item, texts in run(9).items() if item in ITEMS[:9]}
    assert reference().compare(few) is None
    assert reference().compare({item: run(9)[item] for item in ITEMS[:19]}) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_distance_is_symmetric_and_bounded(first: str, second: str) -> None:
    value = distance(first, second)
    assert value == distance(second, first)
    assert value == 0.0 if first.split() == second.split() else 0.0 <= value <= 1.0


def test_labels_that_differ_in_a_character_are_half_apart() -> None:
    assert distance("class 12", "class 13") >= 0.5
    assert distance("yes", "yes ") == 0.0
