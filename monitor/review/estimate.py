"""The error rate of the traffic, from the uniform control slice alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.intervals import newcombe, one_sided, two_sided, wilson
from monitor.store.review_items import ItemRow
from monitor.store.reviews import GoldRow

#: Confidence of the intervals that are shown, whatever the decision asks for.
SHOWN = 0.95


@dataclass(frozen=True)
class ControlSlice:
    """How far the control slice of some batches has come."""

    #: Items drawn.
    n_drawn: int
    #: Taken out because they were flagged: not part of the traffic that is judged.
    n_excluded: int
    #: Decided: gold.
    n: int
    #: Decided, and the response was not accepted.
    errors: int

    @property
    def missing_share(self) -> float:
        """Share of the items to be judged that is not decided; 1 where there is none."""
        wanted = self.n_drawn - self.n_excluded
        return 1 - self.n / wanted if wanted else 1.0


@dataclass(frozen=True)
class RateEstimate:
    """An error rate with its 95% interval (Wilson)."""

    errors: float
    n: int
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Rise:
    """The change of the error rate since launch."""

    difference: float
    #: 95% interval (Newcombe).
    lower: float
    upper: float
    #: One-sided lower bound at the confidence that the decision asks for.
    bound: float


def control_slice(items: Sequence[ItemRow], gold: Sequence[GoldRow]) -> ControlSlice:
    """Count the control slice of some batches."""
    control = [item for item in items if item.slice == "control"]
    decided = [row for row in gold if row.slice == "control"]
    return ControlSlice(
        n_drawn=len(control),
        n_excluded=sum(item.status == "excluded" for item in control),
        n=len(decided),
        errors=sum(row.verdict != "accept" for row in decided),
    )


def estimate_rate(errors: float, n: int) -> RateEstimate:
    """Return the rate of ``errors`` in ``n``, at least 1, with its interval."""
    lower, upper = wilson(errors, n, two_sided(SHOWN))
    return RateEstimate(errors=errors, n=n, rate=errors / n, lower=lower, upper=upper)


def estimate_rise(errors: float, n: int, errors0: float, n0: int, confidence: float) -> Rise:
    """Return how much the rate exceeds that at launch."""
    lower, upper = newcombe(errors, n, errors0, n0, two_sided(SHOWN))
    bound, _ = newcombe(errors, n, errors0, n0, one_sided(confidence))
    return Rise(difference=errors / n - errors0 / n0, lower=lower, upper=upper, bound=bound)
