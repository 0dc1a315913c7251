"""Losses of a candidate in single strata, which the total may hide."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, log2

import numpy as np
from scipy import stats

from monitor.settings import Gates
from monitor.statistics.intervals import mcnemar_p_value
from monitor.statistics.multiplicity import tarone
from monitor.statistics.p_value_text import state_p_value
from monitor.store.training.candidate_results import CheckOutcome, GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.least_items import MIN_ITEMS
from retrain.evaluation.gates.paired_tests import Values, sign_flip_p_values
from retrain.evaluation.metrics.metric import Metric, goodness
from retrain.evaluation.metrics.scoring import ItemScore, Scores

#: Sign flips of a graded metric: p-values must stay small after adjustment.
N_PERMUTATIONS = 49_999
#: Largest p-value of a stratum by itself where gathered losses make the check undecided: three
#: losses without a gain, or five with one.
MAX_P_OF_SUSPICION = 0.125
#: Largest adjusted p-value at which losses count as gathered; at 0.05 more honest candidates stay
#: undecided, since hard intents gain and lose more.
MAX_P_GATHERED = 0.01
_NAMED = 5

#: Item scores and the rows of a split -> name and rows of each stratum.
Members = Callable[[Sequence[ItemScore], Sequence[int]], Iterator[tuple[str, tuple[int, ...]]]]


@dataclass(frozen=True)
class Stratum:
    """A metric's differences, candidate minus reference, on the items of a stratum."""

    #: Such as ``support, exact_match, intent=card_lost, old items``.
    name: str
    #: ``[n]``, in [-1, 1]; above 0 the candidate is better.
    differences: Values
    is_binary: bool
    #: Items of the same benchmark and split, and those with a loss beyond the margin.
    n_items: int
    n_losses: int
    #: Ids of its own items with such a loss.
    lost: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean difference."""
        return float(self.differences.mean())

    @property
    def attainable(self) -> float:
        """The smallest p-value that its differences can give: all of them losses."""
        n = int((self.differences != 0).sum())
        return 0.5**n if self.is_binary else max(0.5**n, 1 / (1 + N_PERMUTATIONS))

    def p_value(self, rng: np.random.Generator) -> float:
        """Return the p-value of the hypothesis that the stratum lost nothing."""
        if self.is_binary:
            gains, losses = (int((sign * self.differences > 0).sum()) for sign in (1, -1))
            return mcnemar_p_value(losses, gains)
        return sign_flip_p_values(self.differences, rng, N_PERMUTATIONS)[1]

    def __str__(self) -> str:
        n = len(self.differences)
        return f"{self.name}: {100 * self.mean:+.1f} points on {n} items"


def check_strata(
    benchmarks: Sequence[Benchmark],
    candidate: Scores,
    reference: Scores,
    policy: Gates,
    rng: np.random.Generator,
    *,
    reference_name: str,
) -> list[GateCheck]:
    """Check that no task type, and no value of a field of ``stratify_by``, is lost.

    Each stratum is tested on old items and on all of them. It is lost if the loss is larger than
    the margin and significant after Tarone's adjustment over all strata and metrics, which spends
    nothing on strata that are too small to be significant. If more of the benchmark's losses gather
    in a stratum of few items than chance would put there, the check is undecided. Items without
    task types and strata have no check.
    """
    strata = [
        stratum
        for benchmark in benchmarks
        for stratum in paired_strata(
            benchmark,
            candidate[benchmark.name],
            reference[benchmark.name],
            policy.margin,
            partial(_members, fields=named_fields(benchmark)),
        )
    ]
    if not strata:
        return []
    adjusted, gathered = adjusted_p_values(strata, policy, rng)
    lost = np.flatnonzero(adjusted <= policy.alpha)
    suspected = np.flatnonzero((gathered <= MAX_P_GATHERED) & (adjusted > policy.alpha))
    outcome: CheckOutcome = "failed" if len(lost) else "undecided" if len(suspected) else "passed"
    named = [f"{strata[row]}, adjusted {state_p_value(adjusted[row])}" for row in lost]
    named += [
        f"{strata[row]}: {len(strata[row].lost)} of the {strata[row].n_losses} losses, too few "
        "items to tell; add items of this stratum"
        for row in suspected
    ]
    if not named:
        named = [f"largest loss: {min(strata, key=lambda stratum: stratum.mean)}"]
    more = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    least = ceil(log2(1 / policy.alpha))
    n_small = sum(len(stratum.differences) < least for stratum in strata)
    small = f"; {n_small} strata of fewer than {least} items can't prove a loss" if n_small else ""
    return [
        GateCheck(
            "no stratum lost",
            outcome,
            "; ".join(named[:_NAMED]) + more + small,
            f"no loss of more than {100 * policy.margin:g} points against the {reference_name} in "
            f"any of {len(strata)} strata, p <= {policy.alpha:g} after Tarone",
            code="strata",
        )
    ]


def adjusted_p_values(
    strata: Sequence[Stratum],
    policy: Gates,
    rng: np.random.Generator,
    max_p_of_suspicion: float = MAX_P_OF_SUSPICION,
) -> tuple[Values, Values]:
    """Return the adjusted p-values of losses, ``[m]``, and of gathered losses, ``[m]``.

    Only a loss of more than the margin is tested, and only where its own p-value is small whether
    losses gather; the others have 1.
    """
    own = np.array(
        [stratum.p_value(rng) if stratum.mean < -policy.margin else 1.0 for stratum in strata]
    )
    adjusted = tarone(own, np.array([stratum.attainable for stratum in strata]), policy.alpha)
    n_items, n_losses, sizes, here = np.array(
        [(s.n_items, s.n_losses, len(s.differences), len(s.lost)) for s in strata]
    ).T
    law = stats.hypergeom(n_items, n_losses, sizes)
    suspected = (own <= max_p_of_suspicion) & (sizes < MIN_ITEMS)
    p_gathered = np.where(suspected, law.sf(here - 1), 1.0)
    gathered = tarone(p_gathered, law.sf(np.minimum(n_losses, sizes) - 1), MAX_P_GATHERED)
    return adjusted, gathered


def named_fields(benchmark: Benchmark) -> Mapping[str, None]:
    """Return the fields that name a benchmark's strata."""
    return dict.fromkeys(("task_type", *benchmark.plan.stratify_by))


