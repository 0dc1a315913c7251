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
    """A metric on a stratum: the score of each system, or ``None``."""

    stratum: str
    metric: str
    by_system: dict[str, StratumScore | None]


@dataclass(frozen=True)
class BenchmarkFigures:
    """The figures of a benchmark."""

    name: str
    overall: list[FigureRow]
    strata: list[FigureRow]


@dataclass(frozen=True)
class ResponsePair:
    """An item on which a metric differs between the candidate and another system."""

    item: str
    messages: list[dict[str, str]]
    expected: str | None
    candidate: str
    other: str
    candidate_value: float
    other_value: float


@dataclass(frozen=True)
class ResponsePairs:
    """Items on which two systems differ, largest differences first."""

    n_better: int = 0
    n_worse: int = 0
    pairs: list[ResponsePair] = field(default_factory=list)
    #: Items hidden by an open human evaluation.
    n_withheld: int = 0
    #: Path of the responses, if they are not on this machine.
    missing: str = ""


def benchmark_figures(results: CandidateResults) -> list[BenchmarkFigures]:
    """Return the scores of every benchmark, by stratum and metric, with a column per system."""
    benchmarks: dict[str, dict[tuple[str, str], dict[str, StratumScore | None]]] = {}
    for scores in results.scores:
        rows = benchmarks.setdefault(scores.benchmark, {})
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
        for name, rows in benchmarks.items()
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

    The items are those on which the candidate is worse or, without ``worse``, better. Responses to
    ``withheld`` (benchmark, item) may not be shown.
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
        line = by[CANDIDATE]
        pairs.append(
            ResponsePair(
                item,
                line["messages"],
                line.get("expected"),
                line["response"],
                by[other]["response"],
                *values,
            )
        )
    pairs.sort(key=lambda pair: (-abs(pair.candidate_value - pair.other_value), pair.item))
    lower = [pair for pair in pairs if pair.candidate_value < pair.other_value]
    higher = [pair for pair in pairs if pair.candidate_value > pair.other_value]
    minimised = _lower_is_better(row, benchmark, metric, other)
    n_lower, n_higher = len(lower), len(higher)
    n_better, n_worse = (n_lower, n_higher) if minimised else (n_higher, n_lower)
    selected = lower if worse != minimised else higher
    return ResponsePairs(n_better, n_worse, selected[:PAIRS_SHOWN], n_withheld)


def _lower_is_better(row: CandidateEvaluationRow, benchmark: str, metric: str, other: str) -> bool:
    """Return whether lower values of the metric are better, by the stored comparison."""
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
