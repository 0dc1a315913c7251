"""Rules and segments in the terminal's report."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.rendering.excerpts import excerpt
from monitor.rendering.wording import VERDICTS
from monitor.store.windows.assessment import Assessment, Segmentation
from monitor.windows.gate.wording import (
    describe_rule,
    describe_segment,
    describe_segment_mix,
    describe_segment_share,
    segment_name,
)

RULE_STYLES = {"kept": "green", "broken": "bold red", "undecided": "yellow"}
SEGMENT_STYLES = {"drift": "bold red", "no_drift": "green", "not_enough_data": "yellow"}


def gate_tables(assessment: Assessment) -> list[RenderableType]:
    """Return the rules, and the segments with the worst first; nothing where there are none."""
    parts: list[RenderableType] = []
    if assessment.rules:
        lines = [
            Text(f"  {describe_rule(result)}", style=RULE_STYLES.get(result.outcome, ""))
            for result in assessment.rules
        ]
        parts += [Text(), Text("Rules", style="bold cyan"), *lines]
    if assessment.segmentation is not None:
        parts += [Text(), _segments(assessment.segmentation)]
    return parts


def _segments(segmentation: Segmentation) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    table.add_column(Text(f"By {excerpt(segmentation.column, 40)}"), no_wrap=True)
    table.add_column("Share", justify="right", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Finding")
    for segment in segmentation.segments:
        table.add_row(
            Text(segment_name(segment)),
            describe_segment_share(segment),
            Text(VERDICTS[segment.verdict], style=SEGMENT_STYLES.get(segment.verdict, "")),
            Text(describe_segment(segment)),
        )
    mix = describe_segment_mix(segmentation)
    return Group(table, Text(mix, style="dim")) if mix else table
