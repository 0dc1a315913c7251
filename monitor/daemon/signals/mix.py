"""Task types among the exchanges that have one, and those that others displaced."""

import numpy as np

from monitor.daemon.signals.history import Days, History, Hours, days_of
from monitor.statistics.coverage import Coverage, has_fallen
from monitor.store.signals.counts import SAMPLED, TRAFFIC, Signal

TASK_TYPE = "task type"


def carriers_of(history: History, signal: Signal) -> tuple[Hours, Hours]:
    """Return the traffic and the sample that can have a signal: each ``[n_hours]``.

    Of a task type it is what has any: where the field is missing, none of its values is.
    """
    traffic, sampled = history.of(TRAFFIC), history.of(SAMPLED)
    if signal.kind != TASK_TYPE:
        return traffic, sampled
    typed = np.minimum(history.of(Signal("field", TASK_TYPE)), traffic)
    shares = np.divide(typed, traffic, out=np.zeros_like(traffic), where=traffic > 0)
    return typed, sampled * shares


def is_displaced(history: History, signal: Signal, n_days: int, usual: Days) -> bool:
    """Return whether a task type is rarer as others took its place: drift tells of that.

    Among all types, each counted at most as often as usual, it comes as often as it did. One that
    does not come at all is missing.
    """
    own = days_of(history.of(signal))
    if signal.kind != TASK_TYPE or not own[:n_days].any():
        return False
    types = [days_of(history.of(name)) for name in history.names if name.kind == TASK_TYPE]
    before = sum(days[usual].mean() for days in types)
    now = sum(min(days[:n_days].mean(), days[usual].mean()) for days in types)
    sampled, traffic = (days_of(history.of(name)) for name in (SAMPLED, TRAFFIC))
    n_before = len(usual) * sampled[usual].sum() / traffic[usual].sum()
    n_now = n_days * sampled[:n_days].sum() / traffic[:n_days].sum()
    return not has_fallen(
        Coverage(own[usual].mean() * n_before, before * n_before),
        Coverage(own[:n_days].mean() * n_now, now * n_now),
    )
