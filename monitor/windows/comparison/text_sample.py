"""Sample of a large window's exchanges whose texts are described and whose responses are compared.

Descriptors take a third of a millisecond for each exchange, and the test of responses keeps some
kilobytes of each. In a uniform sample of 50,000 the standard error of a share of 1% is 0.04 points.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult, SampleDesign
from monitor.drift.samples.spread import spread_rows
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_comparison import NumericColumn

#: Exchanges of a side that are sampled.
MAX_SAMPLED = 50_000


@dataclass(frozen=True)
class TextSample:
    """The sampled rows of both sides; ``None`` stands for all rows."""

    reference: NDArray[np.int64] | None
    current: NDArray[np.int64] | None
    n_current: int

    @classmethod
    def draw(cls, n_reference: int, n_current: int, rng: np.random.Generator) -> "TextSample":
        """Draw a uniform sample of each side that has more than ``MAX_SAMPLED`` exchanges."""
        return cls(sample_rows(n_reference, rng), sample_rows(n_current, rng), n_current)

    @property
    def is_whole(self) -> bool:
        """Return whether all exchanges of both sides are in the sample."""
        return self.reference is None and self.current is None

    def exchanges(self, reference: Exchanges, current: Exchanges) -> tuple[Exchanges, Exchanges]:
        """Return the sampled exchanges of both sides."""
        return (
            reference if self.reference is None else reference.take(self.reference),
            current if self.current is None else current.take(self.current),
        )

    def of_all_rows(self, column: NumericColumn, n_reference: int) -> NumericColumn:
        """Return a column of the sampled exchanges as one of all, NaN elsewhere."""
        return replace(
            column,
            reference=_spread(column.reference, self.reference, n_reference),
            current=_spread(column.current, self.current, self.n_current),
        )

    def design(self, design: SampleDesign | None) -> SampleDesign | None:
        """Return the design of the sampled exchanges."""
        if design is None:
            return None
        return SampleDesign(
            weights=_select(design.weights, self.current),
            reference_comparable=_select(design.reference_comparable, self.reference),
            current_comparable=_select(design.current_comparable, self.current),
        )

    def expand(self, result: DriftResult) -> DriftResult:
        """Return a result whose rows are those of the whole window; others have no novelty."""
        rows = self.current
        if rows is None:
            return result
        novelty = np.zeros(self.n_current)
        novelty[rows] = result.novelty
        clusters = tuple(cluster.at_rows(rows) for cluster in result.clusters)
        return replace(result, novelty=novelty, clusters=clusters)


def sample_rows(n: int, rng: np.random.Generator) -> NDArray[np.int64] | None:
    """Return a sample of n rows, in order; ``None``: all, as there are few."""
    if n <= MAX_SAMPLED:
        return None
    return np.sort(rng.choice(n, MAX_SAMPLED, replace=False)).astype(np.int64)


def _spread(
    values: NDArray[np.float64], rows: NDArray[np.int64] | None, n: int
) -> NDArray[np.float64]:
    return values if rows is None else spread_rows(values, rows, n)


def _select(values: NDArray[Any], rows: NDArray[np.int64] | None) -> NDArray[Any]:
    return values if rows is None else values[rows]
