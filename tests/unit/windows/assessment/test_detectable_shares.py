"""Detectable shares of windows: by sizes, end users and levels, and in a sentence."""

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.rendering.wording import describe_detectable
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.assessment.detectable_shares import stored_shares
from tests.support.windows.assessments import make_assessment, make_detectable_shares

N = 1_000


def exchanges(end_users: Sequence[str], probability: Sequence[float] = ()) -> Exchanges:
    """Build exchanges whose prompts are those of their end users, and of nobody else."""
    number = np.unique(end_users, return_inverse=True)[1]
    vectors = np.random.default_rng(0).standard_normal((N, 16))[number]
    return Exchanges(
        prompts=[""] * N,
        responses=[""] * N,
        end_users=end_users,
        prompt_vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        inclusion_probability=np.array(probability),
    )


ALONE = exchanges([f"u{row}" for row in range(N)])


def share(current: Exchanges, level: float = DEFAULT_LEVELS.input) -> float:
    """Return the smallest new topic that a window shows."""
    shares = stored_shares(ALONE, current, level=level, min_drifted_share=Drift().min_drifted_share)
    return {item.kind: item.share or 1.0 for item in shares}["new_topic"]


def test_fewer_independent_exchanges_show_larger_shares_only() -> None:
    usual = share(ALONE)
    assert usual == pytest.approx(0.03, abs=0.01)
    assert share(exchanges([f"u{row // 5}" for row in range(N)])) > 1.5 * usual
    unequal = exchanges(ALONE.end_users, probability=[0.01] * 100 + [0.5] * 900)
    assert share(unequal) > 1.2 * usual
    assert share(ALONE, level=DEFAULT_LEVELS.input / 7) > 1.2 * usual


@pytest.mark.parametrize(
    ("shares", "facts"),
    [
        ({}, ()),
        ({"new_topic": 0.02, "scattered": 0.05}, ("about 2.0% of", "about 5.0%,")),
        ({"new_topic": 0.2, "scattered": None}, ("about 20% of", "not reliably show scattered")),
        ({"new_topic": None, "scattered": None}, ("topic or scattered novelty of any share",)),
    ],
)
def test_sentence_names_each_kind(shares: dict[str, float | None], facts: tuple[str, ...]) -> None:
    sentence = describe_detectable(
        make_assessment(detectable_shares=make_detectable_shares(**shares))
    )
    assert bool(sentence) == bool(facts)
    assert [fact for fact in facts if fact not in sentence] == []
    assert "Simulated" not in sentence


def test_simulated_shares_have_their_interval() -> None:
    shares = make_detectable_shares(is_simulated=True, new_topic=0.03, scattered=0.06)
    sentence = describe_detectable(make_assessment(detectable_shares=shares))
    assert "about 3.0% (1.5% to 4.5%) of the prompts" in sentence
    assert "about 6.0% (3.0% to 9.0%)" in sentence
