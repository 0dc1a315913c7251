"""Windows with planted drift, made of the samples of two windows themselves.

The users of both windows are mixed and dealt anew, so that simulated windows have the sizes and the
users of the given ones and no drift. Then drift of either kind is planted in the current one:

- *a new topic*: the samples nearest to a random one are held back from both windows, and added to
  the current one;
- *scattered*: random samples, displaced in random directions of the samples' own covariance until
  :data:`SCATTERED_SHARE` of them are farther from their nearest sample than 90% of the samples are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.power.table import DriftKind

#: Part of the out-of-scope queries of CLINC150 that are more isolated than 90% of the queries in
#: scope (see ``drifted_share.TAILS``).
SCATTERED_SHARE, ISOLATED_SHARE = 0.885, 0.10
#: Samples from which the displacement is determined.
CALIBRATION_SAMPLES = 1_500
N_BISECTIONS = 12


@dataclass(frozen=True)
class Planted:
    """A pair of windows, the current one with planted drift."""

    reference: NDArray[np.float32]
    current: NDArray[np.float32]
    #: int64 users of each.
    reference_users: NDArray[np.int64]
    current_users: NDArray[np.int64]
    #: Planted samples.
    n_planted: int


class Planter:
    """Draws pairs of windows from the samples of two windows."""

    def __init__(
        self,
        reference: NDArray[np.float32],
        current: NDArray[np.float32],
        reference_users: NDArray[np.int64],
        current_users: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        """Take the windows, and determine the displacement of scattered samples.

        Args:
            reference: float32 ``[n, d]``, rows of unit norm.
            current: float32 ``[m, d]``.
            reference_users: int64 ``[n]``, from 0 without gaps; a number for each sample without
                a user.
            current_users: int64 ``[m]``, likewise; a number on both sides is another user.
            rng: Draws the samples for the displacement.
        """
        self._sizes = len(reference), len(current)
        self._vectors = np.concatenate([reference, current])
        n_users = int(reference_users.max(initial=-1)) + 1
        self._users = np.concatenate([reference_users, current_users + n_users])
        self._n_users = int(self._users.max(initial=-1)) + 1
        self._mean = self._vectors.mean(axis=0)
        self._displacement = self._calibrate(rng)

    def draw(self, kind: DriftKind, share: float, rng: np.random.Generator) -> Planted:
        """Return a pair of windows with a drifted share of about ``share``."""
        n_reference, n_current = self._sizes
        n_planted = max(1, round(share * n_current))
        if kind == "new_topic":
            centre = self._vectors[rng.integers(len(self._vectors))]
            held_back = np.argsort(-(self._vectors @ centre), kind="stable")[:n_planted]
            planted = self._vectors[held_back]
            ordinary = np.setdiff1d(np.arange(len(self._vectors)), held_back)
        else:
            held_back = rng.choice(len(self._vectors), n_planted, replace=n_planted > n_current)
            planted = self._displace(held_back, self._displacement, rng)
            ordinary = np.arange(len(self._vectors))
        place = rng.permutation(self._n_users)[self._users[ordinary]]
        dealt = ordinary[np.argsort(place, kind="stable")]
        n_ordinary = n_current - n_planted
        current = dealt[:n_ordinary]
        # A user whose messages would lie on both sides stays on the current one.
        rest = dealt[n_ordinary:]
        rest = rest[~np.isin(self._users[rest], self._users[current[-1:]])][:n_reference]
        # Held-back samples have the users that wrote them, as users of the current window.
        return Planted(
            reference=self._vectors[rest],
            current=np.concatenate([self._vectors[current], planted]),
            reference_users=self._users[rest],
            current_users=np.concatenate(
                [self._users[current], self._users[held_back] + self._n_users]
            ),
            n_planted=n_planted,
        )

    def _displace(
        self, rows: NDArray[np.int64], distance: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return samples moved by a distance in random directions of the covariance."""
        basis = self._vectors[rng.integers(len(self._vectors), size=CALIBRATION_SAMPLES)]
        basis = basis - self._mean
        weights = rng.standard_normal((len(rows), len(basis))).astype(np.float32)
        direction = weights @ basis
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)
        moved = self._vectors[rows] + np.float32(distance) * direction
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)

    def _calibrate(self, rng: np.random.Generator) -> float:
        rows = rng.permutation(len(self._vectors))[:CALIBRATION_SAMPLES]
        sample = self._vectors[rows]
        similarity = sample @ sample.T
        np.fill_diagonal(similarity, -1.0)
        limit = float(np.quantile(similarity.max(axis=1), ISOLATED_SHARE))
        low, high = 0.0, 4.0
        for _ in range(N_BISECTIONS):
            middle = (low + high) / 2
            moved = self._displace(rows, middle, np.random.default_rng(0))
            isolated = float(((moved @ sample.T).max(axis=1) < limit).mean())
            low, high = (middle, high) if isolated < SCATTERED_SHARE else (low, middle)
        return high
