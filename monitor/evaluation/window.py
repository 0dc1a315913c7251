"""What is compared: the exchanges of a window or of a baseline, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.store.exchanges import WindowRows


@dataclass(frozen=True, kw_only=True)
class Window:
    """Exchanges as columns of the same length n, in order of time."""

    prompts: Sequence[str]
    responses: Sequence[str]
    #: User or session ids, the unit that is exchangeable if nothing drifted; empty where unknown:
    #: then the exchange is a unit of its own.
    users: Sequence[str]
    task_types: Sequence[str]
    occurred_at: Sequence[datetime]
    #: Numbers and booleans among the values are metrics.
    attributes: Sequence[dict[str, Any]]
    #: Unit norm, ``[n, d]``, float16 or float32
    prompt_vectors: NDArray[np.floating[Any]]
    response_vectors: NDArray[np.floating[Any]]

    def __len__(self) -> int:
        """Return n."""
        return len(self.prompts)

    @classmethod
    def from_rows(cls, rows: WindowRows) -> "Window":
        """Take the columns of stored exchanges."""
        return cls(
            prompts=rows.prompts,
            responses=rows.responses,
            users=rows.users,
            task_types=rows.task_types,
            occurred_at=rows.occurred_at,
            attributes=rows.attributes,
            prompt_vectors=rows.prompt_vectors,
            response_vectors=rows.response_vectors,
        )
