"""Assessments for tests of incidents, messages and pages."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.windows.assessment import (
    Assessment,
    Basis,
    DescriptorChange,
    DetectableShare,
    DriftTest,
    Example,
    Explanation,
    FamilyAssessment,
    NumericAssessment,
    Quote,
    ResponsePair,
    RestAssessment,
    ShareEstimate,
    SlowDrift,
    Source,
    Topic,
    TopicPeriod,
    VersionAssessment,
)
from monitor.store.windows.claims import claim_drift_evaluation, finish_drift_evaluation
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.store.windows.sample_scores import SampleScores

HOSTILE = "<script>alert(1)</script> & <!channel> `*bold*` <https://evil.example|click>"


def estimated(share: float) -> ShareEstimate:
    """Build an estimate with an interval of half to one and a half times the share."""
    return ShareEstimate(estimate=share, lower=share / 2, upper=min(1.5 * share, 1.0))


def make_family(family: Any = "input", **values: Any) -> FamilyAssessment:
    """Build a family without a significant change."""
    defaults = {
        "verdict": "no_drift",
        "alarm": False,
        "p_value": 0.4,
        "level": 0.005 if family == "input" else 0.001,
        "drifted_share": None if values.get("verdict") == "not_enough_data" else estimated(0.0),
    }
    return FamilyAssessment(family=family, **(defaults | values))


def make_detectable_shares(
    *, is_simulated: bool = False, **shares: float | None
) -> tuple[DetectableShare, ...]:
    """Build what windows could have shown, by kind, with intervals as of :func:`estimated`."""
    return tuple(
        DetectableShare(
            kind=kind,
            share=share,
            lower=(share or 0.6) / 2,
            upper=min(1.5 * (share or 1.0), 1.0),
            is_simulated=is_simulated,
        )
        for kind, share in shares.items()
    )


def make_descriptor_change(**values: Any) -> DescriptorChange:
    """Build a change of the length of responses, given the prompts."""
    defaults = {
        "name": "length in tokens",
        "unit": "percent",
        "change": -0.17,
        "lower": -0.25,
        "upper": -0.09,
        "p_value": 0.0001,
        "adjusted_p_value": 0.001,
    }
    return DescriptorChange(**(defaults | values))


def make_explanation(**values: Any) -> Explanation:
    """Build a new beginning of all prompts, taken out before the rest was tested."""
    defaults: dict[str, Any] = {
        "kind": "prefix",
        "side": "prompt",
        "text": "[sent from the web widget]",
        "reference": ShareEstimate(estimate=0.0, lower=0.0, upper=0.02),
        "current": ShareEstimate(estimate=1.0, lower=0.98, upper=1.0),
        "since": datetime(2026, 11, 3, 8, tzinfo=UTC),
        "is_taken_out": True,
    }
    return Explanation(**(defaults | values))


def make_rest(**values: Any) -> RestAssessment:
    """Build drift of what explanations do not cover."""
    defaults: dict[str, Any] = {
        "n_reference": 2000,
        "n_current": 500,
        "verdict": "drift",
        "p_value": 0.0001,
        "drifted_share": ShareEstimate(estimate=0.179, lower=0.14, upper=0.21),
    }
    return RestAssessment(**(defaults | values))


def make_pair(**values: Any) -> ResponsePair:
    """Build a refusal beside a response of the baseline to a similar prompt."""
    defaults: dict[str, Any] = {
        "descriptor": "refusal",
        "reference_value": 0.0,
        "current_value": 1.0,
        "prompt_similarity": 0.93,
        "example": Example(
            prompt="Is my card insured?",
            response="I can't help with that.",
            baseline=Quote(prompt="Is my card covered?", response="Yes, up to 5,000 euros."),
        ),
    }
    return ResponsePair(**(defaults | values))


def make_slow(**values: Any) -> SlowDrift:
    """Build slow drift since 5 October 2026, detected three weeks later."""
    defaults = {
        "verdict": "drift",
        "alarm": True,
        "p_value": 2e-6,
        "level": 0.013,
        "n_windows": 9,
        "since": datetime(2026, 10, 5, tzinfo=UTC),
        "detected_at": datetime(2026, 10, 26, tzinfo=UTC),
        "drifted_share": estimated(0.021),
    }
    return SlowDrift(**(defaults | values))


def make_examples(*prompts: str) -> tuple[Example, ...]:
    """Build examples of prompts."""
    return tuple(Example(prompt=prompt) for prompt in prompts)


def make_growth(*shares: float | None) -> tuple[TopicPeriod, ...]:
    """Build a topic's shares by day from 2 November 2026 on."""
    return tuple(
        TopicPeriod(
            start=date(2026, 11, 2) + timedelta(days=day),
            days=1,
            n=round(100 * (share or 0.0)),
            share=share,
        )
        for day, share in enumerate(shares)
    )


def make_topic(**values: Any) -> Topic:
    """Build a drifted topic."""
    defaults = {
        "index": 0,
        "name": "crypto, wallet, transfer",
        "n_current": 61,
        "n_end_users": 48,
        "share_current": 0.12,
        "share_reference": 0.003,
        "enrichment": 40.0,
        "enrichment_lower": 18.0,
        "enrichment_upper": 90.0,
        "examples": make_examples("How do I move my crypto wallet?", "Is my wallet insured?"),
    }
    return Topic(**(defaults | values))


