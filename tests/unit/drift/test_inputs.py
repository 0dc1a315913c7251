"""Inputs of `compare` and `compare_given`: empty sides, seeds, what is refused."""

import inspect
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, compare, compare_given
from tests.support.lazy_modules import pandas as pd
from tests.support.lazy_modules import torch


def points(n: int, seed: int = 0, width: int = 8) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).normal(size=(n, width))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


A, B = points(120, 1), points(120, 2)


def short(*sides: Any, **options: Any) -> DriftResult:
    return compare(*sides, n_permutations=199, locate=False, **options)


@pytest.mark.parametrize(
    ("reference", "current"),
    [([], []), ([], A), (A, []), (np.empty((0, 8)), A), (A[:1], A), (A.tolist(), A[:1].tolist())],
)
def test_too_few_rows_are_a_result(reference: Any, current: Any) -> None:
    result = compare(reference, current)
    assert result.verdict == "not_enough_data"
    assert math.isnan(result.p_value)
    assert (result.n_reference, result.n_current) == (len(reference), len(current))
    assert result.novelty.shape == (len(current),)
    responses = compare_given(reference, reference, current, current)
    assert responses.verdict == "not_enough_data"


def test_same_object_on_both_sides_has_no_drift() -> None:
    result = short(A, A)
    assert result.verdict == "no_drift"
    assert result.p_value > 0.5


def test_iterators_and_tensors_give_the_figures_of_arrays() -> None:
    expected = short(A, B).to_dict()
    assert short(iter(A.tolist()), (row for row in B)).to_dict() == expected
    tensors = (torch.tensor(side, requires_grad=True) for side in (A, B))
    assert short(*tensors).to_dict() == expected
    assert short(pd.Series(A.tolist()), pd.DataFrame(B)).to_dict() == expected


def test_responses_in_iterators_give_the_figures_of_arrays() -> None:
    covariates = {"reference_covariates": A[:, :1], "current_covariates": B[:, :1]}
    expected = compare_given(A, B, B, A, n_permutations=1_999, **covariates)
    sides = (iter(side.tolist()) for side in (A, B, B, A))
    again = compare_given(*sides, n_permutations=1_999, **covariates)
    assert again.to_dict() == expected.to_dict()


def test_inputs_are_not_changed() -> None:
    sides = 1.01 * A, B.astype(np.float32)
    before = [side.copy() for side in sides]
    short(*sides)
    assert all((side == copy).all() for side, copy in zip(sides, before, strict=True))


def test_equal_seeds_give_equal_results() -> None:
    default = short(A, B)
    for rng in (None, 0, np.int64(0), np.random.default_rng(0)):
        assert short(A, B, rng=rng).to_dict() == default.to_dict()
    for function in (compare, compare_given):
        assert inspect.signature(function).parameters["rng"].default is None


@pytest.mark.parametrize(
    ("rng", "error"),
    [
        (-1, ValueError),
        (1.5, TypeError),
        ("1", TypeError),
        (True, TypeError),
        (np.random.RandomState(1), TypeError),
    ],
)
def test_invalid_seed_is_refused(rng: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="rng must"):
        short(A, B, rng=rng)


def altered(value: float) -> NDArray[np.float64]:
    vectors = A.copy()
    vectors[7, 3] = value
    return vectors


@pytest.mark.parametrize(
    ("current", "named"),
    [
        (altered(np.nan), "row 7"),
        (altered(np.inf), "row 7"),
        (altered(1e300), "row 7"),
        (altered(3.0), "row 7"),
        (2 * A, "norm"),
        (np.zeros((120, 8)), "norm"),
        (A[0], "1 dimension"),
        (np.ones((3, 4, 8)), "3 dimension"),
        (points(120, 1, 5), "8 and 5"),
        (A > 0, "bool"),
        (A.astype(str), "U"),
        (A.astype(complex), "complex"),
    ],
)
def test_a_refusal_names_the_row_or_the_property(current: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        short(A, current)
