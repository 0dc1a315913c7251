"""Arrays of NumPy and torch give the same figures; torch need not be there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, compare, device
from monitor.drift.device import NumpyArrays, TorchArrays, resolve_device
from monitor.drift.neighbours.exact import nearest


def window(n: int, shift: float, seed: int) -> NDArray[np.float64]:
    points = np.random.default_rng(seed).standard_normal((n, 16))
    points[: n // 10, 0] += shift
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_import_torch", lambda: (None, "No module named 'torch'"))


def figures(result: DriftResult) -> list[float]:
    tests = [number for test in result.tests for number in (test.p_value, test.effect_size)]
    return [result.p_value, result.drifted_share, *result.drifted_share_interval, *tests]


def run(seed: int = 3) -> DriftResult:
    rng = np.random.default_rng(seed)
    return compare(window(300, 0, 1), window(300, 6, 2), rng=rng, n_permutations=499)


def test_comparison_without_torch_gives_the_same_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = run()
    monkeypatch.setattr(device, "_import_torch", lambda: (None, "hidden"))
    result = run()
    np.testing.assert_allclose(figures(result), figures(expected), rtol=1e-5)
    np.testing.assert_allclose(result.novelty, expected.novelty, rtol=1e-5)


@pytest.mark.parametrize("k", [1, 7])
@pytest.mark.parametrize("spread", [False, True])
def test_neighbours_of_numpy_and_torch_agree(
    k: int, spread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = window(200, 3, 4).astype(np.float32)
    owner = np.arange(200) // 2

    def search() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        neighbours = nearest(
            vectors, vectors, k, query_owner=owner, landmark_owner=owner, spread_ties=spread
        )
        return neighbours.index, neighbours.similarity

    index, similarity = search()
    monkeypatch.setattr(device, "_import_torch", lambda: (None, "hidden"))
    numpys_index, numpys_similarity = search()
    np.testing.assert_array_equal(numpys_index, index)
    np.testing.assert_allclose(numpys_similarity, similarity, atol=1e-6)


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize("name", [None, "cpu", "auto"])
def test_numpy_takes_the_place_of_missing_torch(name: str | None) -> None:
    assert isinstance(resolve_device(name), NumpyArrays)


@pytest.mark.usefixtures("no_torch")
def test_cuda_without_torch_names_the_extra() -> None:
    with pytest.raises(ValueError, match=r"driftwarden\[torch\]"):
        resolve_device("cuda")


def test_torch_is_taken_where_it_is_installed() -> None:
    assert isinstance(resolve_device("cpu"), TorchArrays)
