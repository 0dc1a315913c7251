"""How often windows without drift alarm."""

from collections.abc import Iterator

from monitor.bench.figure import Figure, error_rate, missing
from monitor.bench.sources.windows import Draw
from monitor.bench.study import Study

ALPHAS = (0.05, 0.01)
SIZES = (500, 2_000, 7_000)
UNEQUAL = ((2_000, 20_000), (20_000, 500))
MESSAGES_PER_USER = 5

#: What each row is called, and its windows.
ROWS = (
    *(
        row
        for n in SIZES
        for row in (
            ("independent samples", Draw("none", n, n)),
            (f"{MESSAGES_PER_USER} messages a user, groups given", Draw("none", n, n, 0.0, 5)),
        )
    ),
    *(("independent samples", Draw("none", *sizes)) for sizes in UNEQUAL),
)


def false_alarms(study: Study) -> Iterator[Figure]:
    """Yield the rejection rates under the null hypothesis."""
    for kind, what in ROWS:
        names = [f"false alarms at {alpha:g}, {kind}, {what.sizes}" for alpha in ALPHAS]
        if why := study.why_not(what):
            yield from (missing(name, why) for name in names)
            continue
        outcomes = study.measure(what, study.plan.null_trials)
        for name, alpha in zip(names, ALPHAS, strict=True):
            hits = sum(outcome.p_value <= alpha for outcome in outcomes)
            yield error_rate(name, hits, len(outcomes), alpha, study.how(outcomes))
