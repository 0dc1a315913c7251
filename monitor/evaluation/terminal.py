"""An assessment as it reads in a terminal."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.evaluation.excerpts import excerpt
from monitor.store.assessment import Assessment, Characteristic, FamilyAssessment, Topic

VERDICTS = {
    "drift": ("DRIFT", "bold white on red"),
    "no_drift": ("NO DRIFT", "bold white on green"),
    "not_enough_data": ("NOT ENOUGH DATA", "bold black on yellow"),
}

EXAMPLES_SHOWN = 3
CHARACTERISTICS_SHOWN = 12


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
    if assessment.verdict != "not_enough_data":
        parts += [Text(), *_family(assessment.input), *_family(assessment.output)]
    if assessment.characteristics:
        parts += [Text(), _characteristics(assessment.characteristics)]
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
                "  not tested: too few exchanges with an answer, or too few like prompts",
                style="dim",
            ),
        ]
    state = ("drift", "bold red") if family.alarm else ("as before", "green")
    if family.verdict == "drift" and not family.alarm:
        state = ("moved, but less than what alarms", "yellow")
    bound = f"at least {family.mass_lower_bound:.1%} of the window drifted (95% bound)"
    figures = Text.assemble(
        "  ", state, (f"  p = {format_p_value(family.p_value)}; {bound}", "dim")
    )
    return [line, figures, *(_topic(topic) for topic in family.topics)]


def _topic(topic: Topic) -> RenderableType:
    interval = f"{format_mean(topic.enrichment_lower)} to {format_mean(topic.enrichment_upper)}"
    title = Text.assemble(
        (topic.name, "bold"),
        f"  {topic.share_current:.1%} of the window, {topic.share_reference:.1%} of the baseline ",
        (f"({format_mean(topic.enrichment)} times, {interval})", "dim"),
    )
    examples = [
        Text(f"“{excerpt(example, 160)}”", style="italic", no_wrap=False)
        for example in topic.examples[:EXAMPLES_SHOWN]
    ]
    return Padding(Group(title, *(Padding(one, (0, 0, 0, 2)) for one in examples)), (0, 0, 0, 2))


def _characteristics(characteristics: tuple[Characteristic, ...]) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold cyan")
    table.add_column("Characteristic")
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    table.add_column("Change, interval", justify="right", no_wrap=True)
    table.add_column("Effect", justify="right")
    table.add_column("p adj.", justify="right")
    ordered = sorted(characteristics, key=lambda one: (not one.degraded, -abs(one.effect_size)))
    for one in ordered[:CHARACTERISTICS_SHOWN]:
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
    left = len(ordered) - CHARACTERISTICS_SHOWN
    return table if left <= 0 else Group(table, Text(f"and {left} more", style="dim"))


def _mix(assessment: Assessment) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    table.add_column("Task type", no_wrap=True)
    table.add_column("Baseline", justify="right")
    table.add_column("Window", justify="right")
    for name, before, after in mix_by_change(assessment)[:CHARACTERISTICS_SHOWN]:
        table.add_row(Text(excerpt(name, 40) or "(none)"), f"{before:.1%}", f"{after:.1%}")
    change = format_mix_change(assessment)
    return Group(table, Text(change, style="dim")) if change else table


def mix_by_change(assessment: Assessment) -> list[tuple[str, float, float]]:
    """Return each task type with its share of baseline and window, the largest change first."""
    names = assessment.mix_reference | assessment.mix_current
    rows = [
        (name, assessment.mix_reference.get(name, 0.0), assessment.mix_current.get(name, 0.0))
        for name in names
    ]
    return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))


def format_mix_change(assessment: Assessment) -> str:
    """Return in one line how far the mix of task types moved; empty where that wasn't tested."""
    if assessment.mix_p_value is None or assessment.mix_effect_size is None:
        return ""
    return (
        f"{assessment.mix_effect_size:.1%} of the traffic moved between task types, "
        f"p = {format_p_value(assessment.mix_p_value)}; this alone never alarms"
    )


def format_p_value(p_value: float) -> str:
    """Return a p-value with two digits that matter."""
    return f"{p_value:.2f}" if p_value >= 0.1 else f"{p_value:.2g}"


def format_mean(mean: float) -> str:
    """Return a mean with three digits that matter, and without an exponent where it is readable."""
    return f"{mean:,.0f}" if 1000 <= abs(mean) < 1e7 else f"{mean:.3g}"


def format_change(one: Characteristic) -> str:
    """Return the relative change of the mean with its interval."""
    if one.relative_change is None:
        return "from 0"
    if one.relative_change_lower is None or one.relative_change_upper is None:
        return f"{one.relative_change:+.1%}"
    return (
        f"{one.relative_change:+.1%} ({100 * one.relative_change_lower:+.1f} to "
        f"{100 * one.relative_change_upper:+.1f})"
    )
