"""What is compared: the exchanges of a window or of a baseline, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchanges import ExchangeColumns
from monitor.traffic.sampling.sampler import SPACE


@dataclass(frozen=True, kw_only=True)
class Window:
    """Exchanges as columns of the same length n, in order of time."""

    prompts: Sequence[str]
    responses: Sequence[str]
    #: User or session ids, the unit that is exchangeable if nothing drifted; empty where unknown:
    #: then the exchange is a unit of its own.
    users: Sequence[str]
    task_types: Sequence[str]
    #: Empty where times aren't known.
    occurred_at: Sequence[datetime]
    #: Numbers and booleans among the values are metrics.
    attributes: Sequence[dict[str, Any]]
    #: Unit norm, ``[n, d]``, float16 or float32
    prompt_vectors: NDArray[np.floating[Any]]
    response_vectors: NDArray[np.floating[Any]]
    #: ``[n]``: the probability with which an exchange like this came into the sample; ``None``
    #: where the exchanges aren't a sample.
    inclusion_probability: NDArray[np.float64] | None = None
    #: ``[n]`` in [0, 1), uniform given that the exchange was sampled: what it is thinned by.
    uniform: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return n."""
        return len(self.prompts)

    @property
    def n_responses(self) -> int:
        """Return how many have an answer that isn't empty."""
        return sum(bool(response.strip()) for response in self.responses)

    @classmethod
    def from_rows(cls, rows: ExchangeColumns) -> "Window":
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
            inclusion_probability=rows.inclusion_probability,
            uniform=(rows.randomness - rows.threshold) / (SPACE - rows.threshold),
        )

    def take(self, rows: NDArray[np.int64]) -> "Window":
        """Return some of the exchanges, by their row numbers."""
        probability, uniform = self.inclusion_probability, self.uniform
        return Window(
            prompts=[self.prompts[row] for row in rows],
            responses=[self.responses[row] for row in rows],
            users=[self.users[row] for row in rows],
            task_types=[self.task_types[row] for row in rows],
            occurred_at=[self.occurred_at[row] for row in rows] if self.occurred_at else (),
            attributes=[self.attributes[row] for row in rows],
            prompt_vectors=self.prompt_vectors[rows],
            response_vectors=self.response_vectors[rows],
            inclusion_probability=None if probability is None else probability[rows],
            uniform=None if uniform is None else uniform[rows],
        )

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """Return what each exchange stands for, 1 on average (Hájek's weights).

        ``None`` where all stand for equally many: then nothing is weighted.
        """
        probability = self.inclusion_probability
        if probability is None or len(probability) == 0 or np.ptp(probability) == 0:
            return None
        inverse = 1.0 / probability
        return np.asarray(inverse * (len(inverse) / inverse.sum()))

    @property
    def days(self) -> NDArray[np.int64] | None:
        """Return the day of each exchange in UTC, counted from any one; ``None`` without times."""
        if not self.occurred_at:
            return None
        return np.array([at.astimezone(UTC).toordinal() for at in self.occurred_at])

    @property
    def estimated_total(self) -> float | None:
        """Return the estimated number of exchanges behind the sample (Horvitz and Thompson)."""
        if self.inclusion_probability is None:
            return None
        return float((1.0 / self.inclusion_probability).sum())

    def count_users(self, rows: Sequence[int] | NDArray[np.int64]) -> int:
        """Return how many users some exchanges come from; see :func:`count_users`."""
        return count_users([self.users[int(row)] for row in rows])

    def share(self, rows: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> float:
        """Return the estimated share of the exchanges behind the sample that rows stand for."""
        weights = np.ones(len(self)) if self.weights is None else self.weights
        return float(weights[np.asarray(rows)].sum() / weights.sum()) if len(self) else 0.0


def count_users(users: Sequence[str]) -> int:
    """Count users or sessions; an exchange without one counts by itself."""
    return len({user for user in users if user}) + sum(not user for user in users)
