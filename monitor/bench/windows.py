"""Pairs of windows drawn without replacement, with drift planted in the current one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.bench.labelled import Labelled, TooFewSamplesError

#: ``oos``: scattered queries of no topic; ``domain``, ``topic``: one that the reference lacks;
#: ``surge``: a domain that it has takes a larger share.
Kind = Literal["none", "oos", "domain", "topic", "surge"]

WORDS: dict[Kind, str] = {
    "none": "no drift",
    "oos": "{share} out-of-scope",
    "domain": "{share} new domain",
    "topic": "{share} new intent",
    "surge": "known domain +{points} points",
}


@dataclass(frozen=True)
class WindowSpec:
    """What a pair of windows is to hold."""

    kind: Kind
    n_reference: int
    n_current: int
    #: Planted share of the current window; for a surge what the domain's share rises by.
    share: float = 0.0
    #: More than 1: each user has one topic and this many messages on it.
    messages_per_user: int = 1

    @property
    def drift(self) -> str:
        """Return the drift in words."""
        points = f"{100 * self.share:g}"
        return WORDS[self.kind].format(share=f"{points}%", points=points)

    @property
    def sizes(self) -> str:
        """Return the sizes in words."""
        if self.n_reference == self.n_current:
            return f"n = {self.n_current:,}"
        return f"{self.n_reference:,} against {self.n_current:,}"


@dataclass(frozen=True)
class Windows:
    """Row numbers of both windows, and the truth about them."""

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    #: bool ``[n_current]``: drawn from what is new or, in a surge, from the surging domain.
    planted: NDArray[np.bool_]
    #: Share of the current window's distribution that the reference's can't account for: the total
    #: variation distance between them.
    drifted_share: float
    #: int64 users of each window; ``None``: each message stands alone.
    reference_groups: NDArray[np.int64] | None = None
    current_groups: NDArray[np.int64] | None = None


def draw_windows(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    """Draw a pair of windows.

    Raises:
        TooFewSamplesError: The data set is too small for them.
    """
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
    """Draw a reference window and a current one for each week, with scattered novel queries.

    The weeks share no row with the reference, and no novel row with each other; their ordinary rows
    are drawn anew from all that the reference has left.

    Args:
        data: The data set.
        shares: The novel share of each week.
        n: Samples of each window.
        rng: Draws the rows.

    Raises:
        TooFewSamplesError: The data set is too small for them.
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
    """Draw a reference window and one for each week, independently, from the samples in scope.

    With replacement, within windows and between them: the data set is the population. More weeks
    than it has samples for, drawn without, would resemble each other more than the reference.
    """
    population = data.in_scope
    return rng.choice(population, n), [rng.choice(population, n) for _ in range(n_weeks)]


def _draw_surge(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    counts = np.bincount(data.domains[data.in_scope])
    ordinary_share = counts / counts.sum()
    wanted = (ordinary_share + spec.share) * spec.n_current
    # What the reference takes of a domain is random: five standard deviations are allowed for.
    taken = ordinary_share * spec.n_reference
    left_over = counts - taken - 5 * np.sqrt(taken)
    # A domain that would fill half the window or more is no topic among others.
    usable = (counts > 0) & (left_over > wanted) & (wanted < spec.n_current / 2)
    if not usable.any():
        raise TooFewSamplesError(f"{spec.drift}, {spec.sizes}: no domain has enough samples left")
    domain = int(rng.choice(np.flatnonzero(usable)))
    order = rng.permutation(data.in_scope)
    reference, left = order[: spec.n_reference], order[spec.n_reference :]
    surging = left[data.domains[left] == domain]
    others = left[data.domains[left] != domain]
    n_surging = round(wanted[domain])
    n_others = spec.n_current - n_surging
    _require(len(others), n_others, f"{spec.drift}, {spec.sizes}")
    return Windows(
        reference=reference,
        current=np.concatenate([others[:n_others], surging[:n_surging]]),
        planted=np.arange(spec.n_current) >= n_others,
        drifted_share=n_surging / spec.n_current - float(ordinary_share[domain]),
    )


def _draw_users(data: Labelled, spec: WindowSpec, rng: np.random.Generator) -> Windows:
    """Draw users, each with messages on one topic only; no user is on both sides."""
    if spec.kind != "none":
        raise ValueError(f"users are drawn without drift only, not with {spec.drift}")
    per_user = spec.messages_per_user
    users = []
    for topic in np.unique(data.topics[data.in_scope]):
        rows = rng.permutation(np.flatnonzero(data.topics == topic))
        users.append(rows[: len(rows) // per_user * per_user].reshape(-1, per_user))
    everyone = np.concatenate(users)
    n_reference, n_current = spec.n_reference // per_user, spec.n_current // per_user
    _require(len(everyone) * per_user, (n_reference + n_current) * per_user, spec.sizes)
    chosen = rng.permutation(len(everyone))[: n_reference + n_current]
    rows = everyone[chosen]
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
    """Return the rows of a random label that has at least n of them, and leaves enough others."""
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


def _require(available: int, wanted: int, spec: str) -> None:
    if available < wanted:
        raise TooFewSamplesError(f"{spec}: needs {wanted:,} samples; there are {available:,}")
