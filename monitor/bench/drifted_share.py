"""Bias and coverage of the estimate of the drifted share."""

from collections.abc import Iterator, Sequence

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, covered_share, mean, missing
from monitor.bench.trial import Outcome
from monitor.bench.windows import WindowSpec

SIZES = (3_000, 7_000)
SHARES = (0.02, 0.05, 0.10)
MIXTURES = tuple(
    WindowSpec(kind, n, n, share)
    for n in SIZES
    for kind in ("oos", "domain", "topic")
    for share in SHARES
)
#: The mean of the estimate lies within a fifth of the truth.
MAX_BIAS = 0.2
MIN_COVERAGE, MAX_COVERAGE = 0.93, 0.97


def drifted_share(campaign: Campaign) -> Iterator[Figure]:
    """Yield the bias of the estimate for each kind of drift, and the coverage of its interval."""
    drifted: list[Outcome] = []
    for spec in MIXTURES:
        name = f"mean estimate over the truth, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=campaign.power_goal(1 - MAX_BIAS))
            continue
        outcomes = campaign.measure(spec, campaign.plan.location_trials)
        drifted += outcomes
        ratios = [outcome.estimate / outcome.drifted_share for outcome in outcomes]
        yield mean(
            name,
            ratios,
            campaign.provenance(outcomes),
            at_least=campaign.power_goal(1 - MAX_BIAS),
            at_most=campaign.power_goal(1 + MAX_BIAS),
        )
    unchanged = [trial for trial in campaign.outcomes if trial.drifted_share == 0.0]
    yield _coverage("interval contains the drifted share, mixtures", drifted, MAX_COVERAGE)
    yield _coverage("interval contains 0, windows without drift", unchanged, 1.0)


def _coverage(name: str, outcomes: Sequence[Outcome], at_most: float) -> Figure:
    if not outcomes:
        return missing(name, "no window was measured", at_least=MIN_COVERAGE)
    hits = sum(outcome.covers_truth for outcome in outcomes)
    return covered_share(
        name, hits, len(outcomes), "all windows of this data set", (MIN_COVERAGE, at_most)
    )
