"""Pairs of responses to similar prompts that show best what changed."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult
from monitor.drift.result import DescriptorChange
from monitor.store.windows.assessment import Example, Quote, ResponsePair
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.topics.examples import NearestPrompts, Quoter

#: Level of the descriptors that are shown, after adjustment for their number.
LEVEL = 0.05
MAX_DESCRIPTORS = 3
#: Pairs of a descriptor, and of the embedding.
PAIRS_EACH = 2
MAX_PAIRS = 6
#: Exchanges of the window that are looked at for each descriptor, and for the embedding.
CANDIDATES = 200
#: The strongest of them, among which those with the most similar prompts are shown.
SHORTLIST = 20


def select_pairs(
    quoter: Quoter, result: DriftResult, columns: Sequence[NumericColumn]
) -> tuple[ResponsePair, ...]:
    """Return the strongest examples of each descriptor that changed, and of the embedding.

    A pair is an exchange of the window and the exchange of the baseline with the most similar
    prompt. Of all candidates, the half with the more similar prompts counts.

    ``columns`` are the descriptors, with values for the exchanges of ``quoter``; NaN where unknown.
    """
    by_name = {column.name: column for column in columns if column.side == "response"}
    significant = [
        change
        for change in sorted(result.descriptors, key=lambda change: (change.p_value, change.name))
        if change.adjusted_p_value <= LEVEL and change.name in by_name
    ][:MAX_DESCRIPTORS]
    ranked = [
        _highest(_signed(by_name[change.name].current, change), result.novelty)
        for change in significant
    ]
    ranked.append(_highest(result.novelty, result.novelty))
    rows = np.unique(np.concatenate(ranked))
    nearest = quoter.nearest_prompts(rows.tolist()) if len(rows) else None
    if nearest is None:
        return ()
    candidates = _Candidates(quoter, rows, nearest)
    pairs: list[ResponsePair] = []
    taken = _Taken()
    for change in significant:
        column = by_name[change.name]
        strength = (
            _signed(column.current, change)[rows]
            - (_signed(column.reference, change)[nearest.rows])
        )
        for at, example in candidates.best(strength, taken):
            pairs.append(
                ResponsePair(
                    descriptor=change.name,
                    reference_value=float(column.reference[nearest.rows[at]]),
                    current_value=float(column.current[rows[at]]),
                    prompt_similarity=candidates.similarity(at),
                    example=example,
                )
            )
    for at, example in candidates.best(result.novelty[rows], taken):
        pairs.append(
            ResponsePair(
                descriptor="", prompt_similarity=candidates.similarity(at), example=example
            )
        )
    return tuple(pairs[:MAX_PAIRS])


class _Taken:
    """The exchanges of both sides that are shown already."""

    def __init__(self) -> None:
        self.current: set[Quote] = set()
        self.reference: set[Quote] = set()


class _Candidates:
    """Exchanges of the window, each with the baseline's exchange of the most similar prompt."""

    def __init__(self, quoter: Quoter, rows: NDArray[np.int64], nearest: NearestPrompts) -> None:
        self._quoter = quoter
        self._rows = rows
        self._nearest = nearest
        self._is_similar = nearest.similarity >= np.median(nearest.similarity)

    def similarity(self, at: int) -> float:
        """Return the cosine of the two prompts, which rounding may have put above 1."""
        return float(np.clip(self._nearest.similarity[at], -1.0, 1.0))

    def best(self, strength: NDArray[np.float64], taken: _Taken) -> Iterator[tuple[int, Example]]:
        """Yield the strongest candidates whose texts differ and aren't shown yet."""
        similarity = self._nearest.similarity
        eligible = np.flatnonzero(self._is_similar & (np.nan_to_num(strength, nan=0.0) > 0.0))
        order = eligible[np.lexsort((-similarity[eligible], -strength[eligible]))][:SHORTLIST]
        n_yielded = 0
        for at in order[np.argsort(-similarity[order], kind="stable")].tolist():
            example = self._quoter.pair(int(self._rows[at]), int(self._nearest.rows[at]))
            own = Quote(prompt=example.prompt, response=example.response)
            before = example.baseline
            if before is None or own.response == before.response:
                continue  # the change is not within what is quoted
            if own in taken.current or before in taken.reference:
                continue
            taken.current.add(own)
            taken.reference.add(before)
            yield at, example
            n_yielded += 1
            if n_yielded == PAIRS_EACH:
                return


def _signed(values: NDArray[np.float64], change: DescriptorChange) -> NDArray[np.float64]:
    """Return values that grow in the direction of the change, on the scale on which it is one."""
    scaled = np.log1p(np.maximum(values, 0.0)) if change.is_relative else values
    return np.asarray(scaled if change.change > 0.0 else -scaled)


def _highest(values: NDArray[np.float64], novelty: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of the highest values; of equal ones, the most novel first."""
    known = np.flatnonzero(np.isfinite(values))
    order = np.lexsort((-novelty[known], -values[known]))
    return known[order[:CANDIDATES]]
