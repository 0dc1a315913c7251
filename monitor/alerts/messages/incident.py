"""What an incident says in Slack: what broke, who is hit, how sure that is, and what to do next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from monitor.alerts.messages.mrkdwn import (
    Block,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.wording import (
    describe_enrichment,
    describe_slow_drift,
    describe_untested,
    example_line,
    format_bound,
    is_informative,
)
from monitor.settings import Alerts
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    NumericAssessment,
    Topic,
)

Phase = Literal["opened", "worsened", "continuing", "resolved", "not_enough_data"]

TITLES: dict[Phase, str] = {
    "opened": "🔴 Drift: {model}",
    "worsened": "🔴 Drift is worse: {model}",
    "continuing": "🟠 Still drifting: {model}",
    "resolved": "🟢 Recovered: {model}",
    "not_enough_data": "⚪ Not enough data: {model}",
}

TOPICS_SHOWN = 5
NUMERIC_COLUMNS_SHOWN = 8

#: Of a quoted exchange.
QUOTED_CHARACTERS = 300

#: A task type whose share moved by less isn't worth a line.
MIX_CHANGE_SHOWN = 0.05


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """An evaluation that is told."""

    evaluation_id: int
    window_start: datetime
    window_end: datetime
    assessment: Assessment
    #: The baseline in words: its digest and its days.
    baseline: str
    acknowledged_by: str | None = None


def incident_blocks(subject: EvaluationSummary, phase: Phase, alerts: Alerts) -> list[Block]:
    """Return the blocks of the parent message: all that is needed to decide what to do."""
    assessment = subject.assessment
    blocks = [header(TITLES[phase].format(model=assessment.model))]
    blocks += sections([f"*{escape(assessment.headline)}*"])
    if assessment.is_compared:
        blocks += sections(["*How sure*", *_families(assessment), *_degraded(assessment)])
        hit = [*_topics(assessment), *_mix(assessment)]
        if hit:
            blocks += sections(["*Who is hit*", *hit])
    if phase != "resolved":
        blocks += sections(["*What to do next*", *_next_steps(assessment)])
    blocks += sections([_links(subject, alerts)])
    blocks.append(context(_compared(subject)))
    if subject.acknowledged_by:
        blocks.append(context(f"{escape(subject.acknowledged_by)} looks after it."))
    return within_limits(blocks)


def detail_blocks(subject: EvaluationSummary, phase: Phase) -> list[Block]:
    """Return the blocks of a reply in the thread: examples, characteristics, mix, remarks."""
    assessment = subject.assessment
    lines: dict[Phase, list[str]] = {
        "opened": ["Details of the window."],
        "worsened": ["*It got worse.*", escape(assessment.headline)],
        "continuing": ["It goes on, no worse than before."],
        "resolved": ["*It recovered.*", escape(assessment.headline)],
        "not_enough_data": [
            "*There is not enough data to judge.* The incident stays open.",
            escape(assessment.headline),
        ],
    }
    blocks = sections(lines[phase])
    if phase in {"opened", "worsened"}:
        for family in (assessment.input, assessment.output):
            for topic in family.topics[:TOPICS_SHOWN]:
                blocks += sections(_examples(topic, family.family))
            blocks += sections(_foreign(family))
        blocks += sections([*_characteristics(assessment), *_mix_change(assessment)])
    if assessment.remarks:
        blocks += sections(["*Remarks*", *(f"• {escape(remark)}" for remark in assessment.remarks)])
    return within_limits(blocks)


def message(blocks: list[Block], summary: str) -> dict[str, Any]:
    """Return a payload; the summary is what notifications and screen readers show."""
    return {"text": escape(summary), "blocks": blocks}


def _families(assessment: Assessment) -> list[str]:
    return [
        _family(assessment.input, "What people ask", "prompts"),
        _family(assessment.output, "Answers, given what is asked", "responses"),
    ]


def _family(family: FamilyAssessment, subject: str, noun: str) -> str:
    if family.verdict == "not_enough_data":
        return f"• {subject}: not tested, {describe_untested(family)}"
    p_value = _p_value(family.p_value)
    if family.alarm:
        return (
            f"• {subject}: *drift*, {p_value}, at least {format_bound(family.drifted_share_lower_bound)} of "
            f"the {noun} are unlike the baseline (95% bound)"
            if is_informative(family.drifted_share_lower_bound)
            else f"• {subject}: *drift*, {p_value}, how many of the {noun} can't be told"
        )
    if family.slow is not None and family.slow.verdict == "drift":
        return f"• {subject}: {'*drift*, ' if family.slow.alarm else ''}{describe_slow_drift(family.slow)}"
    if family.verdict == "drift":
        return f"• {subject}: a change below the floor that pages, {p_value}"
    return f"• {subject}: as before, {p_value}"


def _degraded(assessment: Assessment) -> list[str]:
    return [f"• {_change(one)}" for one in assessment.numeric_columns if one.degraded]


def _change(one: NumericAssessment) -> str:
    change = f"{one.reference_mean:.3g} → {one.current_mean:.3g}"
    if one.relative_change is not None:
        change += f" ({one.relative_change:+.0%}"
        if one.relative_change_lower is not None and one.relative_change_upper is not None:
            change += (
                f", 95% interval {one.relative_change_lower:+.0%} to "
                f"{one.relative_change_upper:+.0%}"
            )
        change += ")"
    return (
        f"`{escape(one.name, 60)}` {change}, effect {one.effect_size:+.2f}, "
        f"n = {one.n_reference:,} → {one.n_current:,}"
    )


def _topics(assessment: Assessment) -> list[str]:
    lines = []
    for family in (assessment.input, assessment.output):
        kind = "asked" if family.family == "input" else "answered otherwise"
        lines += [
            f"• {kind}: {_topic(topic, family.family)}" for topic in family.topics[:TOPICS_SHOWN]
        ]
        left = len(family.topics) - TOPICS_SHOWN
        if left > 0:
            lines.append(f"• {left} more in the report")
    return lines


def _topic(topic: Topic, family: str) -> str:
    return (
        f"*{escape(topic.name, 100)}*, {topic.share_current:.1%} of the window against "
        f"{topic.share_reference:.1%}: {describe_enrichment(topic, family)}, n = {topic.n_current:,}"
    )


def _mix(assessment: Assessment) -> list[str]:
    changes = {
        name: (assessment.mix_reference.get(name, 0.0), assessment.mix_current.get(name, 0.0))
        for name in assessment.mix_reference | assessment.mix_current
    }
    moved = sorted(
        (name for name, (before, after) in changes.items() if abs(after - before) > 0.0),
        key=lambda name: -abs(changes[name][1] - changes[name][0]),
    )
    return [
        f"• task type `{escape(name, 40) or '(none)'}`: {changes[name][0]:.0%} → "
        f"{changes[name][1]:.0%} of the traffic"
        for name in moved[:TOPICS_SHOWN]
        if abs(changes[name][1] - changes[name][0]) >= MIX_CHANGE_SHOWN
    ]


def _mix_change(assessment: Assessment) -> list[str]:
    if assessment.mix_p_value is None or assessment.mix_effect_size is None:
        return []
    moved = f"{assessment.mix_effect_size:.0%} of the traffic moved"
    p_value = _p_value(assessment.mix_p_value)
    return [f"Mix of task types: {moved}, {p_value} (this alone never alarms)"]


def _next_steps(assessment: Assessment) -> list[str]:
    if assessment.verdict == "not_enough_data" and assessment.is_compared:
        return ["• See in the report what could not be compared, and why: the rest does not alarm."]
    if assessment.verdict == "not_enough_data":
        return [
            "• See that production writes and driftwarden reads: `driftwarden check`.",
            "• See that the model has a baseline: `driftwarden baseline import FILE`.",
        ]
    steps = []
    if assessment.input.alarm or assessment.input.slow_alarm:
        steps.append(
            "• The model meets what it was not trained for: read the examples in the thread, and "
            "have the review queue worked; the experts' verdicts decide on retraining."
        )
    if assessment.output.alarm:
        steps.append(
            "• Answers changed for the same questions: look first at what was released in the "
            "window (model, prompt template, retrieval, a provider's version)."
        )
    if any(one.degraded for one in assessment.numeric_columns):
        steps.append(
            "• A metric fell behind its baseline: see in the report whether on the drifted topics "
            "only or everywhere."
        )
    return steps


def _links(subject: EvaluationSummary, alerts: Alerts) -> str:
    base = alerts.public_url.rstrip("/")
    links = [
        link(f"{base}/drift-evaluations/{subject.evaluation_id}/report", "Report"),
        link(f"{base}/review", "Review queue"),
        link(f"{base}/incidents", "Incidents"),
    ]
    if alerts.runbook_url:
        links.append(link(alerts.runbook_url, "Runbook"))
    return "  ·  ".join(links)


def _compared(subject: EvaluationSummary) -> str:
    assessment = subject.assessment
    return (
        f"Window {subject.window_start:%Y-%m-%d %H:%M} to {subject.window_end:%Y-%m-%d %H:%M} UTC "
        f"(n = {assessment.current_count}) against baseline {escape(subject.baseline)} "
        f"(n = {assessment.n_reference:,})"
    )


def _examples(topic: Topic, family: str) -> list[str]:
    kind = "Asked" if family == "input" else "Answered otherwise"
    return [
        f"*{kind}: {escape(topic.name, 100)}*",
        *map(_quoted, topic.examples),
    ]


def _foreign(family: FamilyAssessment) -> list[str]:
    noun = "prompts" if family.family == "input" else "responses"
    title = f"*The most foreign {noun} outside the topics*"
    return [title, *map(_quoted, family.outliers)] if family.outliers else []


def _quoted(example: Example) -> str:
    return f"> {escape(example_line(example), QUOTED_CHARACTERS)}"


def _characteristics(assessment: Assessment) -> list[str]:
    changed = sorted(
        (one for one in assessment.numeric_columns if one.adjusted_p_value <= 0.05),
        key=lambda one: -abs(one.effect_size),
    )
    if not changed:
        return ["No characteristic differs from the baseline."]
    return [
        "*Characteristics that differ, by effect size*",
        *(f"• {one.side} {_change(one)}" for one in changed[:NUMERIC_COLUMNS_SHOWN]),
    ]


def _p_value(p_value: float) -> str:
    return f"p = {p_value:.2g}" if p_value >= 0.001 else f"p = {p_value:.1e}"
