"""Slack messages of incidents: the message itself, and details for its thread."""

from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.causes import runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.identity import incident_link
from monitor.plurals import pluralize
from monitor.rendering.change_tables import ChangeRow, ChangeTable, change_tables
from monitor.rendering.chart import drift_chart
from monitor.rendering.events import NEXT_STEP, describe_event, describe_event_test
from monitor.rendering.mrkdwn import (
    QUOTED,
    Block,
    bold,
    code,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_window
from monitor.rendering.remedies import remedies
from monitor.rendering.response_changes import describe_rest
from monitor.rendering.wording import (
    NOUNS,
    MixRow,
    describe_absence,
    describe_choice,
    describe_comparable_sizes,
    describe_detectable,
    describe_enrichment,
    describe_mix_change,
    describe_slow_drift,
    example_line,
    further_findings,
    mix_rows,
    state_verdict,
)
from monitor.settings import Alerts
from monitor.statistics.p_value_text import format_p_value, state_p_value
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    Topic,
)
from monitor.store.windows.digest import WindowFigures

TITLES: dict[Event, str] = {
    "opened": "🔴 Drift: {model}",
    "worsened": "🔴 Drift worsened: {model}",
    "continued": "🟠 Drift continues: {model}",
    "quiet": "🟡 Drift paused: {model}",
    "resolved": "🟢 Drift resolved: {model}",
    "reopened": "🔴 Drift is back: {model}",
    "not_enough_data": "⚪ Not enough data: {model}",
    "unwatched": "⚪ Drift, no longer watched: {model}",
}

#: In place of that of "not_enough_data".
NOT_COMPARABLE = "⚪ Not comparable: {model}"

TOPICS_SHOWN = 5
#: Of each table of changes.
ROWS_SHOWN = 8
FINDINGS_SHOWN = 10

#: Of each topic, in the message itself; the thread has more.
EXAMPLES_SHOWN = 1
#: Of a quoted exchange.
QUOTED_CHARACTERS = 300

#: Smaller changes of a task type's share are omitted.
MIN_MIX_CHANGE = 0.05
#: Task types that are searched for such changes.
TASK_TYPES_READ = 50


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """The evaluation that a message reports."""

    evaluation_id: int
    window_start: datetime
    window_end: datetime
    assessment: Assessment
    #: Digest and days of the baseline.
    baseline: str
    #: The incident that it belongs to; ``None`` without one.
    incident_id: int | None = None
    #: The state of the incident, a line each.
    notes: tuple[str, ...] = ()
    #: First and last time of the window that opened the incident; ``None`` without an incident.
    since: tuple[datetime, datetime] | None = None
    #: The last windows up to this one, in order of time.
    history: tuple[WindowFigures, ...] = ()


