"""Input and output drift as an assessment tells them."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult
from monitor.store.windows.assessment import DriftTest, FamilyAssessment, Topic
from monitor.windows.topics.examples import Quoter


def untested(family: Literal["input", "output"]) -> FamilyAssessment:
    """Return a family of which nothing is known."""
    return FamilyAssessment(
        family=family,
        verdict="not_enough_data",
        alarm=False,
        p_value=1.0,
        drifted_share_lower_bound=0.0,
    )


def build_family(
    family: Literal["input", "output"],
    result: DriftResult | None,
    topics: Sequence[Topic],
    *,
    alpha: float,
    cluster: NDArray[np.int64],
    quoter: Quoter,
) -> FamilyAssessment:
    """Return what a comparison found.

    Args:
        family: What was compared.
        result: ``None`` where it wasn't.
        topics: The clusters, named.
        alpha: Level of the family.
        cluster: ``[n_current]``: the topic of each exchange, -1 for none.
        quoter: Quotes the most foreign of those in no topic, where the family alarms.
    """
    if result is None or result.verdict == "not_enough_data":
        return untested(family)
    alarm = result.verdict == "drift"
    side: Literal["prompts", "responses"] = "prompts" if family == "input" else "responses"
    return FamilyAssessment(
        family=family,
        verdict="drift" if result.p_value <= alpha else "no_drift",
        alarm=alarm,
        p_value=result.p_value,
        drifted_share_lower_bound=result.drifted_share_lower_bound,
        tests=tuple(
            DriftTest(
                name=test.name,
                statistic=test.statistic,
                p_value=test.p_value,
                adjusted_p_value=test.adjusted_p_value,
                effect_size=_finite(test.effect_size),
                effect_lower=_finite(test.effect_lower),
                effect_upper=_finite(test.effect_upper),
            )
            for test in result.tests
        ),
        topics=tuple(topics),
        outliers=quoter.outliers(result.novelty, cluster, side) if alarm else (),
    )


def novelty_of(
    asked: DriftResult, answered: DriftResult | None, families: Sequence[FamilyAssessment]
) -> NDArray[np.float64]:
    """Return how foreign each exchange is: by its prompt, by its answer where answers drifted."""
    if answered is None or not families[1].alarm:
        return asked.novelty
    if not families[0].alarm:
        return answered.novelty
    return np.maximum(asked.novelty, answered.novelty)


def _finite(value: float) -> float | None:
    """Return a number that JSON can hold; ``None`` for infinity and what is undefined."""
    return value if math.isfinite(value) else None
