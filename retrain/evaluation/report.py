"""Report of candidate results, in lines of text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.store.training.candidate_results import (
    BASE,
    INCUMBENT,
    SYSTEM_NAMES,
    CandidateResults,
    StratumScore,
)
from monitor.store.training.trivial_scores import TrivialScore
from monitor.stored_words import Words

#: Width of a system's column: value and interval.
_COLUMN = 23
_MARKS = Words(
    {"passed": "ok  ", "failed": "FAIL", "undecided": "??  "},
    lambda _: "??  ",
)


class TrivialRow(NamedTuple):
    """The scores of incumbent, base and the best trivial system on a split, by a metric."""

    best: TrivialScore
    incumbent: float | None
    base: float | None

    @property
    def split(self) -> str:
        """``new`` or ``old``."""
        return self.best.stratum.removeprefix("split=")


def trivial_rows(
    trivial: Sequence[TrivialScore], results: CandidateResults | None = None
) -> list[TrivialRow]:
    """Return a row for each split of each benchmark and metric; without results, no systems."""

    def value(system: str, best: TrivialScore) -> float | None:
        scores = results.scores_of(system, best.benchmark) if results else []
        key = (best.stratum, best.metric)
        return next((s.value for s in scores if (s.stratum, s.metric) == key), None)

    return [
        TrivialRow(best, value(INCUMBENT, best), value(BASE, best))
        for best in trivial
        if best.stratum.startswith("split=")
    ]


def trivial_lines(
    trivial: Sequence[TrivialScore], results: CandidateResults | None = None
) -> Iterator[str]:
    """Yield the table of trivial systems in lines of text."""
    rows = trivial_rows(trivial, results)
    if rows:
        title = "what a trivial system scores"
        yield f"{title:55s}{'incumbent':>9s}{'base':>8s}  best trivial system"
    for row in rows:
        name = f"{row.best.benchmark}, {row.split} items, {row.best.metric}"
        figures = f"{_figure(row.incumbent):>9s}{_figure(row.base):>8s}"
        yield f"  {name:53s}{figures}  {row.best.value:.3f}, {row.best.system}"


def report_lines(results: CandidateResults) -> Iterator[str]:
    """Yield the lines of a report: remarks, scores, comparisons, checks and the gate result."""
    yield from (f"note: {remark}" for remark in results.remarks)
    for benchmark in dict.fromkeys(scores.benchmark for scores in results.scores):
        yield from _score_table(results, benchmark)
    yield from trivial_lines(results.trivial_scores, results)
    for entry in results.classifications:
        yield (
            f"{SYSTEM_NAMES[entry.system]} on {entry.benchmark}: {len(entry.labels)} labels, "
            f"micro F1 {entry.micro_f1:.3f}, macro F1 {entry.macro_f1:.3f} "
            f"[{entry.macro_lower:.3f}, {entry.macro_upper:.3f}]  n = {entry.n}"
        )
        for label, response, n in entry.largest_confusions:
            other = repr(response) if response else "none of the labels"
            yield f"  {n:4d} items of {label!r}: {other}"
    for calibration in results.calibrations:
        yield (
            f"{SYSTEM_NAMES[calibration.system]} on {calibration.benchmark}: expected calibration "
            f"error {calibration.expected_error:.3f}, Brier score {calibration.brier:.3f}  "
            f"n = {calibration.n}"
        )
    for comparison in results.comparisons:
        yield f"candidate vs {SYSTEM_NAMES[comparison.reference]}: {comparison}"
    for check in results.checks:
        yield (
            f"{_MARKS[check.outcome]} {check.name}: {check.observed}; required: {check.required}"
        )
    if results.judge_agreement:
        yield f"judge: {results.judge_agreement}"
    if results.next_step:
        yield f"next step: {results.next_step}"
    yield f"gate result: {results.gate_result}"


def _score_table(results: CandidateResults, benchmark: str) -> Iterator[str]:
    """Yield a row for each part of the benchmark and metric, with a column for each system."""
    cells: dict[tuple[str, str], dict[str, StratumScore]] = {}
    for system in results.systems:
        for score in results.scores_of(system, benchmark):
            cells.setdefault((score.stratum or "all", score.metric), {})[system] = score
    width = max([28, *(len(stratum) for stratum, _ in cells)])
    header = "".join(f"  {SYSTEM_NAMES[system]:{_COLUMN}s}" for system in results.systems)
    yield f"{benchmark + ', 95% intervals':{width + 25}s}{header}n"
    for (stratum, metric), by_system in cells.items():
        columns = "".join(
            f"  {_figures(by_system.get(system)):{_COLUMN}s}" for system in results.systems
        )
        n = "/".join(dict.fromkeys(str(score.n) for score in by_system.values()))
        yield f"  {stratum:{width}s} {metric:22s}{columns}{n}"


def _figures(score: StratumScore | None) -> str:
    return f"{score.value:.3f} [{score.lower:.3f}, {score.upper:.3f}]" if score else "-"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
