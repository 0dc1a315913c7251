"""Windows drawn without replacement, with drift planted in the current one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.bench.labelled import Labelled, TooFewSamplesError

#: ``oos``: scattered queries without a topic; ``domain``, ``topic``: a new one; ``surge``: a larger
#: share of a known domain.
Kind = Literal["none", "oos", "domain", "topic", "surge"]

DRIFT_LABELS: dict[Kind, str] = {
    "none": "no drift",
    "oos": "{share} out-of-scope",
    "domain": "{share} new domain",
    "topic": "{share} new intent",
    "surge": "known domain +{points} points",
}


@dataclass(frozen=True)
class WindowSpec:
    """The specification of a pair of windows."""

    kind: Kind
    n_reference: int
    n_current: int
    #: Planted share of the current window; for a surge the increase of the domain's share.
    share: float = 0.0
    #: More than 1: each user has one topic and this many messages on it.
    messages_per_user: int = 1

    @property
    def drift(self) -> str:
        """Return the kind and share of drift, as text."""
        points = f"{100 * self.share:g}"
        return DRIFT_LABELS[self.kind].format(share=f"{points}%", points=points)

    @property
    def sizes(self) -> str:
        """Return the sizes, as text."""
        if self.n_reference == self.n_current:
            return f"n = {self.n_current:,}"
        return f"{self.n_reference:,} against {self.n_current:,}"


@dataclass(frozen=True)
class Windows:
    """The row numbers of both windows, with the truth."""

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    #: bool ``[n_current]``: of the new topic or domain or, in a surge, of the surging domain.
    planted: NDArray[np.bool_]
    #: Share of the current distribution that the reference doesn't explain: their total variation
    #: distance.
    drifted_share: float
    #: int64 users of each window; ``None``: each message stands alone.
    reference_groups: NDArray[np.int64] | None = None
    current_groups: NDArray[np.int64] | None = None


def draw_windows(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    """Return a random pair of windows; ``TooFewSamplesError`` where the data set is too small."""
    if spec.messages_per_user > 1:
        return _draw_users(data, spec, rng)
    if spec.kind == "surge":
        return _draw_surge(data, spec, rng)
    n_new = round(spec.share * spec.n_current)
    new, base = data.out_of_scope, data.in_scope
    if spec.kind in ("domain", "topic"):
        labels = data.domains if spec.kind == "domain" else data.topics
        new = _pick_label(labels, n_new, spec, rng)
        base = np.setdiff1d(base, new)
    n_ordinary = spec.n_current - n_new
    _require(len(new), n_new, f"{spec.drift}, {spec.sizes}")
    _require(len(base), spec.n_reference + n_ordinary, f"{spec.drift}, {spec.sizes}")
    order = rng.permutation(base)
    ordinary = order[spec.n_reference : spec.n_reference + n_ordinary]
    return Windows(
        reference=order[: spec.n_reference],
        current=np.concatenate([ordinary, rng.permutation(new)[:n_new]]),
        planted=np.arange(spec.n_current) >= n_ordinary,
        drifted_share=n_new / spec.n_current,
    )


def draw_weeks(
    data: Labelled, shares: list[float], n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Return a reference window and one window per week, with scattered novel queries.

    The weeks share no row with the reference, and no novel row with each other; the ordinary rows
    of each week are drawn from all rows outside the reference.

    Raises:
        TooFewSamplesError: The data set is too small.
    """
    counts = [round(share * n) for share in shares]
    _require(len(data.in_scope), 2 * n, f"weeks of {n:,}")
    _require(len(data.out_of_scope), sum(counts), f"{len(shares)} weeks of novel queries")
    order = rng.permutation(data.in_scope)
    novel = rng.permutation(data.out_of_scope)
    weeks, used = [], 0
    for count in counts:
        ordinary = rng.choice(order[n:], size=n - count, replace=False)
        weeks.append(np.concatenate([ordinary, novel[used : used + count]]))
        used += count
    return order[:n], weeks


