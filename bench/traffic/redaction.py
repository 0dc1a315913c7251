"""Measure what the built-in forms find in the labelled sentences, kind by kind.

Prints the table of docs/explanation/privacy.md and every mistake; `--write` puts the table there. A
test fails when the page says anything else than what is measured.
"""

import re
import sys
from pathlib import Path

from bench.traffic.labelled_texts import (
    Coverage,
    Score,
    Span,
    measure_coverage,
    read_json_lines,
    read_labelled,
    read_roles,
    score,
)
from monitor.statistics.intervals import clopper_pearson
from monitor.traffic.exchange import Message
from monitor.traffic.redaction import Redactor
from monitor.traffic.redaction.turns import find_in_turns

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "privacy.md"
#: The sentences that the patterns were made with, and those that nobody looked at meanwhile.
FIXTURES = ("redaction.txt", "redaction_held_out.txt")
#: Strings that nobody who wrote the patterns had seen, and those that they were then made with.
SEALED, HARD = "redaction_sealed.jsonl", "redaction_hard.jsonl"
#: Strings by an author who had seen the kinds that are promised only, not the patterns.
SEALED_2 = "redaction_sealed_2.jsonl"
#: Conversations by an author who knew the promises only, read by nobody before they were measured.
TURNS = "redaction_turns.jsonl"
TABLE = re.compile(r"\| kind \| marked \|.*?\n(?=\n)", re.DOTALL)
SEALED_TABLE = re.compile(r"\| kind \| values \|.*?\n(?=\n)", re.DOTALL)


def measure(fixture: str) -> tuple[list[Score], list[str]]:
    """Score the built-in forms on a fixture; also return the mistakes."""
    return score(read_labelled(fixture), find)


def find(text: str) -> list[Span]:
    """Return what the built-in forms find."""
    return [(span.kind, span.start, span.end) for span in Redactor().find(text)]


def table() -> str:
    """Return the figures as a Markdown table."""
    known, held_out = ({row.kind: row for row in measure(name)[0]} for name in FIXTURES)
    lines = [
        "| kind | marked | precision | recall | marked, held out | precision | recall |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in known:
        figures = [
            f"{side[kind].n_marked} | {side[kind].precision:.2f} | {side[kind].recall:.2f}"
            if kind in side
            else "0 | | "
            for side in (known, held_out)
        ]
        lines.append(f"| {kind} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def coverage(name: str) -> list[Coverage]:
    """Return what is covered of a set in JSON lines."""
    return measure_coverage(read_json_lines(name), find)


def turns_coverage() -> Coverage:
    """Return what is covered of the conversations, over all kinds."""
    roles = read_roles(TURNS)

    def find_in(text: str) -> list[Span]:
        turns = [
            Message(role, content)
            for role, content in zip(roles[text], text.split("\x1e"), strict=True)
        ]
        values, offset = [], 0
        for turn, spans in zip(turns, find_in_turns(turns, Redactor()), strict=True):
            values += [(span.kind, offset + span.start, offset + span.end) for span in spans]
            offset += len(turn.content) + 1
        return values

    return measure_coverage(read_json_lines(TURNS), find_in)[-1]


def turns_figures() -> str:
    """Return the figures of the conversations in words, with exact 95% intervals."""
    row = turns_coverage()
    return (
        f"recall {_share(row.n_covered, row.n_marked)} of {row.n_marked} values, precision "
        f"{_share(row.n_right, row.n_redactions)} of {row.n_redactions} redactions"
    )


def sealed_table(name: str = SEALED) -> str:
    """Return the figures of a sealed set as a Markdown table, with exact 95% intervals."""
    lines = [
        "| kind | values | recall | redactions | precision |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in coverage(name):
        recall = _share(row.n_covered, row.n_marked)
        precision = _share(row.n_right, row.n_redactions)
        lines.append(
            f"| {row.kind} | {row.n_marked} | {recall} | {row.n_redactions} | {precision} |"
        )
    return "\n".join(lines) + "\n"


def _share(k: int, n: int) -> str:
    if n == 0:
        return ""
    lowest, highest = clopper_pearson(k, n)
    return f"{k / n:.2f} ({lowest:.2f}-{highest:.2f})"


def main() -> int:
    """Print the table and the mistakes."""
    sys.stdout.write(
        f"{table()}\n{sealed_table()}\n{sealed_table(SEALED_2)}\n{TURNS}: {turns_figures()}\n"
    )
    for name in FIXTURES:
        sys.stdout.write(f"\n{name}:\n" + "".join(f"  {line}\n" for line in measure(name)[1]))
    if "--write" in sys.argv[1:]:
        page = PAGE.read_text(encoding="utf-8")
        page = TABLE.sub(lambda _: table(), page, count=1)
        tables = map(sealed_table, (SEALED, SEALED_2))
        page = SEALED_TABLE.sub(lambda _: next(tables), page)
        PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
