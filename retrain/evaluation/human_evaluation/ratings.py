"""From people's ratings to figures and checks.

The item is the unit. Each rating of an item is averaged over the people who rated it, system by
system; the same people rated all systems' answers to it, so that how severe somebody is cancels out
of every difference. Intervals and p-values then come from resampling and permuting items. They
speak of further items as these same people would rate them, not of other people.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.settings import Gates
from monitor.statistics.bootstrap import MIN_VALUES, mean_interval
from monitor.statistics.intervals import mcnemar_p_value
from monitor.store.human_evaluation.keys import UnblindedRating
from retrain.evaluation.gates.gate_result import Check, Outcome
from retrain.evaluation.gates.gates import BASE, CANDIDATE, INCUMBENT
from retrain.evaluation.gates.paired_tests import compare_graded
from retrain.statistics.multiplicity import holm

Values = NDArray[np.float64]

#: Means of ratings that differ by less are the same but for rounding.
_SAME = 1e-9


@dataclass(frozen=True)
class SystemRating:
    """How a system was rated on a dimension, in points of the scale."""

    system: str
    dimension: str
    mean: float
    #: Of the 95% interval.
    lower: float
    upper: float
    n_items: int


@dataclass(frozen=True)
class RatedDifference:
    """The candidate beside another system on a dimension; above 0 it is better."""

    other: str
    dimension: str
    #: In points of the scale.
    difference: float
    #: Of the two-sided 95% interval.
    lower: float
    upper: float
    #: One-sided lower bound at the gates' confidence.
    bound: float
    #: Two-sided.
    p_value: float
    #: After Holm, over the dimensions beside the same system.
    adjusted_p_value: float
    #: Items on which the candidate's mean rating is higher, the same, lower.
    wins: int
    ties: int
    losses: int
    n_items: int


@dataclass(frozen=True)
class OverallPreference:
    """On how many items people rate the candidate higher over all dimensions together."""

    other: str
    wins: int
    ties: int
    losses: int
    #: Of an exact sign test, two-sided.
    p_value: float


@dataclass(frozen=True)
class HumanResults:
    """What a study found."""

    systems: tuple[SystemRating, ...]
    comparisons: tuple[RatedDifference, ...]
    overall: tuple[OverallPreference, ...]
    checks: tuple[Check, ...]
    remarks: tuple[str, ...]
    n_items: int
    n_ratings: int
    scale: tuple[int, int]
    margin: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def compute_human_results(
    ratings: Sequence[UnblindedRating],
    *,
    dimensions: Sequence[str],
    scale: tuple[int, int],
    policy: Gates,
    rng: np.random.Generator,
    remarks: Sequence[str] = (),
) -> HumanResults:
    """Work out the figures of a study.

    Args:
        ratings: All of them, once for each system whose answer it is.
        dimensions: What was rated.
        scale: Its ends.
        policy: ``human_margin`` in points of the scale, ``gate``, ``confidence``.
        rng: Draws permutations and resamples.
        remarks: What else is to be known, such as that ratings are missing.
    """
    means = item_means(ratings, dimensions)
    others = [name for name in (INCUMBENT, BASE) if name in means]
    comparisons: list[RatedDifference] = []
    for other in others:
        comparisons += _compare(means, other, dimensions, scale, policy=policy, rng=rng)
    standing = others[0] if others else BASE
    return HumanResults(
        systems=tuple(
            _system(name, dimension, values[:, place], scale, rng)
            for name, values in means.items()
            for place, dimension in enumerate(dimensions)
        ),
        comparisons=tuple(comparisons),
        overall=tuple(_overall(means, other) for other in others),
        checks=tuple(not_worse(one, scale, policy) for one in comparisons if one.other == standing),
        remarks=tuple(remarks),
        n_items=len(next(iter(means.values()), ())),
        n_ratings=len({(one.response_id, one.reviewer_id) for one in ratings}),
        scale=scale,
        margin=policy.human_margin,
    )


def item_means(ratings: Sequence[UnblindedRating], dimensions: Sequence[str]) -> dict[str, Values]:
    """Return, for each system, its mean ratings ``[n_items, n_dimensions]`` over the people.

    Rows are the items that were rated, in the order of their names, the same for all systems.
    """
    given: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
    for one in ratings:
        given[one.system, one.item].append([one.scores[name] for name in dimensions])
    items = sorted({item for _, item in given})
    return {
        system: np.array([np.mean(given[system, item], axis=0) for item in items])
        for system in sorted({system for system, _ in given})
    }


def not_worse(one: RatedDifference, scale: tuple[int, int], policy: Gates) -> Check:
    """Test that the candidate isn't worse by more than the margin.

    Every dimension must pass, so none needs an adjustment.
    """
    margin = policy.human_margin
    outcome: Outcome
    if one.n_items < MIN_VALUES:
        outcome = "undecided"
    elif policy.gate == "point":
        outcome = "passed" if one.difference >= -margin - _SAME else "failed"
    elif one.bound >= -margin:
        outcome = "passed"
    else:
        outcome = "failed" if one.difference < -margin else "undecided"
    return Check(
        f"people: {one.dimension} not worse than the {one.other}'s",
        outcome,
        f"{one.difference:+.2f} of {scale[1] - scale[0]} points on {one.n_items} items (95% "
        f"interval {one.lower:+.2f} to {one.upper:+.2f}, surely above {one.bound:+.2f})",
        f"down by at most {margin:g} points ({policy.gate}), on {MIN_VALUES} items or more",
    )


def _system(
    system: str, dimension: str, values: Values, scale: tuple[int, int], rng: np.random.Generator
) -> SystemRating:
    lower, upper = mean_interval(values, rng, lowest=scale[0], highest=scale[1])
    return SystemRating(system, dimension, float(values.mean()), lower, upper, len(values))


def _compare(
    means: Mapping[str, Values],
    other: str,
    dimensions: Sequence[str],
    scale: tuple[int, int],
    *,
    policy: Gates,
    rng: np.random.Generator,
) -> list[RatedDifference]:
    width = scale[1] - scale[0]
    found = []
    for place, dimension in enumerate(dimensions):
        first, second = means[CANDIDATE][:, place], means[other][:, place]
        told = compare_graded(
            (first - scale[0]) / width,
            (second - scale[0]) / width,
            rng,
            strata=[np.arange(len(first))],
            confidence=policy.confidence,
        )
        wins, ties, losses = _counts(first - second)
        found.append(
            RatedDifference(
                other=other,
                dimension=dimension,
                difference=width * told.difference,
                lower=width * told.lower,
                upper=width * told.upper,
                bound=width * told.bound,
                p_value=min(1.0, 2 * min(told.p_better, told.p_worse)),
                adjusted_p_value=1.0,
                wins=wins,
                ties=ties,
                losses=losses,
                n_items=len(first),
            )
        )
    adjusted = holm([one.p_value for one in found])
    return [replace(one, adjusted_p_value=p) for one, p in zip(found, adjusted, strict=True)]


def _overall(means: Mapping[str, Values], other: str) -> OverallPreference:
    wins, ties, losses = _counts((means[CANDIDATE] - means[other]).mean(axis=1))
    p_value = min(1.0, 2 * min(mcnemar_p_value(wins, losses), mcnemar_p_value(losses, wins)))
    return OverallPreference(other, wins, ties, losses, p_value)


def _counts(differences: Values) -> tuple[int, int, int]:
    wins, losses = int((differences > _SAME).sum()), int((differences < -_SAME).sum())
    return wins, len(differences) - wins - losses, losses
