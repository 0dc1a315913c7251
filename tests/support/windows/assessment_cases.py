"""Assessments for snapshots: one for each kind of result."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.windows.assessment import (
    Assessment,
    Basis,
    DriftTest,
    Example,
    Quote,
    ShareEstimate,
    Source,
)
from monitor.windows.findings.sentences.headline import compose_headline, describe_findings
from tests.support.windows.assessments import (
    estimated,
    make_assessment,
    make_descriptor_change,
    make_detectable_shares,
    make_examples,
    make_explanation,
    make_family,
    make_growth,
    make_numeric_column,
    make_pair,
    make_rest,
    make_slow,
    make_topic,
    make_version_assessment,
    not_enough_data,
)

WEEK = (datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC))


def input_drift() -> Assessment:
    """Build an alarm of the prompts: a topic, an outlier, a degraded metric, a changed mix."""
    topic = make_topic(
        first_seen=datetime(2026, 11, 3, 14, 5, tzinfo=UTC),
        known_since=datetime(2026, 10, 20, 9, 0, tzinfo=UTC),
        growth=make_growth(0.004, 0.05, 0.18),
    )
    family = make_family(
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        drifted_share=estimated(0.31),
        topics=(topic,),
        outliers=make_examples("What is the airspeed of a swallow?"),
    )
    return make_assessment(
        0.31,
        input=family,
        estimated_current=10_000.0,
        numeric_columns=(make_numeric_column(),),
        mix_current={"cards": 0.8, "other": 0.2},
        mix_reference={"cards": 1.0},
        mix_p_value=0.0015,
        mix_effect_size=0.21,
        mix_moved_share=estimated(0.2),
        remarks=("No traffic on 1 day of the window: 2026-11-05.",),
    )


def output_drift() -> Assessment:
    """Build an alarm of the responses, of the reported version of two, with its basis."""
    example = Example(
        prompt="Is my card insured?",
        response="No.",
        baseline=Quote(prompt="Is my card covered?", response="Yes, it is."),
    )
    test = DriftTest(
        name="scattered", statistic=2.5, p_value=0.01, adjusted_p_value=0.02, effect_size=None
    )
    output = make_family(
        "output",
        verdict="drift",
        alarm=True,
        p_value=0.0002,
        drifted_share=estimated(0.08),
        comparable_share=0.93,
        tests=(test,),
        topics=(make_topic(examples=(example,)),),
        outliers=(example,),
    )
    return make_assessment(
        verdict="drift",
        alarm=True,
        output=output,
        versions=(
            make_version_assessment(version="v1", is_reported=False, is_serving=False),
            make_version_assessment(
                version="v2", n_end_users=390, seed=77, levels=DEFAULT_LEVELS.share(2)
            ),
        ),
        basis=Basis(
            seed=5,
            settings={"false_alarms_a_year": 0.5},
            levels=DEFAULT_LEVELS,
            encoder="minilm@1/max256",
            reference=Source(name="may.jsonl", digest="ab12", first=WEEK[0], last=WEEK[1]),
            current=Source(name="june.jsonl", n_end_users=391),
            versions={"numpy": "2.4.6"},
        ),
    )


def output_shift() -> Assessment:
    """Build an alarm of the responses that all shifted a little, with their descriptors."""
    output = make_family(
        "output",
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        drifted_share=ShareEstimate(estimate=0.004, lower=0.0, upper=0.03),
        shift=ShareEstimate(estimate=0.62, lower=0.55, upper=0.69),
        is_shift=True,
        descriptors=(
            make_descriptor_change(),
            make_descriptor_change(
                name="repetition", unit="points", change=-0.021, lower=-0.033, upper=-0.009
            ),
            make_descriptor_change(
                name="readability (LIX)", unit="value", change=3.6, lower=2.1, upper=5.2
            ),
            make_descriptor_change(name="refusal", unit="points", adjusted_p_value=0.4),
        ),
        pairs=(
            make_pair(descriptor="length in tokens", reference_value=81.0, current_value=9.0),
            make_pair(descriptor="", reference_value=None, current_value=None),
        ),
    )
    return make_assessment(verdict="drift", alarm=True, output=output)


def slow_drift() -> Assessment:
    """Build an alarm of slow drift in a window that does not alarm by itself."""
    return make_assessment(verdict="drift", alarm=True, input=make_family(slow=make_slow()))


def below_threshold() -> Assessment:
    """Build significant changes below the alert threshold, without a bound on their shares."""
    return make_assessment(
        input=make_family(verdict="drift", p_value=0.001),
        output=make_family("output", verdict="drift", p_value=0.001),
    )


def no_drift() -> Assessment:
    """Build a window without a significant change, in which slow drift was tested."""
    slow = make_slow(verdict="no_drift", alarm=False, since=None, detected_at=None, p_value=0.3)
    shares = make_detectable_shares(new_topic=0.028, scattered=0.0504)
    return make_assessment(input=make_family(slow=slow), detectable_shares=shares)


def metric_fell() -> Assessment:
    """Build a window in which a metric fell, and the texts did not change."""
    metric = make_numeric_column()
    return make_assessment(
        verdict="drift",
        numeric_columns=(metric,),
    )


def responses_untested() -> Assessment:
    """Build a window whose responses could not be compared."""
    output = make_family(
        "output",
        verdict="not_enough_data",
        p_value=math.nan,
        untested_reason="few_comparable_prompts",
    )
    return make_assessment(verdict="not_enough_data", output=output)


def unread_texts() -> Assessment:
    """Build a window whose prompts the encoder can't read; a metric fell."""
    prompts = make_family(
        verdict="not_enough_data",
        p_value=math.nan,
        untested_reason="unread_texts",
        unread_reference=0.98,
        unread_current=0.97,
    )
    return make_assessment(verdict="not_enough_data", input=prompts)


