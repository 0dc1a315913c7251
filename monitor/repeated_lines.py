"""Log lines of what fails again and again: the first failure, one a minute, and the end."""

import logging
import time
from collections.abc import Callable
from typing import Any

import structlog

#: Time between two lines of an outage that lasts.
EVERY_SECONDS = 60.0


class OutageLog:
    """The log of one attempt that is repeated, such as a job or the renewal of a lease.

    ``monotonic`` is the clock, in seconds.
    """

    def __init__(
        self,
        log: structlog.stdlib.BoundLogger,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._monotonic = monotonic
        self._began: float | None = None
        self._next = 0.0
        self._n_failures = 0

    def failed(self, event: str, **facts: Any) -> None:
        """Log the first failure; of later ones one a minute, with their number and duration."""
        now = self._monotonic()
        self._n_failures += 1
        if self._began is None:
            self._began = now
        elif now < self._next:
            return
        else:
            facts |= {"failures": self._n_failures, "seconds": round(now - self._began)}
        self._next = now + EVERY_SECONDS
        self._log.warning(event, **facts)

    def succeeded(self, event: str, **facts: Any) -> None:
        """Log the end of an outage; nothing where there was none."""
        if self._began is None:
            return
        seconds = round(self._monotonic() - self._began)
        self._log.info(event, **facts, failures=self._n_failures, seconds=seconds)
        self._began, self._n_failures = None, 0


class LibraryFilter(logging.Filter):
    """A filter of the lines of libraries that log each attempt of a connection.

    Of each line of their source one a minute passes. Libraries are named by their root loggers;
    ``monotonic`` is the clock, in seconds.
    """

    def __init__(self, *libraries: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._libraries = libraries
        self._monotonic = monotonic
        self._next: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line passes."""
        if record.name.partition(".")[0] not in self._libraries:
            return True
        line, now = (record.name, record.lineno), self._monotonic()
        if now < self._next.get(line, now):
            return False
        self._next[line] = now + EVERY_SECONDS
        return True
