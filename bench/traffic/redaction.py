"""Measure what the built-in forms find in the labelled sentences, kind by kind.

Prints the table of docs/explanation/privacy.md and every mistake; `--write` puts the table there. A
test fails when the page says anything else than what is measured.
"""

import re
import sys
from pathlib import Path

from bench.traffic.labelled_texts import Score, Span, read_labelled, score
from monitor.traffic.redaction import Redactor

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "privacy.md"
#: The sentences that the patterns were made with, and those that nobody looked at meanwhile.
FIXTURES = ("redaction.txt", "redaction_held_out.txt")
TABLE = re.compile(r"\| kind \| marked \|.*?\n(?=\n)", re.DOTALL)


def measure(fixture: str) -> tuple[list[Score], list[str]]:
    """Score the built-in forms on a fixture; also return the mistakes."""
    return score(read_labelled(fixture), find)


def find(text: str) -> list[Span]:
    """Return what the built-in forms find."""
    return [(span.kind, span.start, span.end) for span in Redactor().find(text)]


def table() -> str:
    """Return the figures as a Markdown table."""
    known, held_out = (measure(name)[0] for name in FIXTURES)
    lines = [
        "| kind | marked | precision | recall | marked, held out | precision | recall |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for first, second in zip(known, held_out, strict=True):
        figures = [
            f"{side.n_marked} | {side.precision:.2f} | {side.recall:.2f}"
            for side in (first, second)
        ]
        lines.append(f"| {first.kind} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table and the mistakes."""
    sys.stdout.write(table())
    for name in FIXTURES:
        sys.stdout.write(f"\n{name}:\n" + "".join(f"  {line}\n" for line in measure(name)[1]))
    if "--write" in sys.argv[1:]:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda _: table(), page, count=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
