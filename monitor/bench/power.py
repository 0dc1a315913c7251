"""How often planted drift is found."""

from collections.abc import Iterator

from monitor.bench.campaign import Study
from monitor.bench.figure import Figure, missing, share
from monitor.bench.windows import Draw

#: Windows, alpha, and the power that is to be reached.
ROWS = (
    (Draw("oos", 1_000, 1_000, 0.05), 0.05, 0.95),
    (Draw("domain", 1_000, 1_000, 0.05), 0.05, 0.85),
    (Draw("topic", 1_000, 1_000, 0.02), 0.05, 0.75),
    (Draw("surge", 1_000, 1_000, 0.10), 0.05, 0.80),
    (Draw("oos", 7_000, 7_000, 0.02), 0.01, 0.97),
    (Draw("domain", 7_000, 7_000, 0.02), 0.01, 0.97),
    (Draw("topic", 7_000, 7_000, 0.02), 0.01, 0.97),
    (Draw("oos", 7_000, 7_000, 0.01), 0.05, 0.80),
    (Draw("domain", 7_000, 7_000, 0.01), 0.05, 0.80),
    (Draw("topic", 7_000, 7_000, 0.01), 0.05, 0.80),
)


def power(study: Study) -> Iterator[Figure]:
    """Yield the rejection rates under planted drift."""
    for what, alpha, goal in ROWS:
        name = f"power at {alpha:g}, {what.drift}, {what.sizes}"
        if why := study.why_not(what):
            yield missing(name, why, at_least=study.power_goal(goal))
            continue
        outcomes = study.measure(what, study.plan.power_trials)
        hits = sum(outcome.p_value <= alpha for outcome in outcomes)
        at_least = study.power_goal(goal)
        yield share(name, hits, len(outcomes), study.how(outcomes), at_least=at_least)
