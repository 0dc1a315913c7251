"""Figures and checks of a human evaluation.

The item is the unit of analysis. The ratings of an item are averaged over its raters, for each
system. The same raters rate all systems on an item, so a rater's severity cancels out of every
difference. Intervals and p-values come from resampling and permuting items: they generalize to
further items rated by the same raters, not to other raters.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.settings import Gates
from monitor.statistics.bootstrap import MIN_VALUES, mean_interval
from monitor.statistics.intervals import mcnemar_p_value
from monitor.statistics.multiplicity import holm
from monitor.store.human_evaluation.keys import UnblindedRating
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    CheckOutcome,
    GateCheck,
    HumanEvaluationResults,
    OverallPreference,
    RatedDifference,
    SystemRating,
)
from retrain.evaluation.gates.paired_tests import compare_graded

Values = NDArray[np.float64]

#: Smallest difference of mean ratings above rounding errors.
_TOLERANCE = 1e-9


def compute_human_results(
    ratings: Sequence[UnblindedRating],
    *,
    dimensions: Sequence[str],
    scale: tuple[int, int],
    policy: Gates,
    rng: np.random.Generator,
    remarks: Sequence[str] = (),
) -> HumanEvaluationResults:
    """Compute the figures and checks of a human evaluation.

    The policy's ``human_margin`` is in points of the scale.
    """
    means = item_means(ratings, dimensions)
    references = [name for name in (INCUMBENT, BASE) if name in means]
    comparisons: list[RatedDifference] = []
    for reference in references:
        comparisons += _compare(means, reference, dimensions, scale, policy=policy, rng=rng)
    incumbent = references[0] if references else BASE
    return HumanEvaluationResults(
        systems=tuple(
            _system(name, dimension, values[:, place], scale, rng)
            for name, values in means.items()
            for place, dimension in enumerate(dimensions)
        ),
        comparisons=tuple(comparisons),
        overall=tuple(_overall(means, reference) for reference in references),
        checks=tuple(
            not_worse_check(comparison, scale, policy)
            for comparison in comparisons
            if comparison.reference == incumbent
        ),
        remarks=tuple(remarks),
        n_items=len(next(iter(means.values()), ())),
        n_ratings=len({(rating.response_id, rating.reviewer_id) for rating in ratings}),
        scale=scale,
        margin=policy.human_margin,
    )


def item_means(ratings: Sequence[UnblindedRating], dimensions: Sequence[str]) -> dict[str, Values]:
    """Return each system's mean ratings over its raters, ``[n_items, n_dimensions]``.

    Rows are the rated items, sorted by name, the same for all systems.
    """
    scores: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
    for rating in ratings:
        scores[rating.system, rating.item].append([rating.scores[name] for name in dimensions])
    items = sorted({item for _, item in scores})
    return {
        system: np.array([np.mean(scores[system, item], axis=0) for item in items])
        for system in sorted({system for system, _ in scores})
    }


def not_worse_check(
    comparison: RatedDifference, scale: tuple[int, int], policy: Gates
) -> GateCheck:
    """Test that the candidate is not worse by more than the margin.

    The p-values need no adjustment, because every dimension must pass.
    """
    margin, difference = policy.human_margin, comparison.difference
    outcome: CheckOutcome
    if comparison.n_items < MIN_VALUES:
        outcome = "undecided"
    elif policy.gate == "point":
        outcome = "passed" if difference >= -margin - _TOLERANCE else "failed"
    elif comparison.lower_bound >= -margin:
        outcome = "passed"
    else:
        outcome = "failed" if difference < -margin else "undecided"
    return GateCheck(
        f"ratings: {comparison.dimension} not worse than the {comparison.reference}'s",
        outcome,
        f"{difference:+.2f} of {scale[1] - scale[0]} points on {comparison.n_items} items (95% "
        f"interval {comparison.lower:+.2f} to {comparison.upper:+.2f}, lower bound "
        f"{comparison.lower_bound:+.2f})",
        f"a loss of at most {margin:g} points ({policy.gate}), on at least {MIN_VALUES} items",
        code="ratings",
        metric=comparison.dimension,
    )


def _system(
    system: str, dimension: str, values: Values, scale: tuple[int, int], rng: np.random.Generator
) -> SystemRating:
    lower, upper = mean_interval(values, rng, lowest=scale[0], highest=scale[1])
    return SystemRating(system, dimension, float(values.mean()), lower, upper, len(values))


def _compare(
    means: Mapping[str, Values],
    reference: str,
    dimensions: Sequence[str],
    scale: tuple[int, int],
    *,
    policy: Gates,
    rng: np.random.Generator,
) -> list[RatedDifference]:
    width = scale[1] - scale[0]
    differences = []
    for column, dimension in enumerate(dimensions):
        candidate, other = means[CANDIDATE][:, column], means[reference][:, column]
        test = compare_graded(
            (candidate - scale[0]) / width,
            (other - scale[0]) / width,
            rng,
            strata=[np.arange(len(candidate))],
            confidence=policy.confidence,
        )
        wins, ties, losses = _counts(candidate - other)
        differences.append(
            RatedDifference(
                reference=reference,
                dimension=dimension,
                difference=width * test.difference,
                lower=width * test.lower,
                upper=width * test.upper,
                lower_bound=width * test.lower_bound,
                p_value=min(1.0, 2 * min(test.p_better, test.p_worse)),
                adjusted_p_value=1.0,
                wins=wins,
                ties=ties,
                losses=losses,
                n_items=len(candidate),
            )
        )
    adjusted = holm([difference.p_value for difference in differences]).tolist()
    return [
        msgspec.structs.replace(difference, adjusted_p_value=p_value)
        for difference, p_value in zip(differences, adjusted, strict=True)
    ]


def _overall(means: Mapping[str, Values], reference: str) -> OverallPreference:
    wins, ties, losses = _counts((means[CANDIDATE] - means[reference]).mean(axis=1))
    p_value = min(1.0, 2 * min(mcnemar_p_value(wins, losses), mcnemar_p_value(losses, wins)))
    return OverallPreference(reference, wins, ties, losses, p_value)


def _counts(differences: Values) -> tuple[int, int, int]:
    wins, losses = int((differences > _TOLERANCE).sum()), int((differences < -_TOLERANCE).sum())
    return wins, len(differences) - wins - losses, losses
