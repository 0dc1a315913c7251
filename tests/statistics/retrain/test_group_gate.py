"""Errors of the gate of groups that nobody named: losses that aren't there."""

import dataclasses
from collections import Counter

import msgspec
import numpy as np
import pytest
from scipy import stats

from monitor.settings import Gates
from retrain.data.benchmarks.groups import find_groups
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.group_losses import check_groups
from tests.statistics.trials import trials
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.scored_benchmarks import benchmark, scored
from tests.support.retrain.strangers.bank import intents


@pytest.mark.slow
@pytest.mark.parametrize("copied", [0.9, 0.0])
@trials(12, 300)
def test_an_equal_candidate_seldom_stays_undecided(n_trials: int, copied: float) -> None:
    """With few changed responses hardly ever; with new ones to all items within the level."""
    items = [msgspec.convert(row, BenchmarkItem) for row in intents(400, 140)]
    suite = dataclasses.replace(
        benchmark(items, metrics=["exact_match"]), groups=find_groups(items, WordEncoder())
    )
    labels = sorted({str(item.expected) for item in items})
    own_label = [labels.index(str(item.expected)) for item in items]
    rng = np.random.default_rng([93, n_trials])
    outcomes: Counter[str] = Counter()
    for _ in range(n_trials):
        easy = rng.beta(4, 1, size=len(labels))[own_label]
        share = np.clip(easy + rng.normal(0, 0.15, size=len(items)), 0, 1)
        before, new, base = (rng.random(len(items)) < level for level in (share, share, share / 2))
        after = np.where(rng.random(len(items)) < copied, before, new)
        candidate, incumbent, untrained = (
            {"suite": scored(items, exact_match=column.astype(float))}
            for column in (after, before, base)
        )
        (check,) = check_groups(
            [suite], candidate, incumbent, Gates(), rng, reference_name="incumbent", base=untrained
        )
        outcomes[check.outcome] += 1
    most = 0.005 if copied else 0.05
    assert outcomes["undecided"] <= stats.binom.ppf(0.999, n_trials, most), outcomes
