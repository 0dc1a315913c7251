"""The texts of one side of a comparison, with their end users and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TextSide:
    """All prompts, or all responses, of the baseline or of the window; columns of length n."""

    texts: Sequence[str]
    #: Ids; one without an id, ``""``, counts by itself. Empty: none is known.
    end_users: Sequence[str] = ()
    #: Empty: unknown.
    times: Sequence[datetime] = ()
    #: ``[n]``, positive: where exchanges were sampled with unequal probabilities.
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)
