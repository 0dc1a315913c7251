"""A prompt map: coordinates and ids of prompts, and the texts beside them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

#: Replaces the id of a deleted exchange.
DELETED = -1


@dataclass(frozen=True)
class PromptMap:
    """Coordinates of m prompts of the window and r of the baseline, in the unit square."""

    #: ``exchanges.id``, int64 ``[m]``; :data:`DELETED` for a deleted exchange.
    current_ids: NDArray[np.int64]
    #: float32 ``[m, 2]``
    current: NDArray[np.float32]
    #: Index of the drifted topic in the assessment, in ascending order; then -1 for none. int64
    #: ``[m]``
    topic: NDArray[np.int64]
    #: As for the window, int64 ``[r]`` and float32 ``[r, 2]``.
    reference_ids: NDArray[np.int64]
    reference: NDArray[np.float32]
    #: float32 ``[m]``, in [0, 1]: how unlike the baseline's responses to similar prompts the
    #: response is, NaN where it wasn't compared. ``None`` where the responses didn't change
    #: significantly.
    change: NDArray[np.float32] | None = None

    def exclude(self, ids: list[int]) -> "PromptMap":
        """Return the map without exchanges."""
        mask = ~np.isin(self.current_ids, ids)
        reference_mask = ~np.isin(self.reference_ids, ids)
        return PromptMap(
            self.current_ids[mask],
            self.current[mask],
            self.topic[mask],
            self.reference_ids[reference_mask],
            self.reference[reference_mask],
            None if self.change is None else self.change[mask],
        )

    def anonymize(self) -> "PromptMap":
        """Return the map without ids, so that no exchange can be identified."""
        return PromptMap(
            np.full_like(self.current_ids, DELETED),
            self.current,
            self.topic,
            np.full_like(self.reference_ids, DELETED),
            self.reference,
            self.change,
        )

    def count(self, ids: list[int]) -> int:
        """Return how many of the exchanges are on the map."""
        both = np.concatenate([self.current_ids, self.reference_ids])
        return int(np.isin(both, ids).sum())


@dataclass(frozen=True)
class MapText:
    """An exchange of the window or of its baseline."""

    prompt: str
    response: str
    task_type: str
    occurred_at: datetime
    of_baseline: bool
