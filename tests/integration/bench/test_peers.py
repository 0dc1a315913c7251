"""Peers on small data with known results."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.drift.peers.domain_classifier import domain_classifier
from bench.drift.peers.evidently import VARIANTS, evidently_method
from bench.drift.peers.methods import NAMES, load_method
from bench.drift.peers.permutation_mmd import (
    Form,
    KernelTest,
    _centred_kernel,
    permutation_mmd,
    squared_mmd,
)

Vectors = NDArray[np.float32]


def window(n: int, shift: float, seed: int) -> Vectors:
    points = np.random.default_rng(seed).standard_normal((n, 6)) + shift
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def brute_squared_mmd(a: Vectors, b: Vectors, bandwidth: float) -> float:
    """Gretton et al. 2012, eq. 3, sample by sample."""

    def kernel(x: Vectors, y: Vectors) -> float:
        return float(np.exp(-((x.astype(float) - y) ** 2).sum() / (2 * bandwidth)))

    m, n = len(a), len(b)
    within_a = sum(kernel(a[i], a[j]) for i in range(m) for j in range(m) if i != j)
    within_b = sum(kernel(b[i], b[j]) for i in range(n) for j in range(n) if i != j)
    across = sum(kernel(x, y) for x in a for y in b)
    return within_a / (m * (m - 1)) + within_b / (n * (n - 1)) - 2 * across / (m * n)


def test_squared_mmd_is_its_definition() -> None:
    a, b = window(7, 0.0, 0), window(5, 1.0, 1)
    pooled = np.concatenate([a, b])
    distances = ((pooled[:, None].astype(float) - pooled) ** 2).sum(axis=2)
    bandwidth = float(np.median(distances[np.triu_indices(12, 1)]))
    labels = np.zeros((12, 1), dtype=np.float32)
    labels[:7] = 1.0
    kernel = _centred_kernel(pooled, np.random.default_rng(0))
    expected = brute_squared_mmd(a, b, bandwidth)
    assert expected == pytest.approx(squared_mmd(kernel, float(kernel.sum()), labels)[0], abs=1e-6)


def test_permutation_mmd_tells_windows_apart_and_never_gives_zero() -> None:
    rng = np.random.default_rng(0)
    far = permutation_mmd(window(60, 0.0, 0), window(40, 2.0, 1), rng, n_permutations=99)
    assert 0.01 == far
    near = permutation_mmd(window(60, 0.0, 2), window(40, 0.0, 3), rng, n_permutations=99)
    assert near > 0.01


def test_every_form_gives_the_same_statistics() -> None:
    a, b = window(40, 0.0, 0), window(30, 0.3, 1)
    test = KernelTest(a, b, np.random.default_rng(4))
    expected = test.permuted(70, Form.PRODUCTS, np.random.default_rng(5))
    for form in (Form.ONE_BY_ONE, Form.REORDERED):
        p_value = test.permuted(70, form, np.random.default_rng(5))
        np.testing.assert_allclose(p_value, expected, atol=1e-6)


def test_permutation_mmd_keeps_its_level() -> None:
    p_values = [
        permutation_mmd(
            window(30, 0.0, 2 * k), window(20, 0.0, 2 * k + 1), np.random.default_rng(k)
        )
        for k in range(100)
    ]
    # 99.9% of a binomial(100, .25).
    assert 12 <= sum(p <= 0.25 for p in p_values) <= 40


def test_the_domain_classifier_tells_windows_apart() -> None:
    rng = np.random.default_rng(0)
    assert domain_classifier(window(100, 0.0, 0), window(80, 2.0, 1), rng) < 1e-6
    null = [
        domain_classifier(window(100, 0.0, 2 * k), window(80, 0.0, 2 * k + 1), rng)
        for k in range(40)
    ]
    assert 2 <= sum(p <= 0.25 for p in null) <= 20


@pytest.mark.parametrize("variant", VARIANTS)
def test_evidently_sees_windows_that_have_nothing_in_common(variant: str) -> None:
    alarms = evidently_method(variant)
    assert alarms(window(200, -3.0, 0), window(200, 3.0, 1)) is True


@pytest.mark.parametrize(
    "variant",
    ["Evidently mmd", "Evidently distance", "Evidently distance, bootstrap", "Evidently ratio"],
)
def test_evidently_does_not_alarm_on_equal_windows(variant: str) -> None:
    points = window(200, 0.0, 0)
    assert evidently_method(variant)(points, points[::-1].copy()) is False


def test_evidently_leaves_the_windows_as_they_were() -> None:
    points = window(100, 0.0, 0)
    before = points.copy()
    evidently_method("Evidently model")(points, points)
    assert np.array_equal(before, points)


@pytest.mark.parametrize("name", NAMES)
def test_every_method_returns_an_alarm(name: str) -> None:
    method = load_method(name)
    alarm = method(window(120, -3.0, 0), window(120, 3.0, 1), np.random.default_rng(0))
    assert alarm is True
