"""Detectable shares: the stored table against the code, and the simulation on given windows."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.drift.detectable_shares import search_checked_cell
from bench.drift.sources.synthetic import make_synthetic
from monitor.drift import SimulatedWindow, simulate_power
from monitor.drift.power.planting import Planter
from monitor.drift.power.table import KINDS, TABLE_FILE

N = 150


@pytest.fixture(scope="module")
def windows() -> tuple[np.ndarray, np.ndarray]:
    vectors = make_synthetic(3, n_in_scope=2 * N, n_novel=1).vectors[: 2 * N]
    vectors = np.asarray(vectors, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors[:N], vectors[N:]


@pytest.mark.slow
def test_table_holds_for_the_code_of_today(tmp_path: Path) -> None:
    stored = json.loads(TABLE_FILE.read_text(encoding="utf-8"))["checked"]
    measured = search_checked_cell(tmp_path, first_seed=90_000)
    assert measured.lower <= stored["share"] <= measured.upper
    assert stored["lower"] <= measured.share <= stored["upper"]


@pytest.mark.parametrize("kind", KINDS)
def test_planted_windows_have_the_sizes_and_users(kind, windows) -> None:
    users = np.arange(N) // 3
    rng = np.random.default_rng(0)
    planted = Planter(*windows, users, users, rng).draw(kind, 0.2, rng)
    assert planted.n_planted == 30
    assert len(planted.current) == N
    assert N - 33 <= len(planted.reference) <= N
    ordinary = planted.current_users[: N - 30]
    assert not set(ordinary) & set(planted.reference_users)
    assert np.bincount(np.unique(ordinary, return_inverse=True)[1]).max() == 3
    new = planted.current[N - 30 :]
    nearest = (new @ planted.reference.T).max(axis=1)
    usual = (planted.current[: N - 30] @ planted.reference.T).max(axis=1)
    assert np.median(nearest) < np.median(usual)


@pytest.mark.slow
def test_simulation_continues_from_its_earlier_windows(windows) -> None:
    drawn: list[SimulatedWindow] = []
    options = {"alpha": 0.05, "max_windows": 3, "seed": 4}
    whole = simulate_power(*windows, **options, on_window=drawn.append)
    assert [(window.kind, window.number) for window in drawn] == [
        (kind, number) for kind in KINDS for number in range(3)
    ]
    repeated: list[SimulatedWindow] = []
    assert simulate_power(*windows, **options, known=drawn[:4], on_window=repeated.append) == whole
    assert repeated == drawn[4:]


@pytest.mark.parametrize(
    ("n", "groups"), [(30, None), (N, np.arange(N) % 10)], ids=["samples", "groups"]
)
def test_too_few_samples_are_refused(n, groups, windows) -> None:
    reference, current = windows
    with pytest.raises(ValueError, match="too few samples to simulate"):
        simulate_power(reference, current[:n], current_groups=groups)
