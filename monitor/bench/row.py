"""Rows of build/bench.json."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One measured figure."""

    area: str
    name: str
    value: float | None
    unit: str
    #: The goal, such as ``">= 0.8"``; empty where there is none.
    goal: str
    #: Whether the goal holds; ``None`` without a goal or a measurement.
    holds: bool | None
    #: How it was measured: interval, trials, seeds.
    against: str


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows as one JSON list, and create the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], indent=1)
    path.write_text(text + "\n", encoding="utf-8")
