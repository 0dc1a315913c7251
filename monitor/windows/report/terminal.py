"""An assessment as it reads in a terminal."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.wording import (
    by_effect,
    describe_enrichment,
    describe_first_seen,
    describe_growth,
    describe_slow_drift,
    describe_untested,
    example_line,
    format_change,
    format_mean,
    format_mix_change,
    format_p_value,
    is_informative,
    mix_by_change,
)
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    NumericAssessment,
    Topic,
)

VERDICTS = {
    "drift": ("DRIFT", "bold white on red"),
    "no_drift": ("NO DRIFT", "bold white on green"),
    "not_enough_data": ("NOT ENOUGH DATA", "bold black on yellow"),
}

TOPICS_SHOWN = 10
EXAMPLES_SHOWN = 3
NUMERIC_COLUMNS_SHOWN = 12


def print_assessment(assessment: Assessment, console: Console) -> None:
    """Print verdict, families, topics, characteristics, mix and remarks.

    Text from prompts is printed as it stands: as :class:`rich.text.Text`, never as markup.
    """
    console.print(render_assessment(assessment))


def render_assessment(assessment: Assessment) -> RenderableType:
    """Return what :func:`print_assessment` prints."""
    label, style = VERDICTS[assessment.verdict]
    counts = (
        f"{assessment.current_count} exchanges of {excerpt(assessment.model, 60) or 'the model'} "
        f"against {assessment.n_reference:,} of the baseline"
    )
    parts: list[RenderableType] = [
        Text.assemble((f" {label} ", style), " ", (counts, "dim")),
        Text(assessment.headline, style="bold"),
    ]
    if assessment.is_compared:
        parts += [Text(), *_family(assessment.input), *_family(assessment.output)]
    if assessment.numeric_columns:
        parts += [Text(), _characteristics(assessment.numeric_columns)]
    if any(assessment.mix_reference) or any(assessment.mix_current):
        parts += [Text(), _mix(assessment)]
    if assessment.remarks:
        parts += [
            Text(),
            *(Text(f"Note: {remark}", style="yellow") for remark in assessment.remarks),
        ]
    return Group(*parts)


def _family(family: FamilyAssessment) -> list[RenderableType]:
    titles = {"input": "Input: what people ask", "output": "Output: the answers, given the prompts"}
    line = Text(titles[family.family], style="bold cyan")
    if family.verdict == "not_enough_data":
        return [
            line,
            Text(
                f"  not tested: {describe_untested(family)}",
                style="dim",
            ),
        ]
    alarms = family.alarm or family.slow_alarm is not None
    state = ("drift", "bold red") if alarms else ("as before", "green")
    if family.verdict == "drift" and not alarms:
        state = ("moved, but less than what alarms", "yellow")
    figured = f"  p = {format_p_value(family.p_value)}"
    if family.verdict == "drift":
        noun = "prompts" if family.family == "input" else "responses"
        figured += (
            f"; at least {family.drifted_share_lower_bound:.1%} of the {noun} drifted (95% bound)"
            if is_informative(family.drifted_share_lower_bound)
            else f"; how many of the {noun} drifted can't be told"
        )
    figures = Text.assemble("  ", state, (figured, "dim"))
    shown = [_topic(topic, family.family) for topic in family.topics[:TOPICS_SHOWN]]
    left = len(family.topics) - TOPICS_SHOWN
    if left > 0:
        shown.append(Text(f"  and {left:,} smaller topics", style="dim"))
    if family.outliers:
        shown.append(_indented([Text("Foreign, and in no topic", style="bold")], family.outliers))
    slow = (
        [] if family.slow is None else [Text(f"  {describe_slow_drift(family.slow)}", style="dim")]
    )
    return [line, figures, *slow, *shown]


def _topic(topic: Topic, family: str) -> RenderableType:
    title = Text.assemble(
        (topic.name, "bold"),
        f"  {topic.share_current:.1%} of the window, {topic.share_reference:.1%} of the baseline: ",
        (describe_enrichment(topic, family), "dim"),
    )
    users = f"{pluralize(topic.n_current, 'exchange')} of {pluralize(topic.n_users, 'user')}"
    seen = "; ".join(
        one for one in (users, describe_first_seen(topic), describe_growth(topic)) if one
    )
    return _indented([title, Text(seen, style="dim")], topic.examples)


def _indented(head: list[Text], examples: tuple[Example, ...]) -> RenderableType:
    lines: list[RenderableType] = [*head]
    for example in examples[:EXAMPLES_SHOWN]:
        quoted = [Text(f"“{excerpt(example_line(example), 300)}”", style="italic")]
        if example.before is not None:
            quoted.append(Text(f"before: “{example_line(example.before)}”", style="dim"))
        lines.append(Padding(Group(*quoted), (0, 0, 0, 2)))
    return Padding(Group(*lines), (0, 0, 0, 2))


def _characteristics(numeric_columns: tuple[NumericAssessment, ...]) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold cyan")
    table.add_column("NumericAssessment")
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    table.add_column("Change, interval", justify="right", no_wrap=True)
    table.add_column("Effect", justify="right")
    table.add_column("p adj.", justify="right")
    ordered = by_effect(numeric_columns)
    for one in ordered[:NUMERIC_COLUMNS_SHOWN]:
        style = "bold red" if one.degraded else ("" if one.adjusted_p_value <= 0.05 else "dim")
        table.add_row(
            Text(f"{one.side} {excerpt(one.name, 32)}"),
            format_mean(one.reference_mean),
            format_mean(one.current_mean),
            format_change(one),
            f"{one.effect_size:+.2f}",
            format_p_value(one.adjusted_p_value),
            style=style,
        )
    left = len(ordered) - NUMERIC_COLUMNS_SHOWN
    return table if left <= 0 else Group(table, Text(f"and {left} more", style="dim"))


def _mix(assessment: Assessment) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    table.add_column("Task type", no_wrap=True)
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    for name, *shares in mix_by_change(assessment)[:NUMERIC_COLUMNS_SHOWN]:
        told = ("-" if share is None else f"{share:.1%}" for share in shares)
        table.add_row(Text(excerpt(name, 40) or "(none)"), *told)
    change = format_mix_change(assessment)
    return Group(table, Text(change, style="dim")) if change else table
