"""Faults of a site, with the alerts that must fire for each."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta

from tests.alarms.site import Site, midnight

#: Of the row of a partition: whoever advances its offset waits.
LOCK_A_PARTITION = "SELECT * FROM source_offsets WHERE partition = 0 FOR UPDATE"
#: As a migration or a careless VACUUM FULL holds it.
LOCK_INCIDENTS = "LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE"


@dataclass(frozen=True)
class Fault:
    """A fault of a site, which lasts while its context is open."""

    name: str
    #: Alerts that must fire, each of them.
    alerts: frozenset[str]
    inject: Callable[[Site], AbstractContextManager[object]]
    #: Alerts that may fire too, as consequences.
    may_fire: frozenset[str] = frozenset()


class _Held(ExitStack):
    """A context of callbacks."""


def _kill(site: Site) -> AbstractContextManager[object]:
    port, held = site.require_leader(), _Held()
    site.daemons[port].kill()
    site.daemons[port].wait()
    held.callback(site.start, port)
    return held


def _freeze(site: Site) -> AbstractContextManager[object]:
    process, held = site.daemons[site.require_leader()], _Held()
    process.send_signal(signal.SIGSTOP)
    held.callback(process.send_signal, signal.SIGCONT)
    return held


def _stop_kafka(site: Site) -> AbstractContextManager[object]:
    held = _Held()
    site.broker.kill()
    held.callback(site.broker.start)
    return held


def _refuse_messages(site: Site) -> AbstractContextManager[object]:
    held = _Held()
    site.slack.is_member = False
    held.callback(setattr, site.slack, "is_member", True)
    site.call("incidents", "ack", "1", "--as", "kim")
    return held


def _crash_an_evaluation(site: Site) -> AbstractContextManager[object]:
    """Let a window crash for which traffic arrives late: the newest one was evaluated."""
    held, end = _Held(), midnight() - timedelta(days=1)
    site.set_evaluation_fault("chat", "crash", end)
    site.produce("chat", end - timedelta(days=1), 20)
    # The daemon repeats it after an hour, divided.
    held.callback(site.mend_evaluations)
    return held


def _hang_an_evaluation(site: Site) -> AbstractContextManager[object]:
    held = _Held()
    site.set_evaluation_fault("shop", "hang", midnight() - timedelta(days=1))
    for days in (2, 1):
        site.produce("shop", midnight() - timedelta(days=days), 20)
    held.callback(site.mend_evaluations)
    return held


def _fill_the_disk(site: Site) -> AbstractContextManager[object]:
    held = _Held()
    site.disk.fill()
    held.callback(site.disk.free)
    return held


FAULTS = (
    Fault("the leader is killed", frozenset({"DriftwardenDown"}), _kill),
    Fault("the leader is frozen", frozenset({"DriftwardenDown"}), _freeze),
    Fault(
        "the leader's jobs hang on a lock",
        frozenset({"DriftwardenNotMeasured"}),
        lambda site: site.lock(LOCK_INCIDENTS),
    ),
    Fault(
        "Kafka is stopped",
        frozenset({"DriftwardenLagNotMeasured"}),
        _stop_kafka,
        # The last known lag stays; where it was not 0, records wait.
        may_fire=frozenset({"DriftwardenIngestStalled"}),
    ),
    Fault(
        "a partition is stuck",
        frozenset({"DriftwardenIngestStalled"}),
        lambda site: site.lock(LOCK_A_PARTITION),
    ),
    Fault(
        "Slack refuses",
        frozenset({"DriftwardenAlertsStuck", "DriftwardenChannelFailing"}),
        _refuse_messages,
    ),
    Fault("an evaluation fails", frozenset({"DriftwardenEvaluationFailed"}), _crash_an_evaluation),
    Fault("an evaluation is overdue", frozenset({"DriftwardenNotEvaluating"}), _hang_an_evaluation),
    Fault(
        "the disk is full",
        frozenset({"DriftwardenDiskFull", "DriftwardenIngestStalled"}),
        _fill_the_disk,
        may_fire=frozenset({"DriftwardenJobFailing", "DriftwardenNotMeasured"}),
    ),
)
