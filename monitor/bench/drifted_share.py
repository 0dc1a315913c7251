"""Validity and size of the lower bound of the drifted share."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, mean, missing
from monitor.bench.windows import WindowSpec

N = 5_000
TENTHS = (WindowSpec("oos", N, N, 0.10), WindowSpec("domain", N, N, 0.10))


def drifted_share(campaign: Campaign) -> Iterator[Figure]:
    """Yield the mean of the bound at a true 10%, and its error rates over all windows."""
    for spec in TENTHS:
        name = f"mean bound of the drifted share, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=campaign.power_goal(0.06))
            continue
        outcomes = campaign.measure(spec, campaign.plan.location_trials)
        bounds = [outcome.drifted_share_lower_bound for outcome in outcomes]
        goal = campaign.power_goal(0.06)
        yield mean(name, bounds, campaign.provenance(outcomes), largest=1.0, at_least=goal)
    for kind, chosen in (
        ("drift-free", [trial for trial in campaign.outcomes if trial.drifted_share == 0.0]),
        ("drifted", [trial for trial in campaign.outcomes if trial.drifted_share > 0.0]),
    ):
        name = f"bound exceeds the true drifted share, {kind} windows"
        if not chosen:
            yield missing(name, "no window was measured", at_most=0.05)
            continue
        hits = sum(outcome.bound_exceeds_truth for outcome in chosen)
        yield error_rate(name, hits, len(chosen), 0.05, "all windows of this data set")
