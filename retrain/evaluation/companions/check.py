"""Check of the flaws that metrics of words ignore, against the incumbent's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Gates
from monitor.statistics.intervals import clopper_pearson, mcnemar_p_value
from monitor.statistics.multiplicity import holm
from monitor.store.training.candidate_results import GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.companions.flaws import OVERLAP, flaws_of
from retrain.evaluation.companions.texts import has_most_words
from retrain.evaluation.metrics.overlap import EXACT_MATCH
from retrain.evaluation.metrics.scoring import ItemScore, Scores

#: Share of a metric's gain that responses with a flaw more may make up.
MAX_SHARE_OF_GAIN = 0.5
#: Fewer right responses of the reference show no share of flaws in them.
LEAST_RIGHT = 10
_NAMED = 3
_QUOTED = 3


@dataclass(frozen=True)
class Excess:
    """The responses with a flaw on a split, by candidate and reference."""

    #: Such as ``calls, old items: missing numbers of the reference answer``.
    name: str
    ids: Sequence[str]
    #: Whether a response has the flaw, ``[n]`` each.
    candidate: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    #: Whether a response has most of the reference answer's words, ``[n]`` each.
    candidate_right: NDArray[np.bool_]
    reference_right: NDArray[np.bool_]
    #: The largest gain by a metric that ignores the flaw.
    gain: float

    @property
    def value(self) -> float:
        """How much larger the candidate's share is."""
        return float(self.candidate.mean() - self.reference.mean())

    def p_value(self, margin: float) -> float:
        """Return the p-value that the candidate has no more; 1 for a negligible excess."""
        if self.value <= max(margin, MAX_SHARE_OF_GAIN * self.gain) or self._is_usual(margin):
            return 1.0
        more = int((self.candidate & ~self.reference).sum())
        return mcnemar_p_value(more, int((self.reference & ~self.candidate).sum()))

    def _is_usual(self, margin: float) -> bool:
        """Return whether right responses have it as often as the reference's, which are fewer."""
        own, other = self.candidate & self.candidate_right, self.reference & self.reference_right
        if 2 * own.sum() < self.candidate.sum() or self.reference_right.sum() < LEAST_RIGHT:
            return False
        # The upper limit: the reference's right responses are few.
        _, usual = clopper_pearson(int(other.sum()), int(self.reference_right.sum()))
        return bool(own.sum() <= (usual + margin) * self.candidate_right.sum())

    def __str__(self) -> str:
        rows = np.flatnonzero(self.candidate & ~self.reference)[:_QUOTED]
        named = ", ".join(self.ids[row] for row in rows)
        return (
            f"{self.name}: in {int(self.candidate.sum())} of {len(self.ids)} responses, the "
            f"reference's in {int(self.reference.sum())}{named and f' ({named})'}"
        )


def check_companions(
    benchmarks: Sequence[Benchmark],
    candidate: Scores,
    reference: Scores,
    policy: Gates,
    *,
    reference_name: str,
) -> list[GateCheck]:
    """Check that the candidate has no flaw in more responses than the reference.

    A flaw makes the check undecided if its excess on new or old items is larger than the margin and
    than half of the gain by a metric that ignores it, and significant after Holm over all flaws;
    not where right responses have it as often, and there are only more of these.
    Without metrics of overlap, only a check that is undecided is returned.
    """
    excesses = [
        excess
        for benchmark in benchmarks
        for excess in _excesses(benchmark, candidate[benchmark.name], reference[benchmark.name])
    ]
    adjusted = holm([excess.p_value(policy.margin) for excess in excesses])
    named = [str(excesses[row]) for row in np.argsort(adjusted) if adjusted[row] <= policy.alpha]
    if named:
        remaining = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        observed = "; ".join(named[:_NAMED]) + remaining
    elif excesses and any(m.name in OVERLAP for b in benchmarks for m in b.metrics):
        largest = max(excesses, key=lambda excess: excess.value)
        observed = (
            f"largest excess: {largest}; a fact that is wrong in the right words may stay unseen: "
            "judged_score sees more"
        )
    else:
        return []
    return [
        GateCheck(
            "right in more than words",
            "undecided" if named else "passed",
            observed,
            f"none of {len(excesses)} flaws in more responses than the {reference_name}'s, by "
            f"{100 * policy.margin:g} points and half of the gain, p <= {policy.alpha:g} after "
            "Holm; read the responses, or have them rated (human_eval)",
            code="companions",
        )
    ]


def _excesses(
    benchmark: Benchmark, candidate: Sequence[ItemScore], reference: Sequence[ItemScore]
) -> Iterator[Excess]:
    by_id = {score.item.id: score for score in reference}
    flaws = list(flaws_of(benchmark.items, benchmark.metrics))
    for split in ("new", "old"):
        own = [score for score in candidate if score.item.split == split]
        if not own:
            continue
        paired = [by_id[score.item.id] for score in own]
        has_words, pair_has_words = (
            np.array([has_most_words(s.item.expected or "", s.response) for s in scores])
            for scores in (own, paired)
        )
        for flaw in flaws:
            matches = flaw.find(own)
            rows = np.flatnonzero(~np.isnan(matches))
            if rows.size:
                counts = (matches == 1) & (has_words | (not flaw.hides))
                yield Excess(
                    f"{benchmark.name}, {split} items, {flaw.name}",
                    [own[row].item.id for row in rows],
                    counts[rows],
                    flaw.find(paired)[rows] == 1,
                    has_words[rows],
                    pair_has_words[rows],
                    _gain([(own[row], paired[row]) for row in rows]),
                )


def _gain(pairs: Sequence[tuple[ItemScore, ItemScore]]) -> float:
    """Return the largest mean difference by a metric that compares with the reference answer."""
    means = [0.0]
    for metric in (*OVERLAP, EXACT_MATCH.name):
        scored = [(a, b) for a, b in pairs if metric in a.values and metric in b.values]
        if scored:
            means.append(float(np.mean([a.values[metric] - b.values[metric] for a, b in scored])))
    return max(means)