def paired_strata(
    benchmark: Benchmark,
    candidate: Sequence[ItemScore],
    reference: Sequence[ItemScore],
    margin: float,
    members: Members,
) -> Iterator[Stratum]:
    """Yield the strata of old items and of all, by each metric, each set of items once."""
    by_id = {score.item.id: score for score in reference}
    for metric in benchmark.metrics:
        pairs = [
            (score, by_id[score.item.id])
            for score in candidate
            if metric.name in score.values and metric.name in by_id[score.item.id].values
        ]
        known: set[tuple[int, ...]] = set()
        for split in ("old", "all"):
            rows = [row for row, (a, _) in enumerate(pairs) if split in ("all", a.item.split)]
            if not rows:
                continue
            known.add(tuple(rows))  # the total has checks of its own
            differences = _differences(metric, pairs)
            n_losses = int((differences[rows] < -margin).sum())
            for name, own_rows in members([score for score, _ in pairs], rows):
                if own_rows in known:
                    continue
                known.add(own_rows)
                own = differences[list(own_rows)]
                yield Stratum(
                    f"{benchmark.name}, {metric.name}, {name}, {split} items",
                    own,
                    metric.kind == "binary",
                    len(rows),
                    n_losses,
                    tuple(pairs[row][0].item.id for row in own_rows if differences[row] < -margin),
                )


def _members(
    scores: Sequence[ItemScore], rows: Sequence[int], fields: Mapping[str, None]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for field in fields:
        if field == "split":
            continue
        by_value: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            if value := scores[row].item.stratum_of(field):
                by_value[value].append(row)
        yield from ((f"{field}={value}", tuple(by_value[value])) for value in sorted(by_value))


def _differences(metric: Metric, pairs: Sequence[tuple[ItemScore, ItemScore]]) -> Values:
    first, second = (
        goodness(metric, np.array([pair[side].values[metric.name] for pair in pairs]))
        for side in (0, 1)
    )
    return first - second
