"""A child's log, followed while it grows."""

import time
from collections.abc import Callable, Iterator

#: Between two looks.
POLL_SECONDS = 1.0
#: Lines that are looked at: what a child prints between two looks is far less.
WINDOW = 1000


def new_lines(
    read: Callable[[int], list[str]],
    running: Callable[[], bool],
    n_first: int,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield the last lines of a log, and then those that are added until its writer ends.

    Args:
        read: Returns the last lines, at most so many.
        running: Whether the writer still runs.
        n_first: How many lines are shown of what is there already.
        sleep: Waits between two looks.
    """
    seen = read(WINDOW)
    yield from seen[-n_first:]
    while True:
        # The order counts: what was written before the end is read after it is known.
        goes_on = running()
        lines = read(WINDOW)
        yield from lines[_n_known(seen, lines) :]
        seen = lines
        if not goes_on:
            return
        sleep(POLL_SECONDS)


def _n_known(seen: list[str], lines: list[str]) -> int:
    """Return how many of the lines were seen: the longest end of the old that begins the new."""
    for n in range(min(len(seen), len(lines)), 0, -1):
        if seen[-n:] == lines[:n]:
            return n
    return 0
