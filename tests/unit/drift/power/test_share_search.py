"""The search for the share with which four of five windows alarm."""

import numpy as np
import pytest
from scipy import special

from monitor.drift.power.share_search import LARGEST_SHARE, POWER, FoundShare, ShareSearch


def search(true_share: float, slope: float, rng: np.random.Generator, prior: float) -> FoundShare:
    running = ShareSearch(prior)
    for _ in range(24):
        share = running.next_share()
        distance = slope * np.log(share / true_share)
        power = special.ndtr(special.ndtri(POWER) + distance)
        running.add(share, alarm=bool(rng.random() < power))
    return running.result()


@pytest.mark.slow
def test_interval_contains_the_share_in_most_searches() -> None:
    rng = np.random.default_rng(0)
    results = [search(0.025, 2.4, rng, prior=0.05) for _ in range(12)]
    assert sum(result.lower <= 0.025 <= result.upper for result in results) >= 10
    assert abs(np.log(np.median([result.share for result in results]) / 0.025)) < 0.2
    assert max(result.ratio for result in results) < 3.0


def test_undetectable_share_is_estimated_at_the_limit() -> None:
    running = ShareSearch(0.1)
    for _ in range(24):
        running.add(running.next_share(), alarm=False)
    assert running.result().upper > 0.9 * LARGEST_SHARE


def test_next_share_stays_below_the_given_limit() -> None:
    assert ShareSearch(0.1).next_share(0.03) <= 0.03
    assert ShareSearch(0.5).next_share(0.001) == 0.001
