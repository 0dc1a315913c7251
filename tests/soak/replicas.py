"""Daemons under test, restarted as by a supervisor."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tests.soak.marks import PHASES, READING, STARTING
from tests.soak.replica import Replica

LOOK_SECONDS = 0.1
#: How long a strike waits for the phase that it aims at: a rebalance takes a session timeout.
AIM_SECONDS = 25.0


class Replicas:
    """All slots, and a thread that restarts dead daemons."""

    def __init__(
        self,
        folder: Path,
        environments: Sequence[Mapping[str, str]],
        *,
        rng: random.Random,
        warm: bool = False,
    ) -> None:
        self.slots = [Replica(i, folder, each, warm=warm) for i, each in enumerate(environments)]
        self._rng = rng
        #: Guards who is wanted and who is reserved; never held while something is waited for.
        self._lock = threading.Lock()
        self._closing = threading.Event()
        #: SIGKILLs by the phase that they hit.
        self.kills: Counter[str] = Counter()
        self.n_starts = 0
        #: What ended otherwise than it was told to.
        self.troubles: list[str] = []
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")

    def start(self, n_wanted: int) -> None:
        """Start supervising the first ``n_wanted`` slots."""
        for slot in self.slots[:n_wanted]:
            slot.wanted = True
        self._supervisor.start()

    def close(self) -> None:
        """Stop supervising, then end all daemons cleanly."""
        self._stop_supervising()
        for slot in self.slots:
            if slot.alive:
                self._end(slot, kill=False)

    def kill_all(self) -> None:
        """Kill all daemons."""
        self._stop_supervising()
        for slot in self.slots:
            if slot.alive:
                slot.end(signal.SIGKILL)

    @property
    def n_wanted(self) -> int:
        """Wanted number of replicas."""
        return sum(slot.wanted for slot in self.slots)

    def kill_one(self, aim: int | None, pick: float) -> bool:
        """Send SIGKILL to a replica, preferably in the phase ``aim``; return whether one ran."""
        phases = range(READING, len(PHASES)) if aim is None else (aim,)
        self.wait_for(phases)
        slot = self.reserve(pick, phases) or self.reserve(pick)
        if slot is None:
            return False
        try:
            return self._end(slot, kill=True) == -signal.SIGKILL
        finally:
            self.release(slot)

    def kill_slot(self, number: int) -> bool:
        """Send SIGKILL to the replica of a slot; return whether one ran."""
        slot = self.slots[number]
        with self._lock:
            if slot.reserved or not slot.alive:
                return False
            slot.reserved = True
        try:
            return self._end(slot, kill=True) == -signal.SIGKILL
        finally:
            self.release(slot)

    def wait_for(self, phases: Collection[int]) -> None:
        """Wait until a replica is in one of the phases, or for a timeout."""
        deadline = time.monotonic() + AIM_SECONDS
        while time.monotonic() < deadline:
            if any(slot.marks.phase in phases and slot.alive for slot in self.slots):
                return
            time.sleep(0.001)

    def scale(self, n_wanted: int, *, kill: bool) -> None:
        """Let replicas join, or leave by SIGTERM or SIGKILL."""
        with self._lock:
            for slot in self.slots:
                if not slot.wanted and not slot.reserved and self.n_wanted < n_wanted:
                    slot.wanted, slot.restart_at = True, 0.0
        while self.n_wanted > n_wanted:
            slot = next(slot for slot in reversed(self.slots) if slot.wanted)
            slot.wanted = False
            self._wait_and_end(slot, kill=kill)

    def end_all(self, *, kill: bool) -> list[Replica]:
        """End every replica; return the wanted ones."""
        with self._lock:
            wanted = [slot for slot in self.slots if slot.wanted]
            for slot in wanted:
                slot.wanted = False
        for slot in wanted:
            self._wait_and_end(slot, kill=kill)
        return wanted

    def reserve(self, pick: float, phases: Collection[int] = range(len(PHASES))) -> Replica | None:
        """Reserve a live replica in one of the phases."""
        with self._lock:
            candidates = [
                slot
                for slot in self.slots
                if slot.alive and not slot.reserved and slot.marks.phase in phases
            ]
            if not candidates:
                return None
            slot = candidates[int(pick * len(candidates))]
            slot.reserved = True
            return slot

    def release(self, slot: Replica) -> None:
        """Release a reserved replica."""
        with self._lock:
            slot.reserved = False

    def _wait_and_end(self, slot: Replica, *, kill: bool) -> None:
        while True:
            with self._lock:
                if not slot.reserved:
                    slot.reserved = True
                    break
            time.sleep(0.05)
        try:
            if slot.alive:
                self._end(slot, kill=kill)
        finally:
            self.release(slot)

    def _end(self, slot: Replica, *, kill: bool) -> int | None:
        """End a live replica, and record how it ended."""
        status = slot.end(signal.SIGKILL if kill else signal.SIGTERM)
        slot.restart_at = time.monotonic() + self._rng.uniform(0.0, 1.5)
        if kill and status == -signal.SIGKILL:
            self.kills[PHASES[slot.marks.phase]] += 1
        # Before the command has set its handler, SIGTERM just ends it: nothing was read yet.
        elif status != 0 and not (status == -signal.SIGTERM and slot.marks.phase == STARTING):
            self.troubles.append(f"replica {slot.number} ended with {status}, see {slot.log.name}")
        return status

    def _supervise(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            with self._lock:
                for slot in self.slots:
                    if slot.wanted and not slot.reserved and not slot.alive:
                        self._restart(slot)

    def _restart(self, slot: Replica) -> None:
        if slot.process is not None:
            status, slot.process = slot.process.returncode, None
            self.troubles.append(f"replica {slot.number} ended by itself with {status}")
        if time.monotonic() >= slot.restart_at:
            slot.start()
            self.n_starts += 1

    def _stop_supervising(self) -> None:
        self._closing.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
