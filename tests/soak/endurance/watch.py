"""Lag and memory over time, and the time in which the lag recovers from a kill."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.sizing.cpu import resident_bytes
from tests.soak.database import Database

LAG_SECONDS = 1.0
#: Every so many looks at the lag, memory is read.
LOOKS_OF_MEMORY = 5


@dataclass(frozen=True)
class Sample:
    """A value at a time, in seconds since the watch began."""

    at: float
    value: float


@dataclass(frozen=True)
class Recovery:
    """The lag after a kill."""

    at: float
    slot: int
    #: The largest lag until it recovered, or until the next kill.
    largest: float
    #: Until the lag was within the bound again; 0: it never left it; ``None``: it did not recover.
    seconds: float | None


class Watch:
    """A thread that reads lag and memory."""

    def __init__(
        self,
        database: Database,
        n_sent: Callable[[], int],
        pids: Callable[[], dict[str, int]],
    ) -> None:
        """Prepare to watch.

        Args:
            database: Stores the next offsets.
            n_sent: Returns the number of produced records.
            pids: Returns the processes to watch, by name.
        """
        self._database = database
        self._n_sent = n_sent
        self._pids = pids
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        #: Records that were produced and not stored.
        self.lags: list[Sample] = []
        #: Bytes by name and process.
        self.memory: dict[tuple[str, int], list[Sample]] = {}
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self.failure:
            raise self.failure

    def now(self) -> float:
        """Return the seconds since the watch began."""
        return time.monotonic() - self._began

    def lag(self) -> float:
        """Return the newest lag."""
        return self.lags[-1].value if self.lags else 0.0

    def _run(self) -> None:
        looks = 0
        try:
            while not self._stop.wait(LAG_SECONDS):
                # First what was sent: what is stored meanwhile makes the lag smaller, not larger.
                sent = self._n_sent()
                stored = sum(self._database.next_offsets().values())
                self.lags.append(Sample(self.now(), max(0.0, float(sent - stored))))
                if looks % LOOKS_OF_MEMORY == 0:
                    self._read_memory()
                looks += 1
        except BaseException as failure:  # noqa: BLE001 - raised again by stop()
            self.failure = failure

    def _read_memory(self) -> None:
        for name, pid in self._pids().items():
            size = resident_bytes(pid)
            if size:
                self.memory.setdefault((name, pid), []).append(Sample(self.now(), float(size)))


def recoveries(
    lags: Sequence[Sample], kills: Sequence[tuple[float, int]], bound: float
) -> list[Recovery]:
    """Return how the lag recovers from each kill.

    Args:
        lags: In the order of time.
        kills: Time and slot of each.
        bound: A lag of at most this is no lag.
    """
    results = []
    ends = [at for at, _ in kills[1:]] + [float("inf")]
    for (at, slot), end in zip(kills, ends, strict=True):
        after = [lag for lag in lags if at <= lag.at < end]
        beyond = [lag for lag in after if lag.value > bound]
        if not beyond:
            results.append(Recovery(at, slot, max((lag.value for lag in after), default=0.0), 0.0))
            continue
        settled = [lag for lag in after if lag.at > beyond[-1].at]
        seconds = settled[0].at - at if settled else None
        results.append(Recovery(at, slot, max(lag.value for lag in beyond), seconds))
    return results
