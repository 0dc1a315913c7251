"""Findings of random assessments: order, least effects, words, and no sentence twice."""

import math
import re
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rendering.numbers import excludes_zero
from monitor.settings import Drift
from monitor.store.windows.assessment import (
    DescriptorChange,
    Explanation,
    ExplanationKind,
    FamilyAssessment,
    NumericAssessment,
    ShareEstimate,
    Topic,
)
from monitor.windows.findings.sentences.headline import compose_headline, describe_findings
from tests.support.windows.assessments import (
    make_descriptor_change,
    make_explanation,
    make_family,
    make_numeric_column,
    make_rest,
    make_topic,
)

pytestmark = pytest.mark.slow

LEAST_SHARE, LEAST_CHANGE = Drift().min_reported_share, Drift().min_reported_change
WORDS = st.sampled_from(["", "a b", "`*<|>\n”\u202e", "一" * 90, "many words " * 9, "%"])
FRACTIONS = st.integers(0, 1000).map(lambda part: part / 1000)
CHANGES = st.integers(-1500, 1500).map(lambda part: part / 1000)


@st.composite
def shares(draw: st.DrawFn) -> ShareEstimate:
    """Draw a share with limits in order."""
    lower, estimate, upper = sorted(draw(st.tuples(FRACTIONS, FRACTIONS, FRACTIONS)))
    return ShareEstimate(estimate=estimate, lower=lower, upper=upper)


@st.composite
def columns(draw: st.DrawFn) -> NumericAssessment:
    """Draw a metric or descriptor; a degraded one is worse, with an interval without 0."""
    side = draw(st.sampled_from(["metric", "prompt", "response"]))
    lower, change, upper = sorted(draw(st.tuples(CHANGES, CHANGES, CHANGES)))
    is_known = draw(st.booleans())
    effect = math.copysign(draw(FRACTIONS), change)
    degraded = side == "metric" and is_known and excludes_zero(lower, upper) and draw(st.booleans())
    return make_numeric_column(
        name=draw(WORDS),
        side=side,
        direction=draw(st.sampled_from([-1, 0, 1])),
        reference_mean=1.0,
        current_mean=1.0 + change,
        effect_size=effect,
        effect_lower=draw(st.sampled_from([None, math.nan, effect - 0.3, effect - 0.01])),
        effect_upper=effect + 0.01,
        relative_change=change if is_known else None,
        relative_change_lower=lower if is_known else None,
        relative_change_upper=upper if is_known else None,
        adjusted_p_value=draw(st.sampled_from([0.5, 0.001])),
        degraded=degraded,
    )


@st.composite
def explained(draw: st.DrawFn) -> Explanation:
    """Draw an explanation; only events may alarm."""
    kind = draw(st.sampled_from([*get_args(ExplanationKind), "of a later release"]))
    return make_explanation(
        kind=kind,
        side=draw(st.sampled_from(["prompt", "response"])),
        text=draw(WORDS),
        before=draw(WORDS),
        reference=draw(shares()),
        current=draw(shares()),
        alarm=kind in {"empty", "refusal", "error"} and draw(st.booleans()),
    )


@st.composite
def topics(draw: st.DrawFn) -> Topic:
    """Draw a topic."""
    return make_topic(
        name=draw(WORDS),
        share_reference=draw(FRACTIONS),
        share_current=draw(FRACTIONS),
        enrichment_lower=draw(st.sampled_from([0.5, 1.0, 3.0])),
    )


@st.composite
def changes(draw: st.DrawFn) -> DescriptorChange:
    """Draw a change of a descriptor of the responses."""
    lower, change, upper = sorted(draw(st.tuples(CHANGES, CHANGES, CHANGES)))
    return make_descriptor_change(
        name=draw(st.sampled_from(["empty", "refusal", "loop", "language: de", "repetition"])),
        unit="points",
        change=change,
        lower=lower,
        upper=upper,
        adjusted_p_value=draw(st.sampled_from([0.01, 0.2])),
    )


