"""Findings of input and output drift: one family of tests each."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult
from monitor.store.windows.assessment import (
    DescriptorChange,
    DriftTest,
    Explanation,
    FamilyAssessment,
    ShareEstimate,
    SlowDrift,
    Topic,
    UntestedReason,
)
from monitor.windows.alarm_rule import family_alarms, family_verdict
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.response_descriptors import unit_of
from monitor.windows.comparison.unread_texts import UnreadShares
from monitor.windows.findings.response_pairs import select_pairs
from monitor.windows.topics.examples import Quoter


def untested_family(
    family: Literal["input", "output"],
    reason: UntestedReason | None = None,
    unread: UnreadShares | None = None,
    *,
    explanations: tuple[Explanation, ...] = (),
) -> FamilyAssessment:
    """Return a family that was not tested; its events were."""
    return FamilyAssessment(
        family=family,
        verdict="not_enough_data",
        alarm=False,
        p_value=math.nan,
        drifted_share=None,
        explanations=explanations,
        untested_reason=reason,
        unread_reference=None if unread is None else unread.reference,
        unread_current=None if unread is None else unread.current,
    )


def build_family(
    family: Literal["input", "output"],
    result: DriftResult,
    topics: Sequence[Topic],
    *,
    alpha: float,
    topic_of: NDArray[np.int64],
    quoter: Quoter | None,
    slow: SlowDrift | None = None,
    unread: UnreadShares | None = None,
    columns: Sequence[NumericColumn] = (),
    explanations: tuple[Explanation, ...] = (),
) -> FamilyAssessment:
    """Return the findings of a comparison.

    ``topic_of``, int64 ``[n_current]``, is the topic of each exchange, -1 for none. The quoter
    quotes the outliers, where the family alarms; without one there are no texts. ``columns`` are
    the descriptors of the responses with their values, for the pairs that show a change.
    """
    verdict = family_verdict(result, alpha)
    alarm = family_alarms(result)
    side: Literal["prompts", "responses"] = "prompts" if family == "input" else "responses"
    quotes_outliers = alarm or (slow is not None and slow.alarm)
    return FamilyAssessment(
        family=family,
        verdict=verdict,
        alarm=alarm,
        p_value=result.p_value,
        level=alpha,
        drifted_share=ShareEstimate.of(result.drifted_share, result.drifted_share_interval),
        comparable_share=result.comparable_share,
        moved_share=None
        if result.moved_share is None
        else ShareEstimate.of(result.moved_share, result.moved_share_interval),
        is_mix=result.is_mix,
        shift=None
        if result.shift is None
        else ShareEstimate.of(result.shift, result.shift_interval),
        is_shift=result.is_shift,
        descriptors=tuple(
            DescriptorChange(
                name=change.name,
                unit=unit_of(change),
                change=change.change,
                lower=change.lower,
                upper=change.upper,
                p_value=change.p_value,
                adjusted_p_value=change.adjusted_p_value,
            )
            for change in result.descriptors
            if math.isfinite(change.lower) and math.isfinite(change.upper)
        ),
        explanations=explanations,
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
        outliers=quoter.outliers(result.novelty, topic_of, side)
        if quoter and quotes_outliers
        else (),
        pairs=select_pairs(quoter, result, columns)
        if quoter and family == "output" and verdict == "drift"
        else (),
        slow=slow,
        unread_reference=None if unread is None else unread.reference,
        unread_current=None if unread is None else unread.current,
    )


def _finite(value: float) -> float | None:
    """Return a number that JSON can hold; ``None`` for infinite and undefined values."""
    return value if math.isfinite(value) else None
