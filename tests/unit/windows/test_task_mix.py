"""Mix of task types in an assessment: reported, never an alarm."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment
from tests.support.windows.assess import assess_window


def window(task_types: Sequence[str], seed: int) -> Exchanges:
    """Make a window whose prompts and responses are independent of their task types."""
    n = len(task_types)
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((2, n, 8))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return Exchanges(
        prompts=[f"hello {row}" for row in range(n)],
        responses=["hi"] * n,
        end_users=[f"user {row // 2}" for row in range(n)],
        task_types=task_types,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=[{}] * n,
        prompt_vectors=vectors[0],
        response_vectors=vectors[1],
    )


def assess(reference: Sequence[str], current: Sequence[str]) -> Assessment:
    drift = Drift(n_permutations=199)
    return assess_window(window(reference, 1), window(current, 2), drift=drift, seed=3).assessment


def test_changed_mix_is_reported_without_an_alarm() -> None:
    result = assess(["cards", "fees"] * 100, ["cards"] * 168 + ["fees"] * 2 + ["loans"] * 30)
    assert result.mix_effect_size == 0.49
    assert result.mix_moved_share is not None
    assert result.mix_moved_share.estimate == pytest.approx(0.5, abs=0.05)
    assert 0.3 < result.mix_moved_share.lower < 0.5 <= result.mix_moved_share.upper
    assert result.mix_p_value is not None
    assert result.mix_p_value <= 0.001
    assert (result.verdict, result.alarm) == ("no_drift", False)


@pytest.mark.slow
def test_mix_is_compared_where_both_sides_have_several_task_types() -> None:
    for sides in ((["cards"], ["cards"]), ([""], ["cards"]), (["cards"], [""])):
        result = assess(sides[0] * 200, sides[1] * 200)
        assert (result.mix_p_value, result.mix_effect_size) == (None, None)
        assert result.mix_moved_share is None
    assert assess(["cards", ""] * 100, ["cards", ""] * 100).mix_p_value == 1.0
