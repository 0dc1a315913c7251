"""Terminal report of an assessment."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.rendering.change_tables import (
    MEANS,
    ChangeTable,
    ExplanationRow,
    change_tables,
    explanation_rows,
)
from monitor.rendering.events import describe_event_test
from monitor.rendering.excerpts import excerpt
from monitor.rendering.response_changes import describe_extent, describe_pair, describe_rest
from monitor.rendering.wording import (
    count_exchanges,
    describe_absence,
    describe_choice,
    describe_comparable_sizes,
    describe_detectable,
    describe_enrichment,
    describe_first_seen,
    describe_growth,
    describe_mix_change,
    describe_slow_drift,
    describe_state,
    describe_untested,
    example_line,
    further_findings,
    mix_rows,
    state_verdict,
)
from monitor.statistics.p_value_text import format_p_value, state_p_value
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    Topic,
)
from monitor.stored_words import Words, labels
from monitor.windows.report.gate_tables import gate_tables

STYLES_OF_VERDICTS = Words(
    {"drift": "bold white on red", "no_drift": "bold white on green"},
    lambda _: "bold black on yellow",
)

TITLES = labels({"input": "Input: prompts", "output": "Output: responses given the prompts"})

STYLES = {"drift": "bold red", "no significant change": "green"}

TOPICS_SHOWN = 10
EXAMPLES_SHOWN = 3
PAIRS_SHOWN = 3
#: Of each table of changes.
ROWS_SHOWN = 12
TASK_TYPES_SHOWN = 12


def print_assessment(assessment: Assessment, console: Console) -> None:
    """Print verdict, families, topics, numeric columns, task mix and remarks.

    Texts of prompts are printed literally: as :class:`rich.text.Text`, never as markup.
    """
    console.print(render_assessment(assessment))


def render_assessment(assessment: Assessment) -> RenderableType:
    """Return what :func:`print_assessment` prints."""
    label, style = state_verdict(assessment).upper(), STYLES_OF_VERDICTS[assessment.verdict]
    counts = (
        f"{assessment.current_count} exchanges of {excerpt(assessment.model, 60) or 'the model'} "
        f"compared with {assessment.n_reference:,} of the baseline"
        f"{describe_comparable_sizes(assessment)}"
    )
    parts: list[RenderableType] = [
        Text.assemble((f" {label} ", style), " ", (counts, "dim")),
        Text(assessment.headline, style="bold"),
        *(Text(f"• {finding}") for finding in further_findings(assessment)),
    ]
    if detectable := describe_detectable(assessment):
        parts.append(Text(detectable))
    parts += gate_tables(assessment)
    if assessment.is_compared:
        parts += [Text(), *_family(assessment.input), *_family(assessment.output)]
    if rows := explanation_rows(assessment):
        parts += [Text(), _explanations(rows)]
    tables = change_tables(assessment)
    for table in tables:
        parts += [Text(), _changes(table)]
    if any(table.kind != "given_prompts" for table in tables):
        parts.append(Text(MEANS, style="dim"))
    if any(assessment.mix_reference) or any(assessment.mix_current):
        parts += [Text(), _mix(assessment)]
    if assessment.remarks:
        parts += [
            Text(),
            *(Text(f"Note: {remark}", style="yellow") for remark in assessment.remarks),
        ]
    return Group(*parts)


def _family(family: FamilyAssessment) -> list[RenderableType]:
    if note := describe_absence(family):
        return [Text(note, style="dim")]
    title = Text(TITLES[family.family], style="bold cyan")
    state = describe_state(family)
    events = [
        Text(f"  {describe_event_test(event)}", style="bold red") for event in family.event_alarms
    ]
    if family.verdict == "not_enough_data":
        return [title, *events, Text(f"  {state}: {describe_untested(family)}", style="dim")]
    style = STYLES.get(state, "yellow")
    figures = f"  {state_p_value(family.p_value, family.level)}"
    if family.verdict == "drift":
        figures += f"; {describe_extent(family)}"
    lines: list[RenderableType] = [
        title,
        *events,
        Text.assemble("  ", (state, style), (figures, "dim")),
    ]
    if rest := describe_rest(family):
        lines.append(Text(f"  {rest}", style="dim"))
    for pair in family.pairs[:PAIRS_SHOWN]:
        title = Text.assemble((describe_pair(pair), "bold"), ("; to similar prompts", "dim"))
        lines.append(_indent([title], (pair.example,)))
    if family.slow is not None:
        lines.append(Text(f"  {describe_slow_drift(family.slow)}", style="dim"))
    lines += [_topic(topic, family.family) for topic in family.topics[:TOPICS_SHOWN]]
    n_more = len(family.topics) - TOPICS_SHOWN
    if n_more > 0:
        lines.append(Text(f"  and {n_more:,} smaller topics", style="dim"))
    if family.outliers:
        title = Text("Strongest outliers (not on a topic)", style="bold")
        lines.append(_indent([title], family.outliers))
    return lines


def _topic(topic: Topic, family: str) -> RenderableType:
    title = Text.assemble(
        (topic.name, "bold"),
        f"  {topic.share_current:.1%} of the window, {topic.share_reference:.1%} of the baseline: ",
        (describe_enrichment(topic, family), "dim"),
    )
    facts = (count_exchanges(topic), describe_first_seen(topic), describe_growth(topic))
    details = "; ".join(fact for fact in facts if fact)
    head = [title, Text(details, style="dim")]
    if topic.examples:
        head.append(Text(describe_choice(topic), style="dim"))
    return _indent(head, topic.examples)


def _indent(head: list[Text], examples: tuple[Example, ...]) -> RenderableType:
    lines: list[RenderableType] = [*head]
    for example in examples[:EXAMPLES_SHOWN]:
        quoted = [Text(f"“{excerpt(example_line(example), 300)}”", style="italic")]
        if example.baseline is not None:
            quoted.append(Text(f"baseline: “{example_line(example.baseline)}”", style="dim"))
        lines.append(Padding(Group(*quoted), (0, 0, 0, 2)))
    return Padding(Group(*lines), (0, 0, 0, 2))


def _explanations(rows: list[ExplanationRow]) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold cyan")
    for name in ("Explanations", "Text"):
        table.add_column(name)
    for name in ("Baseline (95%)", "Window (95%)"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row.kind, Text(excerpt(row.text, 60)), row.reference, row.current)
    return table


def _changes(changes: ChangeTable) -> RenderableType:
    """Return a table of metrics or descriptors under the family of its tests."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold cyan")
    table.add_column(changes.title)
    if changes.kind != "given_prompts":
        table.add_column("Baseline", justify="right")
        table.add_column("Window", justify="right")
    table.add_column("Change (95%)", justify="right", no_wrap=True)
    table.add_column("p adj.", justify="right")
    for row in changes.rows[:ROWS_SHOWN]:
        means = () if changes.kind == "given_prompts" else (row.reference, row.current)
        table.add_row(
            Text(excerpt(row.name, 40)),
            *means,
            row.change,
            format_p_value(row.adjusted_p_value),
            style="bold red" if row.is_degraded else "" if row.is_significant else "dim",
        )
    lines: list[RenderableType] = [Text(changes.family, style="dim"), table]
    n_more = len(changes.rows) - ROWS_SHOWN
    if n_more > 0:
        lines.append(Text(f"and {n_more} more", style="dim"))
    return Group(*lines)


def _mix(assessment: Assessment) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    table.add_column("Task type", no_wrap=True)
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    for row in mix_rows(assessment, TASK_TYPES_SHOWN):
        shares = (row.reference, row.current)
        cells = ("-" if share is None else f"{share:.1%}" for share in shares)
        name = Text(excerpt(row.name, 40) or "(none)")
        table.add_row(name, *cells, style="dim" if row.n_others else "")
    change = describe_mix_change(assessment)
    return Group(table, Text(change, style="dim")) if change else table