def explained() -> Assessment:
    """Build prompts with a new beginning, and a new topic apart from that; a judge's score fell."""
    topic = make_topic(exists_since=datetime(2026, 11, 3, tzinfo=UTC))
    family = make_family(
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        drifted_share=ShareEstimate(estimate=0.99, lower=0.97, upper=1.0),
        explanations=(
            make_explanation(
                kind="system_message",
                text="You are a careful assistant.",
                before="You are an assistant.",
                since=datetime(2026, 11, 3, 8, tzinfo=UTC),
                is_taken_out=False,
            ),
            make_explanation(),
        ),
        rest=make_rest(),
        topics=(topic,),
    )
    judge = make_numeric_column(
        name="judge", direction=0, reference_mean=3.96, current_mean=2.95, effect_size=-0.62,
        effect_lower=-0.67, effect_upper=-0.56, relative_change=-0.255,
        relative_change_lower=-0.28, relative_change_upper=-0.23, degraded=False,
    )  # fmt: skip
    return make_assessment(0.3, input=family, numeric_columns=(judge,))


def events() -> Assessment:
    """Build responses of which more are empty, and prompts in capitals."""
    capitals = make_explanation(kind="letter_case", text="in capitals", since=None)
    marks = make_explanation(kind="suffix", text="!!", since=None)
    family = make_family(
        verdict="drift",
        alarm=True,
        drifted_share=estimated(0.3),
        explanations=(capitals, marks),
        rest=make_rest(verdict="no_drift", p_value=0.6, drifted_share=estimated(0.0)),
    )
    empty = make_explanation(
        kind="empty",
        side="response",
        text="",
        since=None,
        current=ShareEstimate(estimate=0.1, lower=0.06, upper=0.16),
        p_value=5e-5,
        alarm=True,
    )
    output = make_family("output", explanations=(empty,), comparable_share=1.0)
    return make_assessment(0.3, input=family, output=output)


def grown_topic() -> Assessment:
    """Build a topic that the baseline has, and that grew; only prompts were compared."""
    topic = make_topic(name="transfer, money", share_reference=0.0067, share_current=0.1)
    family = make_family(
        verdict="drift",
        alarm=True,
        drifted_share=ShareEstimate(estimate=0.098, lower=0.06, upper=0.14),
        topics=(topic,),
    )
    output = make_family(
        "output", verdict="not_enough_data", p_value=math.nan, untested_reason="no_responses"
    )
    return make_assessment(0.1, input=family, output=output)


def with_findings(assessment: Assessment) -> Assessment:
    """Return an assessment with the findings and the headline of its figures."""
    if not assessment.is_compared:
        return assessment
    findings = describe_findings(
        assessment.input, assessment.output, assessment.numeric_columns, drift=Drift()
    )
    return replace(
        assessment,
        findings=tuple(findings),
        finding_kinds=tuple(findings.values()),
        headline=compose_headline(findings),
    )


CASES: dict[str, Callable[[], Assessment]] = {
    case.__name__: case
    for case in (
        input_drift,
        output_drift,
        output_shift,
        explained,
        events,
        grown_topic,
        slow_drift,
        below_threshold,
        no_drift,
        metric_fell,
        responses_untested,
        unread_texts,
        not_enough_data,
    )
}
