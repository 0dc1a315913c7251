"""Findings of input and output drift: one family of tests each."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift import DriftResult
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import (
    DescriptorChange,
    DriftTest,
    Example,
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
from monitor.windows.explanations.explained import ExplainedFamily
from monitor.windows.findings.explanations import state_rest
from monitor.windows.findings.response_pairs import select_pairs
from monitor.windows.topics.examples import Quoter
from monitor.windows.topics.nearness import mark_near_topics


def untested_family(
    family: Literal["input", "output"],
    reason: UntestedReason | None = None,
    unread: UnreadShares | None = None,
    *,
    explained: ExplainedFamily | None = None,
    explanations: tuple[Explanation, ...] = (),
) -> FamilyAssessment:
    """Return a family that was not tested; its events, and the rest, may have been."""
    return FamilyAssessment(
        family=family,
        verdict="not_enough_data",
        alarm=False,
        p_value=math.nan,
        drifted_share=None,
        explanations=explanations,
        rest=None if explained is None else state_rest(explained),
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
    explained: ExplainedFamily | None = None,
    explanations: tuple[Explanation, ...] = (),
) -> FamilyAssessment:
    """Return the findings of a comparison.

    ``topic_of``, int64 ``[n_current]``, is the topic of each exchange, -1 for none. The quoter
    quotes the outliers, where the family alarms; without one there are no texts. ``columns`` are
    the descriptors of the responses with their values, for the pairs that show a change. Outliers
    are of what the explanations leave.
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
        n_pairs=result.n_pairs,
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
        rest=None if explained is None else state_rest(explained),
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
        outliers=_outliers(quoter, result, topic_of, side, explained)
        if quoter and quotes_outliers
        else (),
        pairs=select_pairs(quoter, result, columns)
        if quoter and family == "output" and verdict == "drift"
        else (),
        slow=slow,
        unread_reference=None if unread is None else unread.reference,
        unread_current=None if unread is None else unread.current,
    )


def _outliers(
    quoter: Quoter,
    result: DriftResult,
    topic_of: NDArray[np.int64],
    side: Literal["prompts", "responses"],
    explained: ExplainedFamily | None,
) -> tuple[Example, ...]:
    sides = quoter.reference, quoter.current
    if explained is None or explained.rest is None:
        topics = mark_near_topics(topic_of, result.novelty, *_vectors(sides, side))
        return quoter.outliers(result.novelty, topics, side)
    rest_result, rest = explained.rest_result, explained.rest
    if rest_result is None or rest_result.p_value > (result.alpha or 0.0):
        return ()  # the highest novelty is chance
    rows = rest[1].rows
    # What is set apart has an explanation.
    topics = np.zeros_like(topic_of)
    topics[rows] = mark_near_topics(
        topic_of[rows],
        explained.novelty[rows],
        *_vectors((rest[0].exchanges, rest[1].exchanges), side),
    )
    return quoter.outliers(explained.novelty, topics, side)


def _vectors(
    sides: tuple[Exchanges, Exchanges], side: Literal["prompts", "responses"]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the vectors of the window, and of the baseline."""
    reference, current = sides
    if side == "prompts":
        return current.prompt_vectors, reference.prompt_vectors
    return current.response_vectors, reference.response_vectors


def _finite(value: float) -> float | None:
    """Return a number that JSON can hold; ``None`` for infinite and undefined values."""
    return value if math.isfinite(value) else None
