"""A verdict on a candidate, put in order for the page. Answers are read from the run's folder."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.store.training.candidate_evaluations import CandidateEvaluationRow

#: In the order in which they stand side by side.
SYSTEMS = ("candidate", "incumbent", "base")
#: Written by the evaluation's child, an answer a line; the evaluation's number goes into it.
ANSWERS_FILE = "evaluation-responses-{}.jsonl"
#: Pairs of answers shown on one page.
PAIRS_SHOWN = 50


@dataclass(frozen=True)
class FigureRow:
    """A metric on a stratum, system by system; ``None`` where it says nothing of one."""

    stratum: str
    metric: str
    by_system: dict[str, dict[str, Any] | None]


@dataclass(frozen=True)
class BenchmarkFigures:
    """A benchmark with all of its figures."""

    name: str
    overall: list[FigureRow]
    strata: list[FigureRow]


@dataclass(frozen=True)
class ResponsePair:
    """An item on which the candidate did better than another system, or worse."""

    item: str
    messages: list[dict[str, str]]
    expected: str | None
    candidate: str
    other: str
    candidate_value: float
    other_value: float


@dataclass(frozen=True)
class ResponsePairs:
    """Items on which two systems differ, the largest differences first."""

    n_better: int = 0
    n_worse: int = 0
    shown: list[ResponsePair] = field(default_factory=list)
    #: Items that an open study withholds.
    n_withheld: int = 0
    #: Where the answers would lie, if they can't be read here.
    missing: str = ""


def systems_of(verdict: dict[str, Any]) -> list[str]:
    """Return the systems that were compared."""
    there = {one["system"] for one in verdict["scores"]}
    return [name for name in SYSTEMS if name in there]


def benchmark_figures(verdict: dict[str, Any]) -> list[BenchmarkFigures]:
    """Return every benchmark's figures, system beside system."""
    found: dict[str, dict[tuple[str, str], dict[str, dict[str, Any] | None]]] = {}
    systems = systems_of(verdict)
    for part in verdict["scores"]:
        rows = found.setdefault(part["benchmark"], {})
        for score in part["scores"]:
            row = rows.setdefault((score["stratum"], score["metric"]), dict.fromkeys(systems))
            row[part["system"]] = score
    return [
        BenchmarkFigures(
            name,
            [FigureRow(*key, by) for key, by in rows.items() if not key[0]],
            [FigureRow(*key, by) for key, by in rows.items() if key[0]],
        )
        for name, rows in found.items()
    ]


def response_pairs(
    row: CandidateEvaluationRow,
    benchmark: str,
    metric: str,
    other: str,
    *,
    worse: bool,
    withheld: Collection[tuple[str, str]] = (),
) -> ResponsePairs:
    """Return the items that a metric scores differently for the candidate and another system.

    Args:
        row: The evaluation.
        benchmark: Its name.
        metric: Its name.
        other: ``incumbent`` or ``base``.
        worse: Those that the candidate scores lower on; else higher.
        withheld: (benchmark, item) whose answers may not be shown.
    """
    path = Path(row.work_dir) / ANSWERS_FILE.format(row.id)
    if not path.is_file():
        return ResponsePairs(missing=str(path))
    by_item: dict[str, dict[str, dict[str, Any]]] = {}
    for line in _lines(path):
        if line["benchmark"] == benchmark and line["by"] in ("candidate", other):
            by_item.setdefault(str(line["id"]), {})[line["by"]] = line
    pairs, n_withheld = [], 0
    for item, by in by_item.items():
        values = [by.get(name, {}).get("values", {}).get(metric) for name in ("candidate", other)]
        if None in values or values[0] == values[1]:
            continue
        if (benchmark, item) in withheld:
            n_withheld += 1
            continue
        asked = by["candidate"]
        pairs.append(
            ResponsePair(
                item,
                asked["messages"],
                asked.get("expected"),
                asked["response"],
                by[other]["response"],
                *values,
            )
        )
    pairs.sort(key=lambda one: (-abs(one.candidate_value - one.other_value), one.item))
    lower = [one for one in pairs if one.candidate_value < one.other_value]
    higher = [one for one in pairs if one.candidate_value > one.other_value]
    minimised = _lower_is_better(row, benchmark, metric, other)
    better, worse_ones = (lower, higher) if minimised else (higher, lower)
    shown = worse_ones if worse else better
    return ResponsePairs(len(better), len(worse_ones), shown[:PAIRS_SHOWN], n_withheld)


def _lower_is_better(row: CandidateEvaluationRow, benchmark: str, metric: str, other: str) -> bool:
    """Tell by the comparison: its difference is above 0 where the candidate is better."""
    for one in (row.results or {}).get("comparisons", ()):
        if (one["benchmark"], one["metric"], one["other"]) == (benchmark, metric, other):
            raised = one["candidate_mean"] - one["other_mean"]
            return bool(raised * one["difference"] < 0)
    return False


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
