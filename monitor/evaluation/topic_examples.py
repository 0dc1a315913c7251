"""What evaluations quote of exchanges: redacted, short, and beside what the baseline answered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitor.drift.result import Cluster
from monitor.evaluation.window import Window
from monitor.report.excerpts import excerpt
from monitor.store.assessment import Example, Quote
from monitor.traffic.redaction import Redactor

Side = Literal["prompts", "answers"]

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
    quoted = quote(prompt, response if side == "answers" else "", redactor)
    return Example(prompt=quoted.prompt, response=quoted.response)


@dataclass(frozen=True)
class Quoter:
    """Quotes exchanges of a window."""

    reference: Window
    current: Window
    #: Replaces personal data, whatever was done when it was stored.
    redactor: Redactor = BUILT_IN_FORMS

    def of_cluster(self, cluster: Cluster, side: Side) -> tuple[Example, ...]:
        """Return distinct examples of a cluster, the medoid first, then spread over it."""
        others = [row for row in cluster.members if row != cluster.medoid]
        step = max(1, len(others) // (4 * MAX_EXAMPLES))
        return self._distinct([cluster.medoid, *others[::step], *others], side)

    def foreign(
        self, novelty: NDArray[np.float64], cluster: NDArray[np.int64], side: Side
    ) -> tuple[Example, ...]:
        """Return the most foreign exchanges that lie in no topic.

        Args:
            novelty: ``[n_current]``, of the prompts or of the answers.
            cluster: ``[n_current]``: the topic of each exchange, -1 for none.
            side: What drifted.
        """
        ranked = np.argsort(-novelty, kind="stable")
        return self._distinct((row for row in ranked if cluster[row] < 0), side)

    def _distinct(self, rows: Iterable[int], side: Side) -> tuple[Example, ...]:
        found: dict[Example, int] = {}
        for row in map(int, rows):
            prompt, response = self.current.prompts[row], self.current.responses[row]
            example = example_of(prompt, response, side, self.redactor)
            if example.prompt or example.response:
                found.setdefault(example, row)
            if len(found) == MAX_EXAMPLES:
                break
        if side == "prompts" or not found:
            return tuple(found)
        return tuple(
            replace(example, before=before)
            for example, before in zip(found, self._before(list(found.values())), strict=True)
        )

    def _before(self, rows: Sequence[int]) -> list[Quote | None]:
        """Return for each exchange the one of the baseline that was asked most alike."""
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
        return [
            quote(self.reference.prompts[row], self.reference.responses[row], self.redactor)
            for row in nearest.tolist()
        ]
