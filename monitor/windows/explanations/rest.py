"""The rest of a side without what explanations cover: rows, texts and vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult, SampleDesign
from monitor.explanations import RestTexts, TextSide
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.text_sample import sample_rows
from monitor.windows.comparison.window_comparison import ComparedSide
from monitor.windows.topics.examples import Side

#: Returns the vectors of texts, ``[n, d]``, by the encoder of both sides; may raise a ModelError.
Encode = Callable[[Sequence[str]], NDArray[np.floating]]


@dataclass(frozen=True)
class SampledSide:
    """A side whose texts are searched for explanations: all exchanges, or a sample of many.

    Of all exchanges, large end users included: thinned, a burst of one would not be seen.
    """

    side: ComparedSide
    #: int64: the sampled rows of the whole side.
    rows: NDArray[np.int64]
    exchanges: Exchanges

    @classmethod
    def draw(cls, side: ComparedSide, rng: np.random.Generator) -> "SampledSide":
        """Draw the sample of a side."""
        n = len(side.whole)
        rows = sample_rows(n, rng)
        if rows is None:
            return cls(side, np.arange(n, dtype=np.int64), side.whole)
        return cls(side, rows, side.whole.take(rows))

    def texts_of(self, kind: Side) -> TextSide:
        """Return the prompts, or the responses."""
        own = self.exchanges
        return TextSide(
            texts=own.prompts if kind == "prompts" else own.responses,
            end_users=own.end_users,
            times=own.occurred_at,
            weights=own.weights,
        )


@dataclass(frozen=True)
class RestSide:
    """The rest of a side."""

    #: int64 ``[k]``: rows of the compared exchanges.
    rows: NDArray[np.int64]
    #: int64 ``[k]``: rows of the sample.
    sampled: NDArray[np.int64]
    #: The exchanges of these rows, with texts and vectors without what was taken out.
    exchanges: Exchanges

    @classmethod
    def of(cls, side: SampledSide) -> "RestSide":
        """Return the compared exchanges of a sample."""
        compared = side.side.rows
        rows = np.flatnonzero(np.isin(compared, side.rows)).astype(np.int64)
        exchanges = side.side.compared
        return cls(
            rows,
            np.searchsorted(side.rows, compared[rows]),
            exchanges if len(rows) == len(compared) else exchanges.take(rows),
        )

    def take_out(self, changes: RestTexts, kind: Side, encode: Encode | None) -> "RestSide":
        """Return the rows that are left, with what was taken out of their texts.

        Raises:
            NoEncoderError: Texts changed, and there is no encoder.
            ModelError: The encoder cannot be loaded.
        """
        left = self.keep(changes.is_left[self.sampled])
        changed = np.flatnonzero(changes.is_changed[left.sampled])
        if not len(changed):
            return left
        if encode is None:
            raise NoEncoderError
        texts = [changes.texts[row] for row in left.sampled.tolist()]
        own = left.exchanges
        vectors = np.array(own.prompt_vectors if kind == "prompts" else own.response_vectors)
        vectors[changed] = encode([texts[row] for row in changed.tolist()])
        if kind == "prompts":
            return replace(left, exchanges=replace(own, prompts=texts, prompt_vectors=vectors))
        return replace(left, exchanges=replace(own, responses=texts, response_vectors=vectors))

    def keep(self, is_left: NDArray[np.bool_]) -> "RestSide":
        """Return some of the rows."""
        if is_left.all():
            return self
        left = np.flatnonzero(is_left)
        return RestSide(self.rows[left], self.sampled[left], self.exchanges.take(left))


class NoEncoderError(Exception):
    """Raised where texts are to be embedded again without an encoder."""


def select_design(
    design: SampleDesign | None, reference: RestSide, current: RestSide
) -> SampleDesign | None:
    """Return the design of the exchanges that are left."""
    if design is None:
        return None
    return SampleDesign(
        weights=design.weights[current.rows],
        reference_comparable=design.reference_comparable[reference.rows],
        current_comparable=design.current_comparable[current.rows],
    )


def expand(
    result: DriftResult, rest: tuple[RestSide, RestSide], novelty: NDArray[np.float64]
) -> DriftResult:
    """Return a result whose rows are those of the window and of its baseline.

    Exchanges that are set apart keep the novelty that they had, ``[n_current]``.
    """
    reference, current = rest
    of_all = novelty.copy()
    of_all[current.rows] = result.novelty
    return replace(
        result,
        novelty=of_all,
        clusters=tuple(cluster.at_rows(current.rows) for cluster in result.clusters),
        rarer_clusters=tuple(cluster.at_rows(reference.rows) for cluster in result.rarer_clusters),
    )


def rename(whole: Exchanges, rest: RestSide) -> Exchanges:
    """Return the exchanges of a side with the texts that are left, which name topics."""
    rows = rest.rows.tolist()
    return replace(
        whole,
        prompts=_OverlaidTexts(whole.prompts, rows, rest.exchanges.prompts),
        responses=_OverlaidTexts(whole.responses, rows, rest.exchanges.responses),
    )


class _OverlaidTexts(Sequence[str]):
    """Texts of which some are replaced; those of a large window stay on disk."""

    def __init__(self, texts: Sequence[str], rows: Sequence[int], left: Sequence[str]) -> None:
        self._texts = texts
        self._replaced = {
            row: text for row, text in zip(rows, left, strict=True) if text != texts[row]
        }

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> list[str]: ...

    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[at] for at in range(len(self))[row]]
        return self._replaced[row] if row in self._replaced else self._texts[row]