def incident_blocks(summary: EvaluationSummary, event: Event, alerts: Alerts) -> list[Block]:
    """Return the blocks of the incident's message: evidence, scope, next steps and links."""
    assessment = summary.assessment
    title = TITLES[event]
    if event == "not_enough_data" and assessment.is_not_comparable:
        title = NOT_COMPARABLE
    blocks = [header(title.format(model=assessment.model))]
    findings = further_findings(assessment)
    more = [f"• {escape(finding)}" for finding in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        more.append(f"• {len(findings) - FINDINGS_SHOWN} more findings in the report")
    blocks += sections([bold(assessment.headline), *more, *_since(summary)])
    if detectable := describe_detectable(assessment):
        blocks += sections([detectable])
    if assessment.is_compared:
        families = [_family(assessment.input), _family(assessment.output)]
        evidence = [*filter(None, families), *_events(assessment), *_degraded(assessment)]
        blocks += sections(["*Evidence*", *evidence] if evidence else [])
        blocks += drift_chart(summary.history)
        affected = [*_affected_by_events(assessment), *_topics(assessment), *_mix(assessment)]
        if affected:
            blocks += sections(["*Who is affected*", *affected])
    if event not in {"quiet", "resolved", "unwatched"}:
        blocks += sections(["*Next steps*", *next_steps(assessment)])
    blocks += sections([_links(summary, alerts)])
    blocks.append(context(_compared(summary)))
    blocks += [context(escape(note)) for note in summary.notes]
    return within_limits(blocks)


def detail_blocks(summary: EvaluationSummary, event: Event) -> list[Block]:
    """Return the blocks of a reply in the thread: examples, numeric columns, mix, remarks."""
    assessment = summary.assessment
    lines: dict[Event, list[str]] = {
        "opened": ["Details of the window"],
        "worsened": ["*The drift worsened.*", escape(assessment.headline)],
        "continued": ["The drift continues and has not worsened."],
        "quiet": ["The window is quiet."],
        "resolved": ["*Resolved.*", escape(assessment.headline)],
        "reopened": ["*The drift is back.*", escape(assessment.headline)],
        "not_enough_data": [
            f"*{state_verdict(assessment)}.* The incident stays open.",
            escape(assessment.headline),
        ],
        "unwatched": ["The model is no longer watched."],
    }
    blocks = sections(lines[event])
    if event in {"resolved", "reopened"}:
        blocks += [context(escape(note)) for note in summary.notes]
    if event in {"opened", "worsened", "reopened"}:
        for family in (assessment.input, assessment.output):
            for topic in family.topics[:TOPICS_SHOWN]:
                blocks += sections(_examples(topic, family.family))
            blocks += sections(_outliers(family))
        blocks += sections([*_changes(assessment), *_mix_change(assessment)])
    if assessment.remarks:
        blocks += sections(["*Remarks*", *(f"• {escape(remark)}" for remark in assessment.remarks)])
    return within_limits(blocks)


def _family(family: FamilyAssessment) -> str:
    """Return the p-values of a family; what changed, and how much, is in the findings."""
    if note := describe_absence(family):
        return f"• {note}"
    if family.verdict == "not_enough_data":
        return ""
    subject = "Prompts" if family.family == "input" else "Responses given the prompts"
    evidence = [state_p_value(family.p_value, family.level)]
    if family.slow_alarm is not None:
        p_value = state_p_value(family.slow_alarm.p_value, family.slow_alarm.level)
        evidence.append(f"over {pluralize(family.slow_alarm.n_windows, 'window')} {p_value}")
    elif family.slow is not None and family.slow.verdict == "drift" and not family.alarm:
        evidence.append(describe_slow_drift(family.slow))
    if rest := describe_rest(family):
        evidence.append(rest)
    return f"• {subject}: {'; '.join(evidence)}"


def _events(assessment: Assessment) -> list[str]:
    events = assessment.output.event_alarms
    return [f"• *{describe_event_test(event)}*" for event in events]


def _degraded(assessment: Assessment) -> list[str]:
    return [
        f"• {code(row.name, 60)}: {_evidence(row)}, n = {row.sizes}"
        for table in change_tables(assessment)
        for row in table.rows
        if row.is_degraded
    ][:ROWS_SHOWN]


def _evidence(row: ChangeRow) -> str:
    p_value = format_p_value(row.adjusted_p_value)
    equals = "= " if p_value[0].isdigit() else ""
    return f"{row.change}, p adjusted {equals}{p_value}"


def _topics(assessment: Assessment) -> list[str]:
    lines = []
    for family in (assessment.input, assessment.output):
        for topic in family.topics[:TOPICS_SHOWN]:
            size = f"n = {topic.n_current:,}{_share_of_users(topic.n_end_users, assessment)}"
            enriched = describe_enrichment(topic, family.family)
            name = f"{NOUNS[family.family]}: {bold(topic.name, 100)}"
            lines.append(f"• {name}, {size}, {enriched}")
            lines += map(_quoted, topic.examples[:EXAMPLES_SHOWN])
        n_more = len(family.topics) - TOPICS_SHOWN
        if n_more > 0:
            lines.append(f"• {n_more} more in the report")
    return lines


def _affected_by_events(assessment: Assessment) -> list[str]:
    return [
        f"• {describe_event(event)}{_share_of_users(event.n_end_users, assessment)}"
        for event in assessment.output.event_alarms
    ]


def _share_of_users(n_end_users: int, assessment: Assessment) -> str:
    """Return a number of end users, and their share; empty where none is named."""
    if not n_end_users:
        return ""
    total = None if assessment.basis is None else assessment.basis.current.n_end_users
    share = f" ({n_end_users / total:.0%} of all)" if total else ""
    return f", from {pluralize(n_end_users, 'end user')}{share}"


def _since(summary: EvaluationSummary) -> list[str]:
    """Return since when the incident lasts, where it is older than the window."""
    if summary.since is None or summary.since[0] >= summary.window_start:
        return []
    return [f"Since the window of {format_window(summary.since)}."]


def _mix(assessment: Assessment) -> list[str]:
    rows = [
        row
        for row in mix_rows(assessment, TASK_TYPES_READ)
        if row.reference is not None and row.current is not None and row.change >= MIN_MIX_CHANGE
    ]
    named = [row for row in rows if not row.n_others][:TOPICS_SHOWN]
    return [
        f"• {_task_type(row)}: {row.reference:.0%} → {row.current:.0%} of the traffic"
        for row in (*named, *(row for row in rows if row.n_others))
    ]


def _task_type(row: MixRow) -> str:
    return row.name if row.n_others else f"task type {code(row.name or '(none)', 40)}"


def _mix_change(assessment: Assessment) -> list[str]:
    change = describe_mix_change(assessment)
    return [f"{change[0].upper()}{change[1:]}."] if change else []


def next_steps(assessment: Assessment) -> list[str]:
    """Return what to do after an evaluation, as mrkdwn."""
    if assessment.verdict == "not_enough_data":
        what_to_do = remedies(
            assessment.shortages, assessment.fallen_coverage, model=assessment.model
        )
        report = "See in the report what could not be compared, and why. The rest does not alarm."
        return [f"• {escape(sentence)}" for sentence in what_to_do or (report,)]
    steps = [NEXT_STEP] if assessment.output.event_alarms else []
    prompts, responses = assessment.input, assessment.output
    if prompts.alarm and prompts.explanations:
        steps.append(
            "• Check what writes the prompts: what was released in the window (prompt template, "
            "system message, client)."
        )
    is_new = prompts.alarm and (prompts.rest is None or prompts.rest.verdict == "drift")
    if is_new or prompts.slow_alarm:
        steps.append(
            "• The model receives prompts that it was not trained for: read the examples, in the "
            "thread or the report, and have the review queue worked; the verdicts decide on "
            "retraining."
        )
    if responses.alarm or any(explanation.alarm for explanation in responses.explanations):
        steps.append(
            "• Responses to comparable prompts changed: check first what was released in the "
            "window (model, prompt template, retrieval, a provider's version)."
        )
    if any(column.degraded for column in assessment.numeric_columns):
        steps.append(
            "• A metric is worse than its baseline: check in the report whether on the drifted "
            "topics only or everywhere."
        )
    return steps


def _links(summary: EvaluationSummary, alerts: Alerts) -> str:
    base = alerts.public_url.rstrip("/")
    links = [
        incident_link(alerts, summary.incident_id),
        link(f"{base}/drift-evaluations/{summary.evaluation_id}/report", "Report"),
        link(f"{base}/review", "Review queue"),
        link(runbook_url(alerts, "drift"), "Runbook"),
    ]
    return "  ·  ".join(links)


def _compared(summary: EvaluationSummary) -> str:
    assessment = summary.assessment
    return (
        f"Evaluation {summary.evaluation_id}: window {summary.window_start:%Y-%m-%d %H:%M} to "
        f"{summary.window_end:%Y-%m-%d %H:%M} UTC "
        f"(n = {assessment.current_count}) compared with baseline {escape(summary.baseline)} "
        f"(n = {assessment.n_reference:,}){describe_comparable_sizes(assessment)}"
    )


def _examples(topic: Topic, family: str) -> list[str]:
    title = f"*{NOUNS[family].capitalize()}: {escape(topic.name, 100) or '(empty)'}*"
    if not topic.examples:
        return [title]
    return [title, describe_choice(topic), *map(_quoted, topic.examples)]


def _outliers(family: FamilyAssessment) -> list[str]:
    title = f"*Strongest outliers: {NOUNS[family.family]} outside the topics*"
    return [title, *map(_quoted, family.outliers)] if family.outliers else []


def _quoted(example: Example) -> str:
    return f"{QUOTED}{escape(example_line(example), QUOTED_CHARACTERS)}"


def _changes(assessment: Assessment) -> list[str]:
    """Return the significant rows of each table, under the family of its tests."""
    lines = []
    for table in change_tables(assessment):
        lines += _significant_rows(table)
    return lines


def _significant_rows(table: ChangeTable) -> list[str]:
    # The message itself has the degraded ones.
    rows = [row for row in table.rows if row.is_significant and not row.is_degraded]
    if not rows:
        return []
    more = [f"• {len(rows) - ROWS_SHOWN} more in the report"] if len(rows) > ROWS_SHOWN else []
    return [
        f"*{table.title}*: {table.family}",
        *(
            f"• {code(row.name, 60)}{f' {row.reference} → {row.current}' if row.sizes else ''}: "
            f"{_evidence(row)}"
            for row in rows[:ROWS_SHOWN]
        ),
        *more,
    ]
