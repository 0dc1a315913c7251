"""driftwarden's time against the kernel tests', as ratios on the same cores.

The ratios are of the time on the wall. Where other work disturbs that, the CPU times beside it tell
more.
"""

from collections.abc import Iterator

from monitor.bench.child import Done, run_limited
from monitor.bench.figure import Figure, missing, single
from monitor.bench.peers.methods import OURS, PERMUTATION_MMD, PERMUTATION_MMD_ONE_BY_ONE
from monitor.bench.plan import Plan
from monitor.bench.sections.timing import time_method

RIVALS = (
    "Evidently mmd",
    "Evidently mmd, bootstrap",
    PERMUTATION_MMD,
    PERMUTATION_MMD_ONE_BY_ONE,
)
#: How many times faster than the permutation test, at how many samples a side.
GOAL, GOAL_SIZE = 50.0, 10_000
#: Seconds that driftwarden has at least: without its time there is no ratio.
OUR_LIMIT = 60.0


def speed(plan: Plan, seed: int) -> Iterator[Figure]:
    """Yield the ratio of each rival's time to driftwarden's at each size."""
    for n in plan.speed_sizes:
        ours = run_limited(time_method, OURS, n, seed, seconds=max(OUR_LIMIT, plan.limit_seconds))
        title = f"time of {OURS}, n = {n:,} + {n:,}"
        if not isinstance(ours, Done):
            yield missing(title, ours.reason)
            continue
        how = f"{ours.value}, fastest of a few, seed {seed}"
        yield single(title, ours.value.seconds, how, unit="s")
        for rival in RIVALS:
            theirs = run_limited(time_method, rival, n, seed, seconds=plan.limit_seconds)
            name = f"times faster than {rival}, n = {n:,} + {n:,}"
            goal = GOAL if n == GOAL_SIZE and rival.startswith(PERMUTATION_MMD) else None
            if isinstance(theirs, Done):
                how = f"{theirs.value} against {ours.value}"
                ratio = theirs.value.seconds / ours.value.seconds
                yield single(name, ratio, how, unit="x", at_least=goal)
            elif theirs.timed_out:
                ratio = plan.limit_seconds / ours.value.seconds
                yield _at_least(name, ratio, theirs.reason, goal)
            else:
                yield missing(name, theirs.reason, at_least=goal)


def _at_least(name: str, ratio: float, reason: str, goal: float | None) -> Figure:
    """Return the ratio that a rival which was given up had reached: a lower bound."""
    found = single(name, ratio, f"or more: it {reason}", unit="x", at_least=goal)
    if found.holds is False:  # it might have been slow enough
        return Figure(found.name, ratio, found.measured, found.unit, None, found.goal, None)
    return found
