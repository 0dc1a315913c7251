"""Counts of work that repeat on any machine: calls, SQL statements, bytes.

Times depend on the machine and on other work; these counts depend on the code, the packages and
the minor version of Python.
"""

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from cProfile import Profile
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

Work = Callable[[], object]


@dataclass(frozen=True)
class Counts:
    """Counts of one piece of work."""

    #: Of Python and built-in functions, in all threads that it starts.
    calls: int
    statements: int
    #: Largest allocated memory beyond that at its begin, arrays included; 0: not counted.
    peak_kilobytes: int = 0


class Calls:
    """Counter of calls, in this thread while it counts and in those that start meanwhile."""

    def __init__(self) -> None:
        self._profiles: list[Profile] = []

    def __enter__(self) -> "Calls":
        threading.setprofile(lambda *_: self._count_thread())
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(None)  # type: ignore[arg-type] # which its stub doesn't know

    def of(self, work: Work) -> int:
        """Return the calls of a piece of work."""
        before = self._total()
        own = self._count_thread()
        try:
            work()
        finally:
            own.disable()
        return self._total() - before

    def _count_thread(self) -> Profile:
        profile = Profile()
        self._profiles.append(profile)
        profile.enable()
        return profile

    def _total(self) -> int:
        return sum(entry.callcount for profile in self._profiles for entry in profile.getstats())


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements of all engines."""
    sent: list[str] = []

    def note(*call: Any) -> None:
        sent.append(call[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def count(prepared: AbstractContextManager[Work], *, with_memory: bool = False) -> Counts:
    """Run a piece of work once, and count; memory takes as long as the work itself."""
    with Calls() as calls, prepared as work, counted_statements() as sent:
        sent.clear()
        gc.collect()
        gc.disable()  # a collection runs finalizers whenever it is due
        if with_memory:
            tracemalloc.start()
        try:
            n = calls.of(work)
            peak = tracemalloc.get_traced_memory()[1] if with_memory else 0
        finally:
            tracemalloc.stop()
            gc.enable()
        return Counts(n, len(sent), round(peak / 1024))
