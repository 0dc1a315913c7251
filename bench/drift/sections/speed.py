"""Time of driftwarden and of kernel tests, as ratios on the same cores.

The ratios are of wall-clock time. Where other work runs, the CPU times are more reliable.
"""

from collections.abc import Iterator

from bench.drift.limited_process import Completed, run_limited
from bench.drift.peers.methods import OURS, PERMUTATION_MMD
from bench.drift.peers.permutation_mmd import Form
from bench.drift.plan import DriftPlan
from bench.drift.sections.timing import Timing, time_method, time_permutation_mmd
from monitor.bench.figure import Figure, missing, single

EVIDENTLY = ("Evidently mmd", "Evidently mmd, bootstrap")
#: Goal: the speed-up over the permutation test as it is usually written, at a size per side.
GOAL, GOAL_SIZE = 50.0, 10_000
#: Least time limit of the calls whose time is required.
MIN_LIMIT_SECONDS = 120.0


def speed(plan: DriftPlan, seed: int) -> Iterator[Figure]:
    """Yield the ratio of the time of each rival to that of driftwarden, by size."""
    limit = max(MIN_LIMIT_SECONDS, plan.limit_seconds)
    for n in plan.speed_sizes:
        ours = run_limited(time_method, OURS, n, seed, seconds=limit)
        title = f"time of {OURS}, n = {n:,} + {n:,}"
        if not isinstance(ours, Completed):
            yield missing(title, ours.reason)
            continue
        how = f"{ours.value}, fastest of a few, seed {seed}"
        yield single(title, ours.value.seconds, how, unit="s")
        for rival in EVIDENTLY:
            yield _against_evidently(rival, n, seed, ours.value, plan.limit_seconds)
        for form in Form:
            name = f"times faster than {PERMUTATION_MMD}, {form}, n = {n:,} + {n:,}"
            goal = GOAL if n == GOAL_SIZE and form is Form.REORDERED else None
            theirs = run_limited(time_permutation_mmd, form, n, seed, seconds=limit)
            if isinstance(theirs, Completed):
                timing, how = theirs.value
                ratio = timing.seconds / ours.value.seconds
                how = f"{timing} ({how}) against {ours.value}"
                yield single(name, ratio, how, unit="x", at_least=goal)
            else:
                yield missing(name, theirs.reason, at_least=goal)


def _against_evidently(rival: str, n: int, seed: int, ours: Timing, limit: float) -> Figure:
    name = f"times faster than {rival}, n = {n:,} + {n:,}"
    theirs = run_limited(time_method, rival, n, seed, seconds=limit)
    if isinstance(theirs, Completed):
        how = f"{theirs.value} against {ours}"
        return single(name, theirs.value.seconds / ours.seconds, how, unit="x")
    if theirs.timed_out:
        return single(name, limit / ours.seconds, f"or more: it {theirs.reason}", unit="x")
    return missing(name, theirs.reason)
