"""The error rate of the traffic, from the control slice alone.

Each item stands for ``1 / control_probability`` exchanges. Within a batch items are weighted by
that (Hájek's estimator), and count as their effective number (Kish) in the intervals; batches count
by their number of items. Where all weights of a batch are equal, that is plain counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.review.intervals import newcombe, one_sided, two_sided, wilson
from monitor.store.review_items import ItemRow
from monitor.store.reviews import GoldRow

#: Confidence of the intervals that are shown, whatever the decision asks for.
SHOWN = 0.95

#: A weight that differs by less is 1: the items of a batch are drawn to weigh the same.
ROUNDING = 1e-9


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
    #: ``n`` and ``errors`` as a simple random sample of the same precision would have them.
    effective_n: float
    effective_errors: float

    @property
    def missing_share(self) -> float:
        """Share of the items to be judged that is not decided; 1 where there is none."""
        wanted = self.n_drawn - self.n_excluded
        return 1 - self.n / wanted if wanted else 1.0


@dataclass(frozen=True)
class RateEstimate:
    """An error rate with its 95% interval (Wilson)."""

    errors: float
    n: float
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
    errors = sum(row.verdict != "accept" for row in decided)
    effective_n: float = len(decided)
    effective_errors: float = errors
    weights = _weights(decided)
    if len(set(weights)) > 1:
        wrong = (w for w, row in zip(weights, decided, strict=True) if row.verdict != "accept")
        effective_n = sum(weights) ** 2 / sum(weight**2 for weight in weights)
        effective_errors = sum(wrong) / sum(weights) * effective_n
    return ControlSlice(
        n_drawn=len(control),
        n_excluded=sum(item.status == "excluded" for item in control),
        n=len(decided),
        errors=errors,
        effective_n=effective_n,
        effective_errors=effective_errors,
    )


def _weights(decided: Sequence[GoldRow]) -> list[float]:
    """Return what each item stands for, 1 on average over the items of its batch."""
    by_batch: dict[int, list[float]] = {}
    for row in decided:
        by_batch.setdefault(row.batch_id, []).append(1.0 / row.control_probability)
    mean = {batch: sum(own) / len(own) for batch, own in by_batch.items()}
    weights = [1.0 / (row.control_probability * mean[row.batch_id]) for row in decided]
    return [1.0 if abs(weight - 1.0) < ROUNDING else weight for weight in weights]


def estimate_rate(errors: float, n: float) -> RateEstimate:
    """Return the rate of ``errors`` in ``n``, at least 1, with its interval."""
    lower, upper = wilson(errors, n, two_sided(SHOWN))
    return RateEstimate(errors=errors, n=n, rate=errors / n, lower=lower, upper=upper)


def estimate_rise(errors: float, n: float, errors0: float, n0: float, confidence: float) -> Rise:
    """Return how much the rate exceeds that at launch."""
    lower, upper = newcombe(errors, n, errors0, n0, two_sided(SHOWN))
    bound, _ = newcombe(errors, n, errors0, n0, one_sided(confidence))
    return Rise(difference=errors / n - errors0 / n0, lower=lower, upper=upper, bound=bound)
