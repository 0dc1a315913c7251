"""Candidates for the minimum sample of a task type: the largest randomness of each stratum.

The bottom-k sample itself, the k exchanges of largest randomness, is drawn when a window is
evaluated (:mod:`monitor.windows.reading.final_sample`). This module makes sure that its members are
stored. An exchange among the k + 1 largest of all is also among the k + 1 largest that one process
has seen, in whatever order, so replicas, restarts and evictions store more, never less.
"""

import heapq
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date

from monitor.telemetry import SAMPLING_STRATA_EVICTED

#: Model, task type and day. The largest of a window are among the largest of its days, so a window
#: may be any number of whole days.
Stratum = tuple[str, str, date]

#: With more strata, the least recently used one is evicted.
MAX_STRATA = 4096


@dataclass
class _Largest:
    heap: list[int] = field(default_factory=list)
    #: The same numbers: an exchange that is read again counts once.
    members: set[int] = field(default_factory=set)


class BottomKCandidates:
    """Candidates for the ``size`` exchanges of largest randomness in each stratum."""

    def __init__(self, size: int, *, max_strata: int = MAX_STRATA) -> None:
        self._n_kept = size + 1  # the largest outside the sample is the threshold
        self._max_strata = max_strata
        self._strata: OrderedDict[Stratum, _Largest] = OrderedDict()

    def admits(self, stratum: Stratum, randomness: int) -> bool:
        """Add an exchange to its stratum; return whether it must be stored."""
        largest = self._largest(stratum)
        if randomness in largest.members:
            return True
        if len(largest.heap) < self._n_kept:
            heapq.heappush(largest.heap, randomness)
        elif randomness > largest.heap[0]:
            largest.members.discard(heapq.heapreplace(largest.heap, randomness))
        else:
            return False
        largest.members.add(randomness)
        return True

    def _largest(self, stratum: Stratum) -> _Largest:
        largest = self._strata.get(stratum)
        if largest is None:
            largest = self._strata[stratum] = _Largest()
            if len(self._strata) > self._max_strata:
                self._strata.popitem(last=False)
                SAMPLING_STRATA_EVICTED.inc()
        self._strata.move_to_end(stratum)
        return largest
