"""Details of a window for the thread of its incident, and the message on missing data."""

from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.causes import runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.identity import incident_link
from monitor.alerts.messages.next_steps import next_steps
from monitor.alerts.messages.text import MODEL_CHARACTERS, IncidentText
from monitor.plurals import pluralize
from monitor.rendering.change_tables import ChangeRow, ChangeTable, change_tables
from monitor.rendering.chart import drift_chart
from monitor.rendering.events import EVENTS, describe_event_test
from monitor.rendering.excerpts import excerpt, name_version
from monitor.rendering.mrkdwn import (
    QUOTED,
    Block,
    bold,
    code,
    context,
    escape,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_window
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
)
from monitor.store.windows.window_figures import WindowFigures

#: The first line of the details after an event.
LINES: dict[Event, str] = {
    "opened": "Details of the window",
    "worsened": "Details of the newest window",
    "reopened": "*The drift is back.*",
}

TOPICS_SHOWN = 5
#: Of each table of changes.
ROWS_SHOWN = 8
FINDINGS_SHOWN = 10
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
    #: Name of the version that the figures are of; empty: unknown, or several together.
    version: str = ""
    #: The incident that it belongs to; ``None`` without one.
    incident_id: int | None = None
    #: The last windows up to this one, in order of time.
    history: tuple[WindowFigures, ...] = ()


def missing_data_text(summary: EvaluationSummary, alerts: Alerts) -> IncidentText:
    """Return the text of the message on a window without enough data, without an incident."""
    assessment = summary.assessment
    verdict = state_verdict(assessment)
    why = assessment.headline.removeprefix(f"{verdict}: ")
    period = format_window((summary.window_start, summary.window_end))
    report = f"{alerts.public_url.rstrip('/')}/drift-evaluations/{summary.evaluation_id}/report"
    return IncidentText(
        title=f"⚪ {verdict}: {excerpt(assessment.model, MODEL_CHARACTERS)}",
        findings=(f"{why[0].upper()}{why[1:]}", *further_findings(assessment)),
        since=f"Window of {period}.",
        next_step=next_steps(assessment)[0].removeprefix("• "),
        links=(link(report, "Report"), link(runbook_url(alerts, "drift"), "Runbook")),
    )


def detail_blocks(summary: EvaluationSummary, event: Event, alerts: Alerts) -> list[Block]:
    """Return the blocks of the details: findings, evidence, scope, examples, next steps."""
    assessment = summary.assessment
    findings = further_findings(assessment)
    more = [f"• {escape(finding)}" for finding in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        more.append(f"• {len(findings) - FINDINGS_SHOWN} more findings in the report")
    blocks = sections([LINES[event], bold(assessment.headline), *more])
    if detectable := describe_detectable(assessment):
        blocks += sections([detectable])
    if assessment.is_compared:
        families = [_family(assessment.input), _family(assessment.output)]
        evidence = [*filter(None, families), *_events(assessment), *_degraded(assessment)]
        blocks += sections(["*Evidence*", *evidence] if evidence else [])
        blocks += drift_chart(summary.history)
        affected = [*_affected_by_events(assessment), *_topics(assessment), *_mix(assessment)]
        blocks += sections(["*Who is affected*", *affected] if affected else [])
        for family in (assessment.input, assessment.output):
            blocks += sections(_outliers(family))
        blocks += sections([*_changes(assessment), *_mix_change(assessment)])
    if assessment.remarks:
        blocks += sections(["*Remarks*", *(f"• {escape(remark)}" for remark in assessment.remarks)])
    steps = next_steps(assessment)
    blocks += sections(["*Next steps*", *steps] if steps else [])
    blocks += sections([_links(summary, alerts)])
    blocks.append(context(_compared(summary)))
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
            lines += [describe_choice(topic)] if topic.examples else []
            lines += map(_quoted, topic.examples)
        n_more = len(family.topics) - TOPICS_SHOWN
        if n_more > 0:
            lines.append(f"• {n_more} more in the report")
    return lines


def _affected_by_events(assessment: Assessment) -> list[str]:
    return [
        f"• responses that are {EVENTS[event.kind]}{_share_of_users(event.n_end_users, assessment)}"
        for event in assessment.output.event_alarms
        if event.n_end_users
    ]


def _share_of_users(n_end_users: int, assessment: Assessment) -> str:
    """Return a number of end users, and their share; empty where none is named."""
    if not n_end_users:
        return ""
    total = None if assessment.basis is None else assessment.basis.current.n_end_users
    share = f" ({n_end_users / total:.0%} of all)" if total else ""
    return f", from {pluralize(n_end_users, 'end user')}{share}"


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
    of_version = f", {escape(name_version(summary.version))}" if summary.version else ""
    return (
        f"Evaluation {summary.evaluation_id}{of_version}: window "
        f"{summary.window_start:%Y-%m-%d %H:%M} to {summary.window_end:%Y-%m-%d %H:%M} UTC "
        f"(n = {assessment.current_count}) compared with baseline {escape(summary.baseline)} "
        f"(n = {assessment.n_reference:,}){describe_comparable_sizes(assessment)}"
    )


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
    # The evidence has the degraded ones.
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
