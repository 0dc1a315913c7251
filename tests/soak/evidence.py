"""Evidence of the faults, from the harness and from the daemons' logs."""

import json
from collections import Counter
from dataclasses import dataclass

from tests.soak.marks import EMBEDDING, PHASES
from tests.soak.replicas import Replicas

#: How kafka-python's line begins when a consumer leaves the group because nobody polls.
POLLS_EXPIRED = "Consumer poll timeout has expired"
#: How an event in a daemon's log begins, and what it shows.
EVENTS = {
    "batch_rolled_back": "batches rolled back by compare-and-swap",
    "database_unavailable": "batches that waited for PostgreSQL",
    "poll_failed": "polls that failed",
    POLLS_EXPIRED: "consumers that left for want of polls",
}


@dataclass(frozen=True)
class Evidence:
    """Counts of the faults."""

    faults: Counter[str]
    #: SIGKILLs by the phase that they hit.
    kills: Counter[str]
    n_starts: int
    #: Times that a replica was given partitions.
    n_rebalances: int
    events: Counter[str]

    @property
    def n_kills_at_work(self) -> int:
        """SIGKILLs that hit a daemon during a batch."""
        return sum(self.kills[phase] for phase in PHASES[EMBEDDING:])


def read_evidence(replicas: Replicas, faults: Counter[str]) -> Evidence:
    """Read the logs of all daemons."""
    events: Counter[str] = Counter()
    n_rebalances = 0
    for slot in replicas.slots:
        if not slot.log.exists():
            continue
        for line in slot.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a line that a SIGKILL cut, or two at once
            if not isinstance(entry, dict):
                continue
            event = str(entry.get("event"))
            n_rebalances += event == "partitions_rebalanced" and entry.get("change") == "assigned"
            events.update(page for begin, page in EVENTS.items() if event.startswith(begin))
    return Evidence(faults, replicas.kills, replicas.n_starts, n_rebalances, events)
