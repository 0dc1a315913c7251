"""Whether the lower bound on the drifted share is one, and of use."""

from collections.abc import Iterator

from monitor.bench.campaign import Study
from monitor.bench.figure import Figure, error_rate, mean, missing
from monitor.bench.windows import Draw

N = 5_000
TENTHS = (Draw("oos", N, N, 0.10), Draw("domain", N, N, 0.10))


def mass(study: Study) -> Iterator[Figure]:
    """Yield the bound's mean at a true 10%, and its errors over all windows of the study."""
    for what in TENTHS:
        name = f"mean mass bound, {what.drift}, {what.sizes}"
        if why := study.why_not(what):
            yield missing(name, why, at_least=study.power_goal(0.06))
            continue
        outcomes = study.measure(what, study.plan.location_trials)
        bounds = [outcome.mass_lower_bound for outcome in outcomes]
        goal = study.power_goal(0.06)
        yield mean(name, bounds, study.how(outcomes), largest=1.0, at_least=goal)
    for kind, chosen in (
        ("drift-free", [one for one in study.outcomes if one.drifted_mass == 0.0]),
        ("drifted", [one for one in study.outcomes if one.drifted_mass > 0.0]),
    ):
        name = f"mass bound exceeds the truth, {kind} windows"
        if not chosen:
            yield missing(name, "no window was measured", at_most=0.05)
            continue
        hits = sum(outcome.bound_exceeds_truth for outcome in chosen)
        yield error_rate(name, hits, len(chosen), 0.05, "all windows of this data set")
