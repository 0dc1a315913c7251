"""Simulated causes of errors, and how often the rule recommends training or retrieval.

The errors of drifted clusters are reviewed far more often than the others. If their causes differ,
unweighted counts are misleading; weighted shares are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.review.weeks import DRIFTED, review_without_mistakes, simulate_week
from monitor.review.decision.error_causes import FACTS_MISSING, NEEDS_JUDGEMENT, weigh_error_causes
from monitor.review.decision.error_rate import batch_weights
from monitor.review.decision.rule import choose_remedy
from monitor.settings import Review
from monitor.store.review.draws import DrawRow

#: Weeks that one decision looks at.
POOLED = 4


@dataclass(frozen=True)
class Pool:
    """Four weeks of reviews, and which share of the traffic's errors is in drifted clusters."""

    rows: tuple[DrawRow, ...]
    clustered: float


@dataclass(frozen=True)
class Mix:
    """Shares of the errors that take judgement: in drifted clusters, and elsewhere."""

    name: str
    in_clusters: float
    elsewhere: float

    def share(self, pool: Pool) -> float:
        """Return the share among the traffic's errors."""
        return pool.clustered * self.in_clusters + (1 - pool.clustered) * self.elsewhere


MIXES = (
    Mix("eight in ten errors take judgement", 0.8, 0.8),
    Mix("two in ten errors take judgement", 0.2, 0.2),
    Mix("drifted topics' errors take judgement, the others mostly not", 0.95, 0.05),
)


@dataclass(frozen=True)
class Routed:
    """How the pools of a mix were routed."""

    retrain: int
    fix_context: int
    undecided: int
    #: The interval of the share holds the true one.
    covered: int
    #: Counting answers as they come in would have called for training.
    counted_for_training: int


def make_pools(n: int, review: Review, seed: int) -> list[Pool]:
    """Simulate pools of weeks."""
    pools = []
    for number in range(n):
        rows: list[DrawRow] = []
        clustered = wrong = 0
        for week in range(POOLED):
            rng = np.random.default_rng([seed, 3, number, week])
            made = simulate_week(DRIFTED, review, rng)
            reviewed = review_without_mistakes(made.selection, made.traffic, 0.0, rng)
            rows += [replace(row, batch_id=week, queued_in=week) for row in reviewed]
            clustered += int((made.traffic.wrong & (made.traffic.cluster >= 0)).sum())
            wrong += int(made.traffic.wrong.sum())
        pools.append(Pool(tuple(rows), clustered / wrong))
    return pools


def route(pools: Sequence[Pool], mix: Mix, review: Review, seed: int) -> Routed:
    """Draw the causes of each pool's errors and apply the rule."""
    rng = np.random.default_rng([seed, 4])
    remedies: list[str] = []
    covered = counted = 0
    for pool in pools:
        rows = [
            replace(row, answerable=_rate_cause(row, mix, rng)) if row.is_wrong else row
            for row in pool.rows
        ]
        error_causes = weigh_error_causes(rows, batch_weights(rows))
        remedies.append(choose_remedy(error_causes, review.min_remedy_ratings)[0])
        judgement = error_causes.shares[NEEDS_JUDGEMENT]
        covered += judgement.lower <= mix.share(pool) <= judgement.upper
        counted += judgement.n_wrong > judgement.n / 2
    return Routed(
        retrain=remedies.count("retrain"),
        fix_context=remedies.count("fix_context"),
        undecided=remedies.count("undecided"),
        covered=covered,
        counted_for_training=counted,
    )


def _rate_cause(row: DrawRow, mix: Mix, rng: np.random.Generator) -> str:
    share = mix.elsewhere if row.cluster is None else mix.in_clusters
    return NEEDS_JUDGEMENT if rng.random() < share else FACTS_MISSING
