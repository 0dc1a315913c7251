"""Checks as Markdown, for a comment on a pull request: one screen, and details that fold."""

import html
import re
from collections.abc import Iterable, Sequence

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.wording import VERDICTS
from monitor.store.windows.assessment import Assessment, Segmentation
from monitor.windows.gate.checks import Check, outcome_of
from monitor.windows.gate.wording import (
    describe_segment,
    describe_segment_mix,
    describe_segment_share,
    segment_name,
)

#: Rows that are open, and rows of what folds.
ROWS = 8
FOLDED_ROWS = 60
#: Characters of a sentence.
LIMIT = 300
_MARKUP = re.compile(r"([\\`*_{}\[\]#|~$!])")


def render_markdown(assessment: Assessment, checks: Sequence[Check]) -> str:
    """Return the verdict of the gate, what failed or is undecided, and the rest folded.

    Texts of the traffic are no markup, no link and no mention.
    """
    open_checks = [check for check in checks if check.is_gated and check.outcome != "passed"]
    open_checks.sort(key=lambda check: check.outcome != "failed")
    folded = [check for check in checks if check not in open_checks]
    title = f"### driftwarden: {outcome_of(checks)}"
    parts = [title, escape_markdown(assessment.headline, 2 * LIMIT)]
    if open_checks:
        parts.append(_check_table(open_checks[:ROWS]))
    folded = [*open_checks[ROWS:], *folded]
    if folded:
        parts.append(_folded(pluralize(len(folded), "more check"), _check_table(folded)))
    if assessment.segmentation is not None:
        parts.append(_segments(assessment.segmentation))
    notes = [*assessment.findings, *assessment.remarks]
    if notes:
        lines = "\n".join(f"- {escape_markdown(note)}" for note in notes[:FOLDED_ROWS])
        parts.append(_folded(pluralize(len(notes), "note"), lines))
    if assessment.basis is not None:
        reference, current = assessment.basis.reference, assessment.basis.current
        sides = (
            f"{assessment.current_count} exchanges of {current.name or 'the window'} "
            f"({current.digest}) compared with {assessment.n_reference:,} of "
            f"{reference.name or 'the baseline'} ({reference.digest})"
        )
        parts.append(f"<sub>{escape_markdown(sides)}</sub>")
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: str, limit: int = LIMIT) -> str:
    r"""Return the beginning of a text on one line, without a meaning in Markdown or HTML.

    Example:
        >>> print(escape_markdown("<b> | @ann *x* https://a.example"))
        &lt;b&gt; \| &#64;ann \*x\* https&#58;//a.example
    """
    escaped = _MARKUP.sub(r"\\\1", html.escape(excerpt(text, limit), quote=False))
    escaped = escaped.replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"(?i)\bwww\.", "www&#46;", escaped)


def _check_table(checks: Sequence[Check]) -> str:
    rows = [(_state(check), check.kind, check.name, check.sentence) for check in checks]
    return _table(("", "check", "name", "finding"), rows)


def _state(check: Check) -> str:
    return check.outcome if check.is_gated else f"{check.outcome}, not in --fail-on"


def _segments(segmentation: Segmentation) -> str:
    rows = [
        (
            VERDICTS[segment.verdict],
            segment_name(segment),
            describe_segment_share(segment),
            describe_segment(segment),
        )
        for segment in segmentation.segments
    ]
    table = _table(("", "segment", "share", "finding"), rows)
    mix = escape_markdown(describe_segment_mix(segmentation))
    title = f"{pluralize(len(rows), 'segment')} by {escape_markdown(segmentation.column, 60)}"
    return _folded(title, f"{mix}\n\n{table}" if mix else table)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[escape_markdown(text) for text in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells[:FOLDED_ROWS]]
    left = len(cells) - FOLDED_ROWS
    more = [f"\nand {left:,} more in the JSON"] if left > 0 else []
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *more])


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
