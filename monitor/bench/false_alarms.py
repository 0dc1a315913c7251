"""False alarm rates on windows without drift."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, missing, share
from monitor.bench.trial import Outcome
from monitor.bench.windows import WindowSpec
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS

ALPHAS = (0.05, 0.01)
SIZES = (500, 2_000, 7_000)
UNEQUAL = ((2_000, 20_000), (20_000, 500))
MESSAGES_PER_USER = 5
#: Half an alarm in a year.
MAX_ALARMS_A_WEEK = 0.5 / 52

#: The name of each row, and its windows.
ROWS = (
    *(
        row
        for n in SIZES
        for row in (
            ("independent samples", WindowSpec("none", n, n)),
            (
                f"{MESSAGES_PER_USER} messages a user, groups given",
                WindowSpec("none", n, n, 0.0, 5),
            ),
        )
    ),
    *(("independent samples", WindowSpec("none", *sizes)) for sizes in UNEQUAL),
)


def false_alarms(campaign: Campaign) -> Iterator[Figure]:
    """Yield the rejection rates under the null hypothesis, and the rate of alarms of the daemon."""
    all_outcomes: list[Outcome] = []
    for kind, spec in ROWS:
        names = [f"false alarms at {alpha:g}, {kind}, {spec.sizes}" for alpha in ALPHAS]
        if why := campaign.skip_reason(spec):
            yield from (missing(name, why) for name in names)
            continue
        outcomes = campaign.measure(spec, campaign.plan.null_trials)
        all_outcomes += outcomes
        for name, alpha in zip(names, ALPHAS, strict=True):
            hits = sum(outcome.p_value <= alpha for outcome in outcomes)
            yield error_rate(name, hits, len(outcomes), alpha, campaign.provenance(outcomes))
    if all_outcomes:
        yield _daemon_alarms(all_outcomes)


def _daemon_alarms(outcomes: list[Outcome]) -> Figure:
    """Return the share of alarms by the daemon's rule: significant, with a large drifted share."""
    drift = Drift()
    hits = sum(outcome.alarm for outcome in outcomes)
    settings = f"p <= {DEFAULT_LEVELS.input:g}, drifted share >= {drift.min_drifted_share:g}"
    return share(
        f"alarms at the daemon's settings ({settings}), all windows above",
        hits,
        len(outcomes),
        "the goal is half an alarm in 52 weeks",
        at_most=MAX_ALARMS_A_WEEK,
    )