def make_numeric_column(**values: Any) -> NumericAssessment:
    """Build a metric that fell by a third."""
    defaults = {
        "name": "resolved",
        "side": "metric",
        "direction": 1,
        "n_reference": 2000,
        "n_current": 500,
        "reference_mean": 0.82,
        "current_mean": 0.54,
        "effect_size": -0.28,
        "relative_change": -0.34,
        "relative_change_lower": -0.39,
        "relative_change_upper": -0.29,
        "p_value": 1e-9,
        "adjusted_p_value": 1e-8,
        "degraded": True,
    }
    return NumericAssessment(**(defaults | values))


def make_version_assessment(**values: Any) -> VersionAssessment:
    """Build the part of a serving version, the reported one."""
    defaults = {
        "version": "v2",
        "first": None,
        "last": None,
        "n_current": 400,
        "n_end_users": 390,
        "seed": 77,
        "levels": DEFAULT_LEVELS.share(2),
        "baseline": "",
        "own_baseline": False,
        "is_serving": True,
        "is_reported": True,
        "verdict": "drift",
        "alarm": True,
        "input_p_value": 0.0001,
        "input_drifted_share": estimated(0.3),
        "output_p_value": 0.4,
        "output_drifted_share": estimated(0.0),
    }
    return VersionAssessment(**(defaults | values))


def make_assessment(drifted_share: float | None = None, **values: Any) -> Assessment:
    """Build an assessment: input drift of at least ``drifted_share``, or none."""
    drifted = drifted_share is not None
    family = make_family(
        verdict="drift" if drifted else "no_drift",
        alarm=drifted,
        p_value=0.0001 if drifted else 0.4,
        drifted_share=estimated(drifted_share or 0.0),
        topics=(make_topic(),) if drifted else (),
    )
    defaults: dict[str, Any] = {
        "model": "assistant",
        "verdict": "drift" if drifted else "no_drift",
        "alarm": drifted,
        "headline": "Prompts have drifted." if drifted else "No drift.",
        "n_reference": 2000,
        "n_current": 500,
        "input": family,
        "output": make_family("output"),
    }
    return Assessment(**(defaults | values))


def huge(character: str = "x") -> Assessment:
    """Build an assessment larger than any real one."""
    text = character * 240
    example = Example(prompt=text, response=text, baseline=Quote(prompt=text, response=text))
    topics = tuple(
        make_topic(
            index=index,
            name=character * 200,
            examples=(example,) * 5,
            first_seen=datetime(2026, 11, 2, tzinfo=UTC),
            known_since=datetime(2026, 11, 2, tzinfo=UTC),
            growth=make_growth(*[0.1] * 35),
        )
        for index in range(200)
    )
    drifted = {"verdict": "drift", "alarm": True, "topics": topics, "outliers": (example,) * 5}
    test = DriftTest(
        name="scattered",
        statistic=1.5,
        p_value=0.01,
        adjusted_p_value=0.02,
        effect_size=0.3,
        effect_lower=0.1,
        effect_upper=0.5,
    )
    source = Source(name=text, digest="ab" * 32, n_end_users=900)
    return make_assessment(
        0.3,
        model=character * 256,
        headline=character * 3000,
        input=make_family("input", tests=(test,) * 8, **drifted),
        output=make_family("output", tests=(test,) * 8, **drifted),
        numeric_columns=tuple(
            make_numeric_column(
                name=f"{character * 200}{number}", effect_lower=-0.3, effect_upper=-0.2
            )
            for number in range(200)
        ),
        mix_current={f"{character * 200}{number}": 0.001 for number in range(1000)},
        mix_reference={f"{character * 200}{number}": 0.001 for number in range(1000)},
        mix_p_value=0.5,
        mix_effect_size=0.1,
        mix_moved_share=estimated(0.1),
        remarks=(character * 500,) * 100,
        basis=Basis(
            levels=DEFAULT_LEVELS,
            seed=1,
            settings={f"setting {number}": text for number in range(12)},
            encoder=text,
            reference=source,
            current=source,
            versions={f"package {number}": "1.2.3" for number in range(8)},
        ),
    )


def not_enough_data(**values: Any) -> Assessment:
    """Build the assessment of a window without enough data."""
    unknown = {"verdict": "not_enough_data", "p_value": math.nan}
    return make_assessment(
        verdict="not_enough_data",
        headline="Not enough data to judge.",
        n_current=3,
        input=make_family("input", **unknown),
        output=make_family("output", **unknown),
        **values,
    )


def store_evaluation(
    connection: Connection,
    assessment: Assessment,
    start: datetime,
    *,
    days: int = 7,
    followed_up: bool = False,
    baseline_id: int | None = None,
    again: bool = False,
) -> int:
    """Store a finished evaluation of the window from ``start``."""
    end = start + timedelta(days=days)
    claim = claim_drift_evaluation(
        connection, assessment.model, start, end, seed=1, now=end, again=again
    )
    assert claim is not None
    finish_drift_evaluation(
        connection,
        claim,
        assessment=assessment,
        scores=SampleScores(
            np.arange(1, 4), np.array([0.1, 0.9, 0.2]), np.array([-1, 0, -1]), np.full(3, 0.05)
        ),
        baseline_id=baseline_id,
        provenance={
            "baseline": {
                "digest": "ab12cd34ef56ab12",
                "first": "2026-10-01T00:00:00+00:00",
                "last": "2026-10-20T00:00:00+00:00",
            }
        },
        now=end,
    )
    if followed_up:
        mark_followed_up(connection, claim.evaluation_id, end)
    return claim.evaluation_id
