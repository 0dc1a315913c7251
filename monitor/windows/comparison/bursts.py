"""Bursts of one prompt without end users: a client that retries is one unit, not many."""

from collections import Counter
from collections.abc import Sequence

from monitor.store.traffic.exchange_columns import Exchanges

#: Two exchanges with one prompt belong to a burst where they are this part of the prompt's mean
#: distance apart, or less. Of a popular prompt that end users send independently a tenth are.
BURST_PART = 0.1
#: Where bursts hold a larger share of a side, repetition is the design, as of several responses to
#: each prompt.
MAX_BURST_SHARE = 0.5
#: With fewer distinct times for each exchange, they are coarse.
MIN_DISTINCT_TIMES = 0.5


def burst_groups(exchanges: Exchanges, side: str) -> Sequence[str]:
    """Return the end user of each exchange or, where none is named, a name for its burst.

    The distance is one in time or, where times are unknown or coarse, such as days, in the order of
    the exchanges. An exchange outside bursts has no name, and counts by itself. No burst has
    exchanges of both sides: ``side`` is the name of this one.
    """
    users, n = exchanges.end_users, len(exchanges)
    unnamed = [row for row in range(n) if not users or not users[row]]
    n_copies = Counter(exchanges.prompts[row] for row in unnamed)
    if len(n_copies) == len(unnamed):
        return users
    times = [at.timestamp() for at in exchanges.occurred_at]
    if len(set(times)) < MIN_DISTINCT_TIMES * n:
        times = list(map(float, range(n)))
    span = max(times) - min(times)
    groups = list(users) or [""] * n
    last: dict[str, int] = {}
    for row in sorted(unnamed, key=lambda row: (times[row], row)):
        prompt = exchanges.prompts[row]
        before = last.get(prompt)
        last[prompt] = row
        if before is None:
            continue
        if times[row] - times[before] <= BURST_PART * span / n_copies[prompt]:
            groups[before] = groups[before] or f"\0{side} {before}"
            groups[row] = groups[before]
    n_in_bursts = sum(bool(groups[row]) for row in unnamed)
    return groups if n_in_bursts <= MAX_BURST_SHARE * n else users
