"""Sampling frame of a window: its distinct texts with their shares of the traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.store.windows.sample_scores import SampleScores

#: The strata, in the order of novelty.
FAMILIAR: Final = 0
NOVEL: Final = 1
DRIFTED: Final = 2
STRATA: Final = (FAMILIAR, NOVEL, DRIFTED)

#: Share of the traffic outside the drifted clusters, the most novel, that makes the novel stratum.
NOVEL_SHARE = 0.10


@dataclass(frozen=True)
class Frame:
    """The ``m`` distinct texts of a window of ``N`` exchanges; arrays ``[m]`` unless noted."""

    #: Index of the exchange that represents the text, drawn in proportion to the traffic.
    exchange: NDArray[np.int64]
    #: Share of the window's traffic that has this text; they add up to 1.
    share: NDArray[np.float64]
    #: Of its most novel exchange.
    novelty: NDArray[np.float64]
    #: Drifted cluster; -1: none.
    cluster: NDArray[np.int64]
    #: One of :data:`STRATA`.
    stratum: NDArray[np.int64]
    #: Id of the item in which the text was queued earlier; -1: none.
    earlier_item: NDArray[np.int64]
    #: ``[N]``: the text of each exchange, as an index into the other arrays.
    text_of: NDArray[np.int64]
    #: ``[N]``: share of the traffic that each exchange represents.
    exchange_share: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.exchange)


def build_frame(
    scores: SampleScores,
    texts: Sequence[str],
    known: Mapping[str, int],
    rng: np.random.Generator,
) -> Frame:
    """Merge the exchanges of a window that have the same text.

    The scores are novelty, cluster and inclusion probability of each exchange, and ``texts`` each
    exchange's key of its text. ``known`` has, by text, the item in which it was queued earlier.
    ``rng`` chooses the exchange that represents a text.
    """
    ids: dict[str, int] = {}
    text_of = np.array([ids.setdefault(text, len(ids)) for text in texts], dtype=np.int64)
    weight = 1.0 / scores.inclusion_probability
    exchange_share = weight / weight.sum() if len(weight) else weight
    m = len(ids)
    share = np.bincount(text_of, weights=exchange_share, minlength=m).astype(np.float64)
    novelty = np.full(m, -np.inf)
    np.maximum.at(novelty, text_of, scores.novelty)
    cluster = np.full(m, -1, dtype=np.int64)
    np.maximum.at(cluster, text_of, scores.cluster)
    # The least of exponential variables with the weights as rates: a draw in proportion to them.
    clock = rng.exponential(size=len(weight)) / weight
    order = np.lexsort((clock, text_of))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(text_of[order]) > 0
    return Frame(
        exchange=order[first],
        share=share,
        novelty=novelty,
        cluster=cluster,
        stratum=_strata(share, novelty, cluster),
        earlier_item=np.array([known.get(text, -1) for text in ids], dtype=np.int64),
        text_of=text_of,
        exchange_share=exchange_share,
    )


def _strata(
    share: NDArray[np.float64], novelty: NDArray[np.float64], cluster: NDArray[np.int64]
) -> NDArray[np.int64]:
    stratum = np.where(cluster >= 0, DRIFTED, FAMILIAR)
    undrifted = np.flatnonzero(cluster < 0)
    by_novelty = undrifted[np.argsort(-novelty[undrifted], kind="stable")]
    before = np.cumsum(share[by_novelty]) - share[by_novelty]
    stratum[by_novelty[before < NOVEL_SHARE * share[undrifted].sum()]] = NOVEL
    return stratum.astype(np.int64)
