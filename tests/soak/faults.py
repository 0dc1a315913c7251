"""Execution of the planned faults."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.soak.broker import Broker
from tests.soak.database import Database
from tests.soak.evidence import POLLS_EXPIRED
from tests.soak.ledger import Cut, Ledger
from tests.soak.marks import COMMITTING, EMBEDDING, PHASES, READING, STARTING, STORING
from tests.soak.plan import Fault, Kill
from tests.soak.replica import N_SLOTS, Replica
from tests.soak.replicas import Replicas
from tests.soak.settings import MAX_POLL_INTERVAL_SECONDS, SESSION_TIMEOUT_SECONDS

#: How long a fault waits for what must come.
PATIENCE_SECONDS = 120.0
#: Consumers that are held before it is given up that one leaves.
MOST_HOLDS = 4
#: A retention cut waits until so many records of a partition are unread.
LEAST_UNREAD = 20
#: And deletes at most so many.
MOST_CUT = 500
#: A broker that has anything answers a fetch within half a second: what comes to it later than
#: this waits for the next fetch.
FETCH_SECONDS = 1.0


class Faults:
    """Applies faults to services and replicas."""

    def __init__(
        self,
        broker: Broker,
        database: Database,
        replicas: Replicas,
        ledger: Ledger,
        stop: threading.Event,
    ) -> None:
        self._broker = broker
        self._database = database
        self._replicas = replicas
        self._ledger = ledger
        self._stop = stop
        #: Faults by kind, as they happened.
        self.done: Counter[str] = Counter()
        self._actions: dict[str, Callable[[float], object]] = {
            "replicas join": self._join,
            "replicas leave by SIGTERM": lambda pick: self._leave(pick, kill=False),
            "replicas leave by SIGKILL": lambda pick: self._leave(pick, kill=True),
            "broker stopped and started": lambda pick: self._broker_away(pick, kill=False),
            "broker killed and started": lambda pick: self._broker_away(pick, kill=True),
            "PostgreSQL stopped and started": self._database_away,
            "connections to PostgreSQL cut": self._cut_connections,
            "consumer held past its poll interval": self._hold,
            "process frozen past its session": self._freeze,
            "retention cut while nobody runs": self._cut_unattended,
            "retention cut under load": self._cut_attended,
        }

    def strike(self, fault: Fault) -> None:
        """Apply one fault from begin to end."""
        self._actions[fault.kind](fault.pick)
        self.done[fault.kind] += 1

    def kill(self, kill: Kill) -> None:
        """Send SIGKILL to a replica, once there is one."""
        self._until(lambda: self._replicas.kill_one(kill.aim, kill.pick), "a replica to kill")

    def _join(self, pick: float) -> None:
        if self._replicas.n_wanted == N_SLOTS:
            self._replicas.scale(1, kill=pick < 0.5)
        self._replicas.scale(N_SLOTS if pick < 0.7 else 2, kill=False)

    def _leave(self, pick: float, *, kill: bool) -> None:
        self._at_least_two()
        self._replicas.scale(1 + int(pick * (self._replicas.n_wanted - 1)), kill=kill)

    def _broker_away(self, pick: float, *, kill: bool) -> None:
        with self._broker.steady:
            self._broker.go_away(kill=kill)
            try:
                self._stop.wait(5 * pick)
            finally:
                self._broker.come_back()

    def _database_away(self, pick: float) -> None:
        self._database.stop()
        try:
            self._stop.wait(1 + 7 * pick)
        finally:
            self._database.start()

    def _cut_connections(self, pick: float) -> None:
        """Cut connections during transactions and at other times."""
        for phases in ((STORING,), (COMMITTING,), range(len(PHASES))):
            self._replicas.wait_for(phases)
            self._until(self._database.cut_connections, "connections to cut")
            self._stop.wait(2 * pick)

    def _hold(self, pick: float) -> None:
        """Keep a replica from polling, heartbeats going on, until it leaves the group itself.

        One that is held while the group is being put together anew is not a member that could
        leave: then another one is held.
        """
        for _ in range(MOST_HOLDS):
            slot = self._reserve_at_work(pick)
            before = slot.count_in_log(POLLS_EXPIRED)
            slot.marks.held = True
            try:
                # Whether the interval is over is looked at with each heartbeat.
                self._stop.wait(MAX_POLL_INTERVAL_SECONDS + SESSION_TIMEOUT_SECONDS / 2 + 3 * pick)
            finally:
                slot.marks.held = False
                self._replicas.release(slot)
            if slot.count_in_log(POLLS_EXPIRED) > before:
                return
        raise RuntimeError(f"of {MOST_HOLDS} consumers that didn't poll none left the group")

    def _freeze(self, pick: float) -> None:
        """Freeze a replica with a batch in progress: it wakes up as a former owner."""
        slot = self._reserve_at_work(pick)
        slot.freeze()
        try:
            self._stop.wait(SESSION_TIMEOUT_SECONDS + 1 + 4 * pick)
        finally:
            slot.thaw()
            self._replicas.release(slot)

    def _cut_unattended(self, pick: float) -> None:
        """Delete unread records while no replica runs: the gap is known exactly."""
        self._until(self._all_claimed, "the first read of every partition")
        wanted = self._replicas.end_all(kill=pick < 0.5)
        try:
            self._until(lambda: self._database.n_connections() == 0, "the last commit")
            stored = self._database.next_offsets()
            cuts = self._cut(stored, pick)
            self._ledger.cuts += [Cut(p, before, stored[p]) for p, before in cuts.items()]
        finally:
            for slot in wanted:
                slot.wanted = True
        self._until_behind(cuts)

    def _cut_attended(self, pick: float) -> None:
        """Delete unread records while the replicas with a batch wait for the database."""
        self._until(self._all_claimed, "the first read of every partition")
        self._database.stop()
        try:
            self._replicas.wait_for((STORING,))
            cuts = self._cut_before_frozen(pick)
            self._ledger.cuts += [Cut(p, before, None) for p, before in cuts.items()]
        finally:
            self._database.start()
        self._until_behind(cuts)

    def _cut_before_frozen(self, pick: float) -> dict[int, int]:
        """Delete records that arrived while all replicas were frozen, so none has read them."""
        frozen = self._freeze_all()
        try:
            self._stop.wait(FETCH_SECONDS)
            return self._cut(self._broker.ends(), pick)
        finally:
            for slot in frozen:
                slot.thaw()
                self._replicas.release(slot)

    def _freeze_all(self) -> list[Replica]:
        """Freeze all running replicas; a replica that starts meanwhile waits for the database."""
        frozen = list(iter(lambda: self._replicas.reserve(0.0), None))
        for slot in frozen:
            slot.freeze()
        return frozen

    def _cut(self, unread_from: dict[int, int], pick: float) -> dict[int, int]:
        """Delete from some partitions once enough is unread; return their new starts."""
        partitions = sorted(unread_from)[int(pick * 2) :: 2]

        def unread() -> bool:
            ends = self._broker.ends()
            return all(ends[p] - unread_from[p] >= LEAST_UNREAD for p in partitions)

        self._until(unread, "unread records")
        ends = self._broker.ends()
        cuts = {
            p: unread_from[p] + 1 + int(pick * min(ends[p] - unread_from[p], MOST_CUT))
            for p in partitions
        }
        self._broker.delete_before(cuts)
        return cuts

    def _until_behind(self, cuts: dict[int, int]) -> None:
        def behind() -> bool:
            now = self._database.next_offsets()
            return all(now[p] >= before for p, before in cuts.items())

        self._until(behind, "reading on behind the deleted records")

    def _all_claimed(self) -> bool:
        return len(self._database.next_offsets()) == self._broker.n_partitions

    def _at_least_two(self) -> None:
        """Ensure that another replica can take over."""
        if self._replicas.n_wanted == 1:
            self._replicas.scale(N_SLOTS, kill=False)
        self._until(lambda: self._n_started() > 1, "a second replica")

    def _n_started(self) -> int:
        return sum(slot.alive and slot.marks.phase != STARTING for slot in self._replicas.slots)

    def _reserve_at_work(self, pick: float) -> Replica:
        """Reserve a replica with a batch in progress, if another can take over."""
        self._at_least_two()
        self._replicas.wait_for((EMBEDDING,))
        return self._replicas.reserve(pick, (EMBEDDING,)) or self._reserve(pick)

    def _reserve(self, pick: float) -> Replica:
        result: list[Replica | None] = [None]

        def reserve() -> bool:
            result[0] = self._replicas.reserve(pick, range(READING, len(PHASES)))
            return result[0] is not None

        self._until(reserve, "a replica at work")
        return result[0]

    def _until(self, condition: Callable[[], object], subject: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self._stop.wait(0.1):
                raise InterruptedError(f"stopped while waiting for {subject}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{subject}: nothing within {PATIENCE_SECONDS:g} s")
