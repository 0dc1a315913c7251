"""How often windows without drift alarm."""

from collections.abc import Iterator

from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, error_rate, missing, share
from monitor.bench.trial import Outcome
from monitor.bench.windows import WindowSpec
from monitor.settings import Drift

ALPHAS = (0.05, 0.01)
SIZES = (500, 2_000, 7_000)
UNEQUAL = ((2_000, 20_000), (20_000, 500))
MESSAGES_PER_USER = 5
#: Half an alarm in a year.
MOST_ALARMS_A_WEEK = 0.5 / 52

#: What each row is called, and its windows.
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
    """Yield the rejection rates under the null hypothesis, and how often somebody was woken."""
    judged: list[Outcome] = []
    for kind, spec in ROWS:
        names = [f"false alarms at {alpha:g}, {kind}, {spec.sizes}" for alpha in ALPHAS]
        if why := campaign.skip_reason(spec):
            yield from (missing(name, why) for name in names)
            continue
        outcomes = campaign.measure(spec, campaign.plan.null_trials)
        judged += outcomes
        for name, alpha in zip(names, ALPHAS, strict=True):
            hits = sum(outcome.p_value <= alpha for outcome in outcomes)
            yield error_rate(name, hits, len(outcomes), alpha, campaign.how(outcomes))
    if judged:
        yield _woken(judged)


def _woken(outcomes: list[Outcome]) -> Figure:
    """Return the share that alarms as the daemon does: significant, and of enough mass."""
    drift = Drift()
    hits = sum(
        one.p_value <= drift.alpha and one.drifted_share_lower_bound >= drift.min_drifted_share
        for one in outcomes
    )
    settings = f"p <= {drift.alpha:g} and a mass of {drift.min_drifted_share:g} or more"
    return share(
        f"alarms at the daemon's settings ({settings}), all windows above",
        hits,
        len(outcomes),
        "the goal is half an alarm in 52 weeks",
        at_most=MOST_ALARMS_A_WEEK,
    )
