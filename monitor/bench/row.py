"""A line of build/bench.json."""

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
    #: What is to be reached, such as ``">= 0.8"``; empty where the figure only informs.
    goal: str
    #: Whether it is reached; ``None`` where there is no goal or nothing could be told.
    holds: bool | None
    #: How it was measured: interval, trials, seeds.
    against: str


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows as one JSON list, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], indent=1)
    path.write_text(text + "\n", encoding="utf-8")
