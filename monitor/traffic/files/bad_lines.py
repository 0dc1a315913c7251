"""Unreadable lines of a file, each problem said once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.traffic.files.line_numbers import quote_numbers

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class BadLine:
    """An unreadable line, row, element or object."""

    #: Counted from 1.
    number: int
    reason: str
    detail: str
    unit: str = "line"

    def __str__(self) -> str:
        """Return ``line 3: invalid_json: ...``."""
        return f"{self.unit} {self.number}: {self.reason}: {self.detail}"


def summarize_bad_lines(bad_lines: Sequence[BadLine], limit: int) -> list[str]:
    """Return a text for each problem, with the lines that have it.

    Problems that differ in numbers only, such as the byte of an error, are one; the first is
    quoted.

    At most ``limit`` are quoted; the lines of the rest are counted.
    """
    problems: dict[tuple[str, str], list[BadLine]] = {}
    for bad in bad_lines:
        problems.setdefault((bad.reason, _DIGITS.sub("0", bad.detail)), []).append(bad)
    texts = [
        str(same[0]) if len(same) == 1 else _describe(same)
        for same in list(problems.values())[:limit]
    ]
    n_left = sum(len(same) for same in list(problems.values())[limit:])
    return [*texts, *([f"and {n_left:,} more"] if n_left else [])]


def _describe(same: Sequence[BadLine]) -> str:
    first = same[0]
    numbers = quote_numbers([bad.number for bad in same], first.unit)
    return f"{numbers} ({len(same):,}): {first.reason}: {first.detail}"
