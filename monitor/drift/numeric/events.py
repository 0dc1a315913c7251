r"""Exact test whether an event, such as an empty response, has become more frequent.

Users are the exchangeable units: one with 40 empty responses is one observation. Users of the two
sides may have sent different numbers of messages, as where the baseline is a month and the window a
week, and who sends more has an event more easily. So the users of both sides are matched by the
rank of their number of messages, and of each as many messages are drawn as the smaller of the two
has. With a frequent event one message suffices: of each user at most so many are drawn as hold one
event on average, by the rate of both sides together. Users of one number of drawn messages are a
stratum, and the statistic is the number of the window's users with an event among theirs. Given
the users with an event in each stratum it is a sum of hypergeometric variables if nothing has
changed; where each user has one message the test is Fisher's.

The draws are fixed, so that the p-value of one pair never varies.

References:
    Fisher, J. R. Stat. Soc. 1935. Mantel & Haenszel, JNCI 1959 (strata). Tarone, Biometrics 1990
    (the attainable p-value).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitor.drift.samples.fixed_draws import fixed_draws

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class EventTest:
    """The one-sided test of a rise."""

    p_value: float
    #: The smallest p-value possible with these users, however the events fall on the sides.
    attainable: float


@dataclass(frozen=True)
class _Side:
    #: bool ``[n]``: whether a message has the event, users together, in random order.
    events: NDArray[np.bool_]
    #: int64 ``[n]``: the user of a message, and its place among that user's.
    user: Integers
    place: Integers
    #: int64 ``[G]``: the number of messages of each user, in rising order.
    sizes: Integers


def compare_event(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    reference_owners: Integers,
    current_owners: Integers,
) -> EventTest:
    """Test whether an event is more frequent in the window.

    Args:
        reference: ``[n_reference]``: 1 for a message with the event, 0 without it; NaN where it
            does not apply.
        current: ``[n_current]``.
        reference_owners: ``[n_reference]``: numbers of the users; the sides are independent.
        current_owners: ``[n_current]``.

    Example:
        >>> import numpy as np
        >>> users = np.arange(8)
        >>> compare_event(np.zeros(8), np.r_[np.ones(4), np.zeros(4)], users, users)
        EventTest(p_value=0.03846153846153845, attainable=0.03846153846153845)
    """
    rng = fixed_draws()
    before = _order(reference, reference_owners, rng)
    after = _order(current, current_owners, rng)
    if not len(before.sizes) or not len(after.sizes):
        return EventTest(1.0, 1.0)
    sides = (
        (before, _match(before.sizes, after.sizes)),
        (after, _match(after.sizes, before.sizes)),
    )
    drawn = [side.events[side.place < n[side.user]] for side, n in sides]
    rate = np.concatenate(drawn).mean()
    if rate == 0.0:
        return EventTest(1.0, 1.0)
    most = max(1, int(1.0 / rate))
    n_drawn, has_event = zip(*(_users(side, np.minimum(n, most)) for side, n in sides), strict=True)
    pmf, lowest = np.ones(1), 0
    for n in np.unique(np.concatenate(n_drawn)):
        own = [events[drawn == n] for drawn, events in zip(n_drawn, has_event, strict=True)]
        n_users, n_events = sum(map(len, own)), int(sum(events.sum() for events in own))
        least = max(0, n_events - len(own[0]))
        counts = np.arange(least, min(n_events, len(own[1])) + 1)
        pmf = np.convolve(pmf, stats.hypergeom.pmf(counts, n_users, n_events, len(own[1])))
        lowest += least
    observed = int(has_event[1].sum()) - lowest
    return EventTest(min(1.0, float(pmf[observed:].sum())), float(pmf[-1]))


def _order(events: NDArray[np.float64], owners: Integers, rng: np.random.Generator) -> _Side:
    """Return the messages to which the event applies, users by size, the rest at random."""
    rows = rng.permutation(len(events))
    rows = rows[np.isfinite(events[rows])]
    _, user, sizes = np.unique(owners[rows], return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((rng.random(len(sizes)), sizes))] = np.arange(len(sizes))
    user = rank[user.ravel()]
    order = np.argsort(user, kind="stable")
    sizes = np.sort(sizes)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return _Side(events[rows[order]] > 0.0, user[order], place, sizes)


def _match(sizes: Integers, other: Integers) -> Integers:
    """Return the smaller size of each user and the other side's user of the same rank."""
    rank = ((np.arange(len(sizes)) + 0.5) * len(other) / len(sizes)).astype(np.int64)
    return np.minimum(sizes, other[rank])


def _users(side: _Side, n_drawn: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the number of messages drawn of each user, and whether one of them has the event."""
    drawn = side.events & (side.place < n_drawn[side.user])
    return n_drawn, np.bincount(side.user, weights=drawn, minlength=len(n_drawn)) > 0.0
