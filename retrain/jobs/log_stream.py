"""Stream of a child's log."""

import time
from collections.abc import Callable, Iterator

#: Seconds between two reads.
POLL_SECONDS = 1.0
#: Lines per read, far more than a child prints between two reads.
WINDOW = 1000


def new_lines(
    read: Callable[[int], list[str]],
    running: Callable[[], bool],
    n_first: int,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield the last lines of a log, then each new line until its writer ends.

    ``read`` returns at most as many last lines as it is told; ``running`` tells whether the writer
    still runs. ``n_first`` existing lines are yielded.
    """
    seen = read(WINDOW)
    yield from seen[-n_first:]
    while True:
        # Check the writer before reading, so that its last lines are read.
        goes_on = running()
        lines = read(WINDOW)
        yield from lines[_n_known(seen, lines) :]
        seen = lines
        if not goes_on:
            return
        sleep(POLL_SECONDS)


def _n_known(seen: list[str], lines: list[str]) -> int:
    """Return the length of the longest suffix of the seen lines that starts the new lines."""
    for n in range(min(len(seen), len(lines)), 0, -1):
        if seen[-n:] == lines[:n]:
            return n
    return 0
