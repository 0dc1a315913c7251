"""Views of a candidate's results: scores by system, and responses from the run's folder."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import CANDIDATE, CandidateResults, StratumScore
from retrain.run_folder import RunFolder

#: Pairs of responses shown on one page.
PAIRS_SHOWN = 50


@dataclass(frozen=True)
class FigureRow:
    """A metric on a stratum, system by system; ``None`` where it says nothing of one."""

    stratum: str
    metric: str
    by_system: dict[str, StratumScore | None]


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


def benchmark_figures(results: CandidateResults) -> list[BenchmarkFigures]:
    """Return the scores of every benchmark, by stratum and metric, with a column per system."""
    found: dict[str, dict[tuple[str, str], dict[str, StratumScore | None]]] = {}
    for scores in results.scores:
        rows = found.setdefault(scores.benchmark, {})
        for score in scores.scores:
            key = (score.stratum, score.metric)
            row = rows.setdefault(key, dict.fromkeys(results.systems))
            row[scores.system] = score
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
    path = RunFolder(Path(row.work_dir)).evaluation_responses(row.id)
    if not path.is_file():
        return ResponsePairs(missing=str(path))
    by_item: dict[str, dict[str, dict[str, Any]]] = {}
    for line in _lines(path):
        if line["benchmark"] == benchmark and line["by"] in (CANDIDATE, other):
            by_item.setdefault(str(line["id"]), {})[line["by"]] = line
    pairs, n_withheld = [], 0
    for item, by in by_item.items():
        values = [by.get(name, {}).get("values", {}).get(metric) for name in (CANDIDATE, other)]
        if None in values or values[0] == values[1]:
            continue
        if (benchmark, item) in withheld:
            n_withheld += 1
            continue
        asked = by[CANDIDATE]
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
    """Tell from the comparison whether lower values of the metric are better."""
    return any(
        comparison.lower_is_better
        for comparison in (row.results.comparisons if row.results else ())
        if (comparison.benchmark, comparison.metric, comparison.reference)
        == (benchmark, metric, other)
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
