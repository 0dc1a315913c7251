"""Terminal report of an assessment."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.rendering.events import describe_event_test
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_mean
from monitor.rendering.response_changes import (
    describe_descriptor,
    describe_extent,
    describe_pair,
    format_column_change,
    significant_descriptors,
)
from monitor.rendering.wording import (
    NOUNS,
    count_exchanges,
    describe_choice,
    describe_comparable_sizes,
    describe_detectable,
    describe_enrichment,
    describe_first_seen,
    describe_growth,
    describe_mix_change,
    describe_slow_drift,
    describe_untested,
    example_line,
    mix_rows,
    sort_by_effect,
)
from monitor.statistics.p_value_text import format_level, format_p_value, state_p_value
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    Topic,
)
from monitor.stored_words import Words, labels, name_unknown

VERDICTS = Words(
    {
        "drift": ("DRIFT", "bold white on red"),
        "no_drift": ("NO DRIFT", "bold white on green"),
        "not_enough_data": ("NOT ENOUGH DATA", "bold black on yellow"),
    },
    lambda word: (name_unknown(word).upper(), "bold black on yellow"),
)

TITLES = labels({"input": "Input: prompts", "output": "Output: responses given the prompts"})

TOPICS_SHOWN = 10
EXAMPLES_SHOWN = 3
PAIRS_SHOWN = 3
NUMERIC_COLUMNS_SHOWN = 12
TASK_TYPES_SHOWN = 12


def print_assessment(assessment: Assessment, console: Console) -> None:
    """Print verdict, families, topics, numeric columns, task mix and remarks.

    Texts of prompts are printed literally: as :class:`rich.text.Text`, never as markup.
    """
    console.print(render_assessment(assessment))


def render_assessment(assessment: Assessment) -> RenderableType:
    """Return what :func:`print_assessment` prints."""
    label, style = VERDICTS[assessment.verdict]
    counts = (
        f"{assessment.current_count} exchanges of {excerpt(assessment.model, 60) or 'the model'} "
        f"compared with {assessment.n_reference:,} of the baseline"
        f"{describe_comparable_sizes(assessment)}"
    )
    parts: list[RenderableType] = [
        Text.assemble((f" {label} ", style), " ", (counts, "dim")),
        Text(assessment.headline, style="bold"),
    ]
    if detectable := describe_detectable(assessment):
        parts.append(Text(detectable))
    if assessment.is_compared:
        parts += [Text(), *_family(assessment.input), *_family(assessment.output)]
    if assessment.numeric_columns:
        parts += [Text(), _numeric_columns(assessment)]
    if any(assessment.mix_reference) or any(assessment.mix_current):
        parts += [Text(), _mix(assessment)]
    if assessment.remarks:
        parts += [
            Text(),
            *(Text(f"Note: {remark}", style="yellow") for remark in assessment.remarks),
        ]
    return Group(*parts)


def _family(family: FamilyAssessment) -> list[RenderableType]:
    title = Text(TITLES[family.family], style="bold cyan")
    events = [
        Text(f"  {describe_event_test(event)}", style="bold red") for event in family.event_alarms
    ]
    if family.verdict == "not_enough_data":
        return [title, *events, Text(f"  not tested: {describe_untested(family)}", style="dim")]
    alarms = family.alarm or family.slow_alarm is not None
    state = ("drift", "bold red") if alarms else ("no significant change", "green")
    if family.verdict == "drift" and not alarms:
        state = ("significant, below the alert threshold", "yellow")
    figures = f"  {state_p_value(family.p_value, family.level)}"
    if family.verdict == "drift":
        figures += f"; {describe_extent(family, NOUNS[family.family])}"
    lines: list[RenderableType] = [title, *events, Text.assemble("  ", state, (figures, "dim"))]
    lines += [
        Text(f"  {describe_descriptor(change)}") for change in significant_descriptors(family)
    ]
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


def _numeric_columns(
    assessment: Assessment,
) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold cyan")
    table.add_column("Descriptor, metric")
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    table.add_column("Change (95%)", justify="right", no_wrap=True)
    table.add_column("Effect", justify="right")
    table.add_column("p adj.", justify="right")
    columns, output = assessment.numeric_columns, assessment.output
    ordered = sort_by_effect(columns)
    for column in ordered[:NUMERIC_COLUMNS_SHOWN]:
        quiet = "" if column.adjusted_p_value <= 0.05 else "dim"
        table.add_row(
            Text(f"{column.side} {excerpt(column.name, 32)}"),
            format_mean(column.reference_mean),
            format_mean(column.current_mean),
            format_column_change(column, output),
            f"{column.effect_size:+.2f}",
            format_p_value(column.adjusted_p_value),
            style="bold red" if column.degraded else quiet,
        )
    lines: list[RenderableType] = [table]
    n_more = len(ordered) - NUMERIC_COLUMNS_SHOWN
    if n_more > 0:
        lines.append(Text(f"and {n_more} more", style="dim"))
    if output.descriptors:
        lines.append(Text("changes of the responses are given the prompts", style="dim"))
    level = assessment.metrics_level
    if level is not None and any(column.side == "metric" for column in columns):
        lines.append(Text(f"A metric alarms at p adj. of {format_level(level)} or less", "dim"))
    return lines[0] if len(lines) == 1 else Group(*lines)


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
