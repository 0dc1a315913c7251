"""Comparison of a probe run with the reference runs of the version that serves.

A change is measured against two kinds of noise: that between the reference runs, and that between
the two passes of the run itself. See docs/explanation/probes.md.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, combinations
from statistics import fmean, pvariance, stdev

from scipy.stats import t as student_t

#: Item -> the responses of one run, one a pass.
Responses = Mapping[str, Sequence[str]]

#: Least change that is suspicious, as a share of the largest possible distance.
MIN_CHANGE = 0.05
#: Standard errors of the noise of the items that a change must exceed.
ERRORS = 5.0
#: Probability, at each run, that the load of the server alone exceeds the threshold.
LOAD_LEVEL = 2e-4
#: Least share of responses that are taken to flip by chance: no reference shows that none does.
MIN_FLIPS = 0.01
#: Fewer reference runs don't show how much runs differ: the threshold is the next one then.
SPREAD_RUNS = 3
EARLY_THRESHOLD = 0.3
#: Least number of items that both sides have, and least share of the reference's items.
MIN_ITEMS, MIN_COVERAGE = 10, 0.5
#: Variance of a distance that is 0.75 with a probability of ``MIN_FLIPS``.
_LEAST_VARIANCE = 0.75**2 * MIN_FLIPS
_GRAM = 3


@dataclass(frozen=True)
class Difference:
    """An item whose responses differ from the reference."""

    item: str
    #: Its distance to the nearest reference response, beyond that of the reference runs.
    excess: float
    #: The reference response that is nearest.
    reference: str
    #: The present response.
    response: str


@dataclass(frozen=True)
class ProbeComparison:
    """The change of a run against a reference."""

    #: Mean distance beyond the noise, at most 1; 0 where nothing has changed.
    change: float
    #: The change that is suspicious.
    threshold: float
    #: Mean distance of the responses to the nearest of the reference.
    distance: float
    #: The same of each reference run to the others.
    reference_noise: float
    #: Mean distance between the passes of the run.
    own_noise: float
    #: Number of items compared.
    n_items: int
    #: The items that differ, the largest first.
    differences: tuple[Difference, ...] = ()

    @property
    def is_suspicious(self) -> bool:
        """Whether the change reaches the threshold."""
        return self.change >= self.threshold


@dataclass
class _Item:
    """The reference responses of an item."""

    #: By run.
    runs: list[Sequence[str]]
    noise: float = 0.0
    variance: float = 0.0
    #: Response -> distance to the nearest reference response.
    distances: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.runs) == 1:  # only its passes show its noise
            pairs = [distance(a, b) for a, b in combinations(self.runs[0], 2)]
            self.noise, self.variance = fmean(pairs) if pairs else 0.0, 0.0
            return
        novelties = []
        for run in self.runs:
            known = [text for other in self.runs if other is not run for text in other]
            novelties += [_distance_to_nearest(text, known) for text in run]
        self.noise = fmean(novelties)
        self.variance = pvariance(novelties)

    def distance_of(self, text: str) -> float:
        """Return the distance of a response to the nearest reference response."""
        known = self.distances.get(text)
        if known is None:
            known = _distance_to_nearest(text, list(chain.from_iterable(self.runs)))
            self.distances[text] = known
        return known

    def nearest(self, text: str) -> str:
        """Return the reference response that is nearest to a response."""
        return min((other for run in self.runs for other in run), key=lambda b: distance(text, b))


class Reference:
    """The reference runs of a version."""

    def __init__(self, runs: Sequence[Responses]) -> None:
        self.n_runs = len(runs)
        by_item: dict[str, list[Sequence[str]]] = {}
        for run in runs:
            for item, texts in run.items():
                if texts:
                    by_item.setdefault(item, []).append(texts)
        self._items = {item: _Item(by_run) for item, by_run in by_item.items()}
        self._runs = runs

    @cached_property
    def load_threshold(self) -> float:
        """The change by which a busier server differs, from the reference runs themselves.

        Each is compared with the others; the bound is that of one more such run.
        """
        if self.n_runs < SPREAD_RUNS:
            return EARLY_THRESHOLD
        changes = [
            Reference([x for x in self._runs if x is not run]).change_of(run) for run in self._runs
        ]
        n = len(changes)
        error = stdev(changes) * math.sqrt(1 + 1 / n)
        return fmean(changes) + float(student_t.ppf(1 - LOAD_LEVEL, n - 1)) * error

    def compare(self, run: Responses, *, n_differences: int = 0) -> ProbeComparison | None:
        """Compare a run with the reference; ``None``: there is not enough to compare.

        At most ``n_differences`` differing items are returned.
        """
        common = [item for item in self._items if run.get(item)]
        if len(common) < MIN_ITEMS or len(common) < MIN_COVERAGE * len(self._items):
            return None
        n = len(common)
        excess, noise, own, distances = self._measure(run, common)
        variance = sum(max(self._items[item].variance, _LEAST_VARIANCE) for item in common) / n**2
        error = math.sqrt(variance * (1 + 1 / self.n_runs))
        return ProbeComparison(
            change=excess,
            threshold=max(MIN_CHANGE, ERRORS * error, self.load_threshold),
            distance=fmean(distances.values()),
            reference_noise=noise,
            own_noise=own,
            n_items=n,
            differences=self._differences(run, distances, n_differences),
        )

    def _measure(
        self, run: Responses, common: Sequence[str]
    ) -> tuple[float, float, float, dict[str, float]]:
        """Return the change, the reference's noise, the run's own noise, and each distance."""
        distances = {i: fmean(map(self._items[i].distance_of, run[i])) for i in common}
        noise = fmean(self._items[item].noise for item in common)
        repeated = [i for i in common if len(run[i]) > 1]
        own = [fmean(distance(a, b) for a, b in combinations(run[i], 2)) for i in repeated]
        change = fmean(distances.values()) - noise
        if repeated:
            # A busy server flips more responses than it did for the reference, but then its two
            # passes differ more from each other than from the reference.
            change += min(0.0, fmean(distances[i] for i in repeated) - fmean(own))
        return change, noise, fmean(own) if own else 0.0, distances

    def change_of(self, run: Responses) -> float:
        """Return the change of a run; 0 without a common item."""
        common = [item for item in self._items if run.get(item)]
        return self._measure(run, common)[0] if common else 0.0

    def _differences(
        self, run: Responses, distances: Mapping[str, float], n: int
    ) -> tuple[Difference, ...]:
        excess = {item: d - self._items[item].noise for item, d in distances.items()}
        largest = sorted(excess, key=lambda item: (-excess[item], item))[:n]
        return tuple(
            Difference(item, excess[item], self._items[item].nearest(run[item][0]), run[item][0])
            for item in largest
            if excess[item] > 0
        )


def _distance_to_nearest(text: str, texts: Sequence[str]) -> float:
    # Most responses are repeated word for word.
    return 0.0 if text in texts else min(distance(text, known) for known in texts)


def distance(first: str, second: str) -> float:
    """Return the distance of two texts: 0 for equal ones, else 1/2 to 1 by common trigrams.

    Half of the distance is that they differ at all, as labels and numbers have few characters;
    the other half is the Sorensen-Dice distance of their character trigrams. White space at the
    ends and its amount don't count.

    >>> distance("Blocked.", " Blocked. "), distance("abc", "xyz")
    (0.0, 1.0)
    """
    if first == second:
        return 0.0
    first, second = " ".join(first.split()), " ".join(second.split())
    if first == second:
        return 0.0
    a, b = _grams(first), _grams(second)
    common = sum((a & b).values())
    return 1.0 - common / (a.total() + b.total())


def _grams(text: str) -> Counter[str]:
    padded = f"  {text} "
    return Counter(padded[i : i + _GRAM] for i in range(len(padded) - _GRAM + 1))
