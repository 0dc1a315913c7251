"""Precision of novelty and clusters: whether they locate the planted drift."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, mean, missing, share
from monitor.bench.trial import Outcome
from monitor.bench.windows import WindowSpec

N = 5_000
#: Windows, and the goal of the precision among the first 50.
ROWS = (
    (WindowSpec("domain", N, N, 0.02), 0.85),
    (WindowSpec("topic", N, N, 0.02), 0.97),
    (WindowSpec("oos", N, N, 0.05), 0.87),
)


def location(campaign: Campaign) -> Iterator[Figure]:
    """Yield the precision at 50, and the precision and coverage of the clusters."""
    all_outcomes: list[Outcome] = []
    topics: list[Outcome] = []
    for spec, goal in ROWS:
        name = f"precision at 50, {spec.drift}, {spec.sizes}"
        if why := campaign.skip_reason(spec):
            yield missing(name, why, at_least=campaign.power_goal(goal))
            continue
        outcomes = campaign.measure(spec, campaign.plan.location_trials, locate=True)
        precisions = [outcome.precision for outcome in outcomes]
        goal_here = campaign.power_goal(goal)
        yield mean(name, precisions, campaign.provenance(outcomes), largest=1.0, at_least=goal_here)
        all_outcomes.extend(outcomes)
        if spec.kind != "oos":  # scattered queries are not a topic
            topics.extend(outcomes)
    yield from _clusters(all_outcomes, topics, campaign.power_goal(0.90))


def _clusters(
    all_outcomes: list[Outcome], topics: list[Outcome], topic_goal: float | None
) -> Iterator[Figure]:
    n_clusters = sum(outcome.n_clusters for outcome in all_outcomes)
    windows = f"the clusters of {len(all_outcomes)} windows above"
    name = "drifted clusters that are really enriched (more planted than the window)"
    if n_clusters:
        hits = sum(outcome.n_enriched for outcome in all_outcomes)
        yield share(name, hits, n_clusters, windows, at_least=0.95)
        hits = sum(outcome.n_mostly_planted for outcome in all_outcomes)
        yield share("drifted clusters of which half is planted", hits, n_clusters, windows)
    else:
        yield missing(name, "no cluster was reported", at_least=0.95)
    name = "planted topics found at 2% (a cluster of which half is planted)"
    if topics:
        hits = sum(outcome.n_mostly_planted > 0 for outcome in topics)
        how = "windows with 2% of a new domain or intent"
        yield share(name, hits, len(topics), how, at_least=topic_goal)
        covered = [outcome.coverage for outcome in topics]
        yield mean("planted samples that lie in a drifted cluster", covered, how, largest=1.0)
    else:
        yield missing(name, "no window was measured", at_least=topic_goal)
