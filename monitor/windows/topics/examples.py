"""Examples: exchanges quoted redacted and short, responses next to the baseline's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitor.descriptors import are_withheld
from monitor.drift.result import Cluster
from monitor.rendering.excerpts import excerpt
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Example, Quote
from monitor.traffic.redaction import Redactor

Side = Literal["prompts", "responses"]

MAX_EXAMPLES = 5

#: The built-in redaction patterns, where none are configured.
BUILT_IN_FORMS = Redactor()

#: Vectors of the baseline compared at a time.
CHUNK = 8192


def quote(prompt: str, response: str, redactor: Redactor) -> Quote:
    """Return the quote of an exchange: redacted, then truncated."""
    return Quote(
        prompt=excerpt(redactor.redact(prompt)), response=excerpt(redactor.redact(response))
    )


def example_of(prompt: str, response: str, side: Side, redactor: Redactor) -> Example:
    """Return an exchange as an example of drifted prompts or responses."""
    quoted = quote(prompt, response if side == "responses" else "", redactor)
    return Example(prompt=quoted.prompt, response=quoted.response)


@dataclass(frozen=True)
class NearestPrompts:
    """The most similar prompts of the baseline."""

    #: int64 ``[k]``: rows of the baseline.
    rows: NDArray[np.int64]
    #: float32 ``[k]``: cosines.
    similarity: NDArray[np.float32]


@dataclass(frozen=True)
class Quoter:
    """Quotes exchanges of a window and of its baseline."""

    reference: Exchanges
    current: Exchanges
    #: Redacts personal data, whatever was redacted when the exchanges were stored.
    redactor: Redactor = BUILT_IN_FORMS
    #: Both sides with the texts that name topics, such as without a template; ``None``: as quoted.
    named: tuple[Exchanges, Exchanges] | None = None

    def swap_sides(self) -> "Quoter":
        """Return a quoter whose window is the baseline."""
        named = None if self.named is None else (self.named[1], self.named[0])
        return Quoter(self.current, self.reference, self.redactor, named)

    def of_cluster(
        self, cluster: Cluster, side: Side, novelty: NDArray[np.float64]
    ) -> tuple[Example, ...]:
        """Return distinct examples of what changed in a cluster, of different end users first.

        A cluster has exchanges that the baseline has, too. Of the half that is least like the
        baseline, and of five at least, the newest come first; where times are unknown, those least
        like it.

        ``novelty``, ``[n_current]``, is that of the prompts or of the responses.
        """
        # Of equally novel ones the later.
        ranked = cluster.members[np.lexsort((-cluster.members, -novelty[cluster.members]))]
        chosen = ranked[: max(MAX_EXAMPLES, (len(ranked) + 1) // 2)]
        if self.current.occurred_at:
            chosen = np.array(
                sorted(chosen.tolist(), key=lambda row: self.current.occurred_at[row], reverse=True)
            )
        return self._distinct(self._by_end_user(chosen), side)

    def _by_end_user(self, rows: NDArray[np.int64]) -> list[int]:
        """Return rows in their order, the first of each end user before all others."""
        seen: set[str] = set()
        first: list[int] = []
        repeated: list[int] = []
        for row in map(int, rows):
            user = self.current.end_users[row]
            (repeated if user and user in seen else first).append(row)
            seen.add(user)
        return [*first, *repeated]

    def outliers(
        self, novelty: NDArray[np.float64], cluster: NDArray[np.int64], side: Side
    ) -> tuple[Example, ...]:
        """Return the exchanges of highest novelty outside the topics, without unchanged responses.

        Novelty counts the window's exchanges that are at least as far from the baseline, so that
        drift in a topic raises it outside the topics, too. A response identical to that of the most
        similar prompt of the baseline is no example of drift, and is not replaced by one of lower
        novelty.

        ``novelty``, ``[n_current]``, is that of the prompts or of the responses; ``cluster`` is the
        topic of each exchange, -1 for none.
        """
        ranked = np.argsort(-novelty, kind="stable")
        rows = self._distinct_rows((row for row in ranked if cluster[row] < 0), side)
        if side == "responses":
            rows = {example: row for example, row in rows.items() if self._is_changed(row)}
        return self._quote(rows, side)

    def _is_changed(self, row: int) -> bool:
        nearest = self.nearest_prompts([row])
        return (
            nearest is None
            or self.current.responses[row] != self.reference.responses[nearest.rows[0]]
        )

    def _distinct(self, rows: Iterable[int], side: Side) -> tuple[Example, ...]:
        return self._quote(self._distinct_rows(rows, side), side)

    def _distinct_rows(self, rows: Iterable[int], side: Side) -> dict[Example, int]:
        examples: dict[Example, int] = {}
        for row in map(int, rows):
            prompt, response = self.current.prompts[row], self.current.responses[row]
            example = example_of(prompt, response, side, self.redactor)
            if example.prompt or example.response:
                examples.setdefault(example, row)
            if len(examples) == MAX_EXAMPLES:
                break
        return examples

    def _quote(self, rows: Mapping[Example, int], side: Side) -> tuple[Example, ...]:
        if side == "prompts" or not rows:
            return tuple(rows)
        nearest = self.nearest_prompts(list(rows.values()))
        if nearest is None:
            return tuple(rows)
        return tuple(
            replace(example, baseline=self._baseline_quote(int(row)))
            for example, row in zip(rows, nearest.rows, strict=True)
        )

    def pair(self, row: int, reference_row: int) -> Example:
        """Return an exchange of the window, with one of the baseline."""
        example = example_of(
            self.current.prompts[row], self.current.responses[row], "responses", self.redactor
        )
        return replace(example, baseline=self._baseline_quote(reference_row))

    def _baseline_quote(self, row: int) -> Quote:
        return quote(self.reference.prompts[row], self.reference.responses[row], self.redactor)

    def nearest_prompts(self, rows: Sequence[int]) -> NearestPrompts | None:
        """Return, for each row, the baseline's row with a response and the most similar prompt.

        It is ``None`` where the baseline has no response, or its texts are withheld.
        """
        if are_withheld(self.reference.prompts):
            return None
        responded = np.flatnonzero(
            [bool(response.strip()) for response in self.reference.responses]
        )
        if not len(responded):
            return None
        prompts = self.current.prompt_vectors[rows].astype(np.float32)
        best = np.full(len(rows), -np.inf, dtype=np.float32)
        nearest = np.zeros(len(rows), dtype=np.int64)
        for first in range(0, len(responded), CHUNK):
            chunk = responded[first : first + CHUNK]
            similarity = prompts @ self.reference.prompt_vectors[chunk].astype(np.float32).T
            top = similarity.argmax(axis=1)
            value = similarity[np.arange(len(rows)), top]
            better = value > best
            best[better], nearest[better] = value[better], chunk[top[better]]
        return NearestPrompts(nearest, best)