def draw_independent_weeks(
    data: Labelled, n_weeks: int, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Return a reference window and one window per week, drawn independently from the population.

    With replacement, within windows and between them: the samples in scope are the population.
    Without replacement, many weeks would resemble each other more than the reference.
    """
    population = data.in_scope
    return rng.choice(population, n), [rng.choice(population, n) for _ in range(n_weeks)]


def _draw_surge(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    counts = np.bincount(data.domains[data.in_scope])
    ordinary_share = counts / counts.sum()
    wanted = (ordinary_share + spec.share) * spec.n_current
    # The reference takes a random number of a domain: allow for five standard deviations.
    taken = ordinary_share * spec.n_reference
    left_over = counts - taken - 5 * np.sqrt(taken)
    # A domain with half the window or more is too large for a topic.
    usable = (counts > 0) & (left_over > wanted) & (wanted < spec.n_current / 2)
    if not usable.any():
        raise TooFewSamplesError(f"{spec.drift}, {spec.sizes}: no domain has enough samples left")
    domain = int(rng.choice(np.flatnonzero(usable)))
    order = rng.permutation(data.in_scope)
    reference, left = order[: spec.n_reference], order[spec.n_reference :]
    surging = left[data.domains[left] == domain]
    ordinary = left[data.domains[left] != domain]
    n_surging = round(wanted[domain])
    n_others = spec.n_current - n_surging
    _require(len(ordinary), n_others, f"{spec.drift}, {spec.sizes}")
    return Windows(
        reference=reference,
        current=np.concatenate([ordinary[:n_others], surging[:n_surging]]),
        planted=np.arange(spec.n_current) >= n_others,
        drifted_share=n_surging / spec.n_current - float(ordinary_share[domain]),
    )


def _draw_users(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    """Return windows of users with messages on one topic each; no user is on both sides."""
    if spec.kind != "none":
        raise ValueError(f"users are drawn without drift only; got {spec.drift}")
    per_user = spec.messages_per_user
    users = []
    for topic in np.unique(data.topics[data.in_scope]):
        rows = rng.permutation(np.flatnonzero(data.topics == topic))
        users.append(rows[: len(rows) // per_user * per_user].reshape(-1, per_user))
    all_users = np.concatenate(users)
    n_reference, n_current = spec.n_reference // per_user, spec.n_current // per_user
    _require(len(all_users) * per_user, (n_reference + n_current) * per_user, spec.sizes)
    chosen = rng.permutation(len(all_users))[: n_reference + n_current]
    rows = all_users[chosen]
    return Windows(
        reference=rows[:n_reference].ravel(),
        current=rows[n_reference:].ravel(),
        planted=np.zeros(n_current * per_user, dtype=bool),
        drifted_share=0.0,
        reference_groups=np.repeat(chosen[:n_reference], per_user),
        current_groups=np.repeat(chosen[n_reference:], per_user),
    )


def _pick_label(
    labels: NDArray[np.int64], n: int, spec: WindowSpec, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the rows of a random label with at least n rows that leaves enough other rows."""
    counts = np.bincount(labels[labels >= 0])
    n_others = spec.n_reference + spec.n_current - n
    usable = np.flatnonzero((counts > 0) & (counts >= n) & (counts.sum() - counts >= n_others))
    if not len(usable):
        raise TooFewSamplesError(
            f"{spec.drift}, {spec.sizes}: needs {n:,} samples of one {spec.kind}, of "
            f"{counts.max(initial=0):,} in the largest, and {n_others:,} of others, of "
            f"{counts.sum():,} in all"
        )
    return np.flatnonzero(labels == rng.choice(usable))


def _require(available: int, required: int, windows: str) -> None:
    if available < required:
        raise TooFewSamplesError(f"{windows}: needs {required:,} samples; there are {available:,}")
