"""Exponential backoff with jitter, interrupted by a stop."""

import random
import threading


class Backoff:
    """Delays that double from ``first_seconds`` to ``cap_seconds``, each shortened by up to a half.

    The jitter keeps replicas that lost the same service from reconnecting at the same moment.
    """

    def __init__(
        self,
        *,
        first_seconds: float = 0.25,
        cap_seconds: float = 30.0,
        rng: random.Random | None = None,
    ) -> None:
        self._first = first_seconds
        self._cap = cap_seconds
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards no secret
        self._failures = 0

    def next_delay(self) -> float:
        """Return the delay after one more failure, in seconds."""
        full: float = min(self._cap, self._first * 2 ** min(self._failures, 30))
        self._failures += 1
        return full * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Record a success: the next delay is the first again."""
        self._failures = 0

    def wait(self, stop: threading.Event) -> bool:
        """Wait for the next delay or a stop; return whether to stop."""
        return stop.wait(self.next_delay())
