"""What evaluations quote of exchanges: redacted, short, and beside what the baseline answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Example, Quote
from monitor.traffic.redaction import Redactor

Side = Literal["prompts", "responses"]

MAX_EXAMPLES = 5

#: What is replaced in examples where nothing else is configured.
BUILT_IN_FORMS = Redactor()

#: Vectors of the baseline that are compared at a time.
CHUNK = 8192


def quote(prompt: str, response: str, redactor: Redactor) -> Quote:
    """Return an exchange as it is quoted: redacted before it is cut."""
    return Quote(
        prompt=excerpt(redactor.redact(prompt)), response=excerpt(redactor.redact(response))
    )


def example_of(prompt: str, response: str, side: Side, redactor: Redactor) -> Example:
    """Return an exchange as an example of drifted prompts, or of drifted answers."""
    quoted = quote(prompt, response if side == "responses" else "", redactor)
    return Example(prompt=quoted.prompt, response=quoted.response)


@dataclass(frozen=True)
class Quoter:
    """Quotes exchanges of a window."""

    reference: Exchanges
    current: Exchanges
    #: Replaces personal data, whatever was done when it was stored.
    redactor: Redactor = BUILT_IN_FORMS

    def of_cluster(self, cluster: Cluster, side: Side) -> tuple[Example, ...]:
        """Return distinct examples of a cluster, the medoid first, then spread over it."""
        others = [row for row in cluster.members if row != cluster.medoid]
        step = max(1, len(others) // (4 * MAX_EXAMPLES))
        return self._distinct([cluster.medoid, *others[::step], *others], side)

    def outliers(
        self, novelty: NDArray[np.float64], cluster: NDArray[np.int64], side: Side
    ) -> tuple[Example, ...]:
        """Return the most foreign exchanges that lie in no topic, but no unchanged answers.

        How foreign an exchange is counts all of the window at least as far from the baseline, so
        that with the drift in a topic the farthest of the rest look foreign too. An answer that the
        most alike prompt of the baseline got to the letter is no example of drift; no less foreign
        one is quoted in its place.

        Args:
            novelty: ``[n_current]``, of the prompts or of the answers.
            cluster: ``[n_current]``: the topic of each exchange, -1 for none.
            side: What drifted.
        """
        ranked = np.argsort(-novelty, kind="stable")
        rows = self._distinct_rows((row for row in ranked if cluster[row] < 0), side)
        if side == "responses":
            rows = {example: row for example, row in rows.items() if self._is_changed(row)}
        return self._quote(rows, side)

    def _is_changed(self, row: int) -> bool:
        (nearest,) = self._most_alike([row])
        return nearest is None or self.current.responses[row] != self.reference.responses[nearest]

    def _distinct(self, rows: Iterable[int], side: Side) -> tuple[Example, ...]:
        return self._quote(self._distinct_rows(rows, side), side)

    def _distinct_rows(self, rows: Iterable[int], side: Side) -> dict[Example, int]:
        found: dict[Example, int] = {}
        for row in map(int, rows):
            prompt, response = self.current.prompts[row], self.current.responses[row]
            example = example_of(prompt, response, side, self.redactor)
            if example.prompt or example.response:
                found.setdefault(example, row)
            if len(found) == MAX_EXAMPLES:
                break
        return found

    def _quote(self, found: Mapping[Example, int], side: Side) -> tuple[Example, ...]:
        if side == "prompts" or not found:
            return tuple(found)
        return tuple(
            example if row is None else replace(example, baseline=self._quoted_of_baseline(row))
            for example, row in zip(found, self._most_alike(list(found.values())), strict=True)
        )

    def _quoted_of_baseline(self, row: int) -> Quote:
        return quote(self.reference.prompts[row], self.reference.responses[row], self.redactor)

    def _most_alike(self, rows: Sequence[int]) -> Sequence[int | None]:
        """Return for each exchange the row of the answered one of the baseline asked most alike."""
        answered = np.flatnonzero([bool(response.strip()) for response in self.reference.responses])
        if not len(answered):
            return [None] * len(rows)
        asked = self.current.prompt_vectors[rows].astype(np.float32)
        best = np.full(len(rows), -np.inf, dtype=np.float32)
        nearest = np.zeros(len(rows), dtype=np.int64)
        for first in range(0, len(answered), CHUNK):
            chunk = answered[first : first + CHUNK]
            likeness = asked @ self.reference.prompt_vectors[chunk].astype(np.float32).T
            top = likeness.argmax(axis=1)
            value = likeness[np.arange(len(rows)), top]
            better = value > best
            best[better], nearest[better] = value[better], chunk[top[better]]
        return [int(row) for row in nearest]
