r"""Exact test whether an event, such as an empty response, has become more frequent.

Users are the exchangeable units: one with 40 empty responses is one observation. Who sends more
messages has an event more easily, and in a month more users are seen who seldom send one than in a
week. So the sides are made alike first, whatever their events:

1. Messages of the side with more of them per user are thinned at random, until users who are left
   have as many on average as those of the other side: a month becomes a week.
2. The users of both sides are matched by the rank of their number of messages, and of each as many
   are drawn as the smaller of the two has.
3. At most so many are drawn as hold one event on average, by the rate of both sides together: with
   a frequent event every user with many messages would have one.

Users with one number of drawn messages are a stratum. The statistic is the number of the window's
users with an event; given the users with an event in each stratum it is a sum of hypergeometric
variables if nothing has changed. Where each user has one message the test is Fisher's.

All draws are fixed, so that the p-value of one pair never varies.

References:
    Fisher, J. R. Stat. Soc. 1935. Mantel & Haenszel, JNCI 1959 (strata). Tarone, Biometrics 1990
    (the attainable p-value).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from monitor.drift.samples.fixed_draws import fixed_draws

Integers = NDArray[np.int64]

#: Means of messages per user that differ by a smaller factor are alike.
SIMILAR = 1.5
#: Least share of messages that is kept, of the ratio of both means: where a side has hardly more
#: than one message a user, its mean says little of how much longer the other is.
LEAST_KEPT = 0.7


@dataclass(frozen=True)
class EventTest:
    """The one-sided test of a rise."""

    p_value: float
    #: The smallest p-value possible with these users, however the events fall on the sides.
    attainable: float


@dataclass(frozen=True)
class _Side:
    #: bool ``[n]``: whether a message has the event; users by size, the rest at random.
    events: NDArray[np.bool_]
    #: int64 ``[n]``: the user of a message, and its place among that user's.
    user: Integers
    place: Integers
    #: int64 ``[G]``: the number of messages of each user, in rising order.
    sizes: Integers

    def has_event(self, n_drawn: Integers) -> NDArray[np.bool_]:
        """Return whether a user's first messages, so many as are drawn, have the event."""
        hits = self.events & (self.place < n_drawn[self.user])
        return np.bincount(self.user, weights=hits, minlength=len(n_drawn)) > 0.0


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
        >>> test = compare_event(np.zeros(8), np.r_[np.ones(4), np.zeros(4)], users, users)
        >>> round(test.p_value, 4)
        0.0385
    """
    rng = fixed_draws()
    known = [np.isfinite(values) for values in (reference, current)]
    owners = [reference_owners[known[0]], current_owners[known[1]]]
    sizes = [np.unique(own, return_counts=True)[1] for own in owners]
    if not all(map(len, sizes)):
        return EventTest(1.0, 1.0)
    is_drawn = [
        rng.random(len(own)) < _kept_share(sizes[side], sizes[1 - side])
        for side, own in enumerate(owners)
    ]
    before = _order(reference[known[0]][is_drawn[0]], owners[0][is_drawn[0]], rng)
    after = _order(current[known[1]][is_drawn[1]], owners[1][is_drawn[1]], rng)
    n_before, n_after = _match(before.sizes, after.sizes), _match(after.sizes, before.sizes)
    drawn = [
        side.events[side.place < n[side.user]] for side, n in ((before, n_before), (after, n_after))
    ]
    n_events = sum(int(events.sum()) for events in drawn)
    if not n_events:
        return EventTest(1.0, 1.0)
    most = max(1, sum(map(len, drawn)) // n_events)
    n_before, n_after = np.minimum(n_before, most), np.minimum(n_after, most)
    return _test_strata(before.has_event(n_before), after.has_event(n_after), n_before, n_after)


def _test_strata(
    before: NDArray[np.bool_], after: NDArray[np.bool_], n_before: Integers, n_after: Integers
) -> EventTest:
    """Test the users with an event, ``[G]`` of each side, in strata of equal numbers."""
    probabilities, lowest = np.ones(1), 0
    for n in np.unique(np.concatenate([n_before, n_after])):
        of_before, of_after = before[n_before == n], after[n_after == n]
        n_events = int(of_before.sum() + of_after.sum())
        least = max(0, n_events - len(of_before))
        counts = np.arange(least, min(n_events, len(of_after)) + 1)
        n_users, n_own = len(of_before) + len(of_after), len(of_after)
        of_stratum = stats.hypergeom.pmf(counts, n_users, n_events, n_own)
        probabilities = np.convolve(probabilities, of_stratum)
        lowest += least
    tail = float(probabilities[int(after.sum()) - lowest :].sum())
    return EventTest(min(1.0, tail), float(probabilities[-1]))


def _kept_share(sizes: Integers, other: Integers) -> float:
    """Return the share of a side's messages to keep, so that its users have as many on average."""
    goal, mean = float(other.mean()), float(sizes.mean())
    if mean <= SIMILAR * goal:
        return 1.0
    least = LEAST_KEPT * goal / mean

    def excess(share: float) -> float:
        n_users = -np.expm1(sizes * np.log1p(-share)).sum()
        return float(share * sizes.sum() / n_users) - goal

    return least if excess(least) >= 0.0 else float(optimize.brentq(excess, least, 1.0 - 1e-9))


def _order(events: NDArray[np.float64], owners: Integers, rng: np.random.Generator) -> _Side:
    """Return messages in the order of a side."""
    rows = rng.permutation(len(events))
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