@st.composite
def families(draw: st.DrawFn, family: str) -> FamilyAssessment:
    """Draw a family with any of its parts."""
    verdict = draw(st.sampled_from(["drift", "no_drift", "not_enough_data", "of a later release"]))
    rest: Any = draw(st.sampled_from([None, "drift", "no_drift", "not_enough_data"]))
    return make_family(
        family,
        verdict=verdict,
        alarm=verdict == "drift" and draw(st.booleans()),
        drifted_share=draw(st.none() | shares()),
        moved_share=draw(st.none() | shares()),
        is_mix=draw(st.booleans()),
        is_shift=family == "output" and draw(st.booleans()),
        explanations=draw(st.lists(explained(), max_size=3).map(tuple)),
        rest=rest and make_rest(verdict=rest, drifted_share=draw(st.none() | shares())),
        topics=draw(st.lists(topics(), max_size=4).map(tuple)),
        descriptors=draw(st.lists(changes(), max_size=3).map(tuple)) if family == "output" else (),
    )


def numbers_of(sentence: str) -> list[float]:
    """Return the limits of the intervals of a sentence."""
    pairs = re.findall(r"\(([\d.]+)%? to ([\d.]+)%?\)", sentence)
    return [float(limit) for pair in pairs for limit in pair]


@settings(max_examples=50, deadline=None)
@given(
    prompts=families("input"),
    responses=families("output"),
    numeric=st.lists(columns(), max_size=6, unique_by=lambda column: column.name),
)
def test_findings_are_ordered_sure_and_of_consequence(
    prompts: FamilyAssessment, responses: FamilyAssessment, numeric: list[NumericAssessment]
) -> None:
    findings = tuple(describe_findings(prompts, responses, numeric, drift=Drift()))
    headline = compose_headline(findings)
    assert headline.startswith(findings[0]) if findings else not headline
    assert len(headline.split()) <= 30, headline
    assert len(set(findings)) == len(findings)
    assert all(finding[-1] in ".”" and "\n" not in finding for finding in findings)
    # What hurts comes first.
    n_degraded = sum(column.degraded for column in numeric)
    for place in range(min(3, n_degraded)):
        assert re.match(r"`.*` (fell|rose) ", findings[place]), findings
    harm = [at for at, text in enumerate(findings) if " of the responses are empty" in text]
    explained_at = [at for at, text in enumerate(findings) if "system message" in text]
    if harm and explained_at:
        assert min(harm) < min(explained_at)
    # No interval holds 0.
    assert all(limit > 0.0 for finding in findings for limit in numbers_of(finding))
    assert "nan" not in " ".join(findings).lower()


@settings(max_examples=50, deadline=None)
@given(column=columns())
def test_a_metric_without_an_alarm_needs_its_least_effect(column: NumericAssessment) -> None:
    quiet = make_family()
    findings = tuple(describe_findings(quiet, make_family("output"), [column], drift=Drift()))
    is_named = len(findings) > 1
    if is_named and not column.degraded:
        limits = (column.relative_change_lower, column.relative_change_upper)
        if column.relative_change is None:
            limits = (column.effect_lower, column.effect_upper)
        else:
            assert abs(column.relative_change) >= LEAST_CHANGE
        assert excludes_zero(*limits)


@settings(max_examples=50, deadline=None)
@given(explanation=explained())
def test_an_explanation_needs_a_sure_difference(explanation: Explanation) -> None:
    family = make_family(explanations=(explanation,))
    findings = tuple(describe_findings(family, make_family("output"), [], drift=Drift()))
    is_named = len(findings) > 1
    change = abs(explanation.current.estimate - explanation.reference.estimate)
    if is_named and not explanation.alarm:
        assert change >= LEAST_SHARE
    overlaps = (
        explanation.current.lower <= explanation.reference.estimate <= explanation.current.upper
        and explanation.reference.lower
        <= explanation.current.estimate
        <= explanation.reference.upper
    )
    if overlaps and not explanation.alarm:
        assert not is_named
    words = " ".join(findings).split()
    assert ("Every" in words or "All" in words) <= (explanation.current.lower >= 0.95)
