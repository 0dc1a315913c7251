"""Power: detection rates of planted drift."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, missing, share
from monitor.bench.windows import WindowSpec

#: Windows, alpha, and the goal of the power.
ROWS = (
    (WindowSpec("oos", 1_000, 1_000, 0.05), 0.05, 0.95),
    (WindowSpec("domain", 1_000, 1_000, 0.05), 0.05, 0.85),
    (WindowSpec("topic", 1_000, 1_000, 0.02), 0.05, 0.75),
    (WindowSpec("surge", 1_000, 1_000, 0.10), 0.05, 0.80),
    (WindowSpec("oos", 7_000, 7_000, 0.02), 0.01, 0.97),
    (WindowSpec("domain", 7_000, 7_000, 0.02), 0.01, 0.97),
    (WindowSpec("topic", 7_000, 7_000, 0.02), 0.01, 0.97),
    (WindowSpec("oos", 7_000, 7_000, 0.01), 0.05, 0.80),
    (WindowSpec("domain", 7_000, 7_000, 0.01), 0.05, 0.80),
    (WindowSpec("topic", 7_000, 7_000, 0.01), 0.05, 0.80),
)


def power(campaign: Campaign) -> Iterator[Figure]:
    """Yield the rejection rates under planted drift."""
    for spec, alpha, goal in ROWS:
        name = f"power at {alpha:g}, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=campaign.power_goal(goal))
            continue
        outcomes = campaign.measure(spec, campaign.plan.power_trials)
        hits = sum(outcome.p_value <= alpha for outcome in outcomes)
        at_least = campaign.power_goal(goal)
        yield share(name, hits, len(outcomes), campaign.provenance(outcomes), at_least=at_least)
