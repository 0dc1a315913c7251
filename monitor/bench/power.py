"""Power: how often windows with planted drift alarm at the default settings."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, missing, reached_share, share
from monitor.bench.windows import WindowSpec

#: Windows, and the goal of the share that alarms.
ROWS = (
    (WindowSpec("oos", 1_000, 1_000, 0.05), 0.75),
    (WindowSpec("oos", 1_000, 1_000, 0.10), 0.98),
    (WindowSpec("domain", 1_000, 1_000, 0.05), 0.62),
    (WindowSpec("topic", 1_000, 1_000, 0.02), 0.55),
    (WindowSpec("oos", 3_000, 3_000, 0.05), 0.99),
    (WindowSpec("oos", 3_000, 3_000, 0.02), 0.80),
    (WindowSpec("topic", 3_000, 3_000, 0.015), 0.75),
    (WindowSpec("oos", 7_000, 7_000, 0.02), 0.98),
    (WindowSpec("domain", 7_000, 7_000, 0.02), 0.98),
    (WindowSpec("topic", 7_000, 7_000, 0.02), 0.98),
    (WindowSpec("oos", 7_000, 7_000, 0.01), 0.55),
    (WindowSpec("topic", 7_000, 7_000, 0.01), 0.85),
)
#: Windows of a surge of a known domain, the level of the test, and the goal of its power.
SURGE = (WindowSpec("surge", 1_000, 1_000, 0.10), 0.05, 0.80)


def power(campaign: Campaign) -> Iterator[Figure]:
    """Yield the rates of alarms under planted drift."""
    for spec, goal in ROWS:
        name = f"alarms, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=campaign.power_goal(goal))
            continue
        outcomes = campaign.measure(spec, campaign.plan.power_trials)
        hits = sum(outcome.alarm for outcome in outcomes)
        at_least = campaign.power_goal(goal)
        yield reached_share(
            name, hits, len(outcomes), campaign.provenance(outcomes), at_least=at_least
        )
    spec, alpha, goal = SURGE
    name = f"power at {alpha:g}, {spec.drift}, {spec.sizes}"
    if why := campaign.skip_reason(spec):
        yield missing(name, why, at_least=campaign.power_goal(goal))
        return
    outcomes = campaign.measure(spec, campaign.plan.power_trials)
    hits = sum(outcome.p_value <= alpha for outcome in outcomes)
    yield share(
        name,
        hits,
        len(outcomes),
        campaign.provenance(outcomes),
        at_least=campaign.power_goal(goal),
    )
