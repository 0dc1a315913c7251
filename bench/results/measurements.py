"""Measurements: the table of docs/benchmarks.md that has their rows, and the code they measure."""

import re
from dataclasses import dataclass

_DRIFT = ("monitor.drift", "monitor.windows.comparison", "monitor.bench", "bench.drift.sections")


@dataclass(frozen=True)
class Measurement:
    """Rows of one table."""

    #: The table's name in docs/benchmarks.md.
    table: str
    #: The command that measures again.
    command: str
    #: Packages and modules that are measured or measure; what they import counts too.
    code: tuple[str, ...]
    #: The area of `make bench` whose rows these are; empty: another command's.
    area: str = ""
    #: Pattern of the rows' names.
    rows: str = ""


#: A row belongs to the first measurement of its area whose pattern matches its name.
MEASUREMENTS = (
    Measurement(
        "drift-cost",
        "make bench AREA=drift",
        _DRIFT,
        "drift",
        r"^(times? |CPU |peak memory|growth of|.*CUDA)",
    ),
    Measurement(
        "looks",
        "python -m bench.drift --only looks",
        ("monitor.windows.looks",),
        "drift",
        r"a day, baseline|years of looks",
    ),
    Measurement(
        "years",
        "python -m bench.drift --full --only years",
        _DRIFT,
        "drift",
        r"drift-free years|windows of [\d,]+$",
    ),
    Measurement(
        "output-drift",
        "python -m bench.drift --full --only release",
        _DRIFT,
        "drift",
        r"output |responses alarm|release",
    ),
    Measurement("drift", "make bench AREA=drift", _DRIFT, "drift"),
    Measurement(
        "explanations",
        "make bench AREA=explanations",
        ("monitor.windows.explanations", "monitor.windows.findings", "bench.explanations"),
        "explanations",
    ),
    Measurement("side-by-side", "make bench AREA=side_by_side", _DRIFT, "side_by_side"),
    Measurement(
        "files",
        "make bench AREA=windows",
        ("monitor.windows.file_comparison",),
        "windows",
        r"^(files|cache) of",
    ),
    Measurement("windows", "make bench AREA=windows", ("monitor.windows.evaluation",), "windows"),
    Measurement("detectable-shares", "python -m bench.drift.detectable_shares", ("monitor.drift",)),
    Measurement("demo", "make bench AREA=demo", ("monitor.demo", "bench.demo"), "demo"),
    Measurement(
        "retrain",
        "make bench AREA=retrain",
        ("retrain.training", "retrain.evaluation", "bench.retrain"),
        "retrain",
    ),
    Measurement(
        "pages",
        "make bench AREA=review",
        ("monitor.web", "bench.review.page_latency", "bench.review.search_latency"),
        "review",
        r"^(accept|indexing|search|page) ",
    ),
    Measurement(
        "review",
        "make bench AREA=review",
        ("monitor.review", "bench.review.weeks", "bench.review.years", "bench.review.remedies"),
        "review",
    ),
    Measurement(
        "evaluations",
        "make bench AREA=traffic",
        ("monitor.daemon.evaluations", "bench.traffic.fleet"),
        "traffic",
        r"20 evaluations",
    ),
    Measurement(
        "ingest",
        "make bench AREA=traffic",
        (
            "monitor.traffic",
            "bench.traffic.ingest_runs",
            "bench.traffic.stages",
            "bench.traffic.replay_runs",
        ),
        "traffic",
    ),
    Measurement("sizing", "make bench AREA=sizing", ("monitor.sizing", "bench.sizing"), "sizing"),
    Measurement("endurance", "make endurance", ("monitor.traffic", "monitor.daemon")),
    Measurement("probes", "make bench AREA=probes", ("retrain.probes", "bench.probes"), "probes"),
    Measurement(
        "rollout", "make bench AREA=rollout", ("retrain.rollout", "bench.rollout"), "rollout"
    ),
    Measurement(
        "silence", "make bench AREA=silence", ("monitor.alerts", "monitor.daemon"), "silence"
    ),
    Measurement(
        "privacy", "make bench AREA=privacy", ("monitor.privacy.proof", "bench.privacy"), "privacy"
    ),
    Measurement("installation", "make drills", ("constraints.txt",)),
    Measurement("backup", "make bench AREA=backup", ("monitor.store", "bench.backup"), "backup"),
)


def measurement_of(area: str, name: str) -> Measurement:
    """Return the measurement that a row of an area belongs to."""
    return next(
        listed for listed in MEASUREMENTS if listed.area == area and re.search(listed.rows, name)
    )


def measurement_of_table(table: str) -> Measurement:
    """Return the measurement whose rows a table has."""
    return next(listed for listed in MEASUREMENTS if listed.table == table)
