"""Slows down whoever guesses passwords."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

#: Failures that cost nothing: a person mistypes.
FREE_FAILURES = 5
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 900.0
#: Failures of one address, whatever the names, before it has to wait as well.
FREE_FAILURES_OF_ADDRESS = 30
#: Keys remembered at most; the oldest is forgotten first.
CAPACITY = 10_000


@dataclass
class _Record:
    failures: int = 0
    blocked_until: float = 0.0


class LoginThrottle:
    """Counts failures by name and address, and by address alone; each process counts its own."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._records: dict[tuple[str, str], _Record] = {}
        self._lock = threading.Lock()

    def wait_seconds(self, name: str, address: str) -> float:
        """Return how long this name at this address has to wait; 0: it may try."""
        with self._lock:
            ends = [
                self._records[key].blocked_until
                for key in self._keys(name, address)
                if key in self._records
            ]
        return max(0.0, max(ends, default=0.0) - self._monotonic())

    def note_failure(self, name: str, address: str) -> None:
        """Count a failure; each one past the free ones doubles the wait."""
        with self._lock:
            for key in self._keys(name, address):
                record = self._records.pop(key, None) or _Record()
                record.failures += 1
                free = FREE_FAILURES if key[0] else FREE_FAILURES_OF_ADDRESS
                if record.failures >= free:
                    wait = FIRST_WAIT_SECONDS * 2.0 ** min(record.failures - free, 20)
                    record.blocked_until = self._monotonic() + min(wait, LONGEST_WAIT_SECONDS)
                self._records[key] = record  # at the end: dictionaries keep their order
            while len(self._records) > CAPACITY:
                del self._records[next(iter(self._records))]

    def note_success(self, name: str, address: str) -> None:
        """Forget the failures of a name at an address."""
        with self._lock:
            self._records.pop(self._keys(name, address)[0], None)

    @staticmethod
    def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
        return (f"n:{name.strip().casefold()[:200]}", address), ("", address)
