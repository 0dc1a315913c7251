"""The evaluation of a stored window, and the same tests on arrays in memory, each in a process."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.drift.sections.timing import peak_memory
from bench.windows.stored_traffic import WEEK
from monitor.settings import Settings
from monitor.store.engine import make_engine, snapshot

START = datetime(2026, 11, 16, tzinfo=UTC)
MODEL = "assistant"

#: Stages of an evaluation: module -> its functions.
STAGES = {
    "monitor.windows.stored_comparison": {
        "read_window": "read the window",
        "compare_window": "tests",
        "check_slow_drift": "slow drift",
        "explain_window": "explanations and the rest",
        "collect_findings": "topics and remarks",
    },
    "monitor.windows.reading.baselines": {"load_baseline": "read the baseline"},
    "monitor.windows.evaluation": {
        "_render_reports": "Evidently's report",
        "build_provenance": "digest",
        "sample_map": "map",
        "finish_drift_evaluation": "write",
    },
    "monitor.windows.comparison.window_comparison": {
        "compare": "tests: prompts",
        "_compare_responses": "tests: responses",
        "text_columns_of": "tests: descriptors",
        "metric_columns_of": "tests: metrics",
        "compare_numeric_columns": "tests: numeric columns",
        "compare_task_mix": "tests: task mix",
    },
}


@dataclass(frozen=True)
class Cost:
    """The cost of a run."""

    seconds: float
    #: Of this process; the server's come on top.
    cpu_seconds: float
    #: Bytes, of the whole process.
    peak: int
    #: CPU seconds of each stage, and the memory that it raised the peak by.
    stages: dict[str, tuple[float, int]] = field(default_factory=dict)
    verdict: str = ""


def evaluate_stored(ready: Callable[[], None], url: str) -> Cost:
    """Evaluate the window of a database, from the claim to the stored assessment."""
    import torch  # noqa: F401, PLC0415 - imports don't count
    from evidently.presets import DataDriftPreset  # noqa: F401, PLC0415

    from monitor.windows import evaluation  # noqa: PLC0415

    engine = make_engine(url)
    ready()
    with _timed_stages() as stages:
        begin, cpu = time.perf_counter(), time.process_time()
        evaluation.evaluate_window(engine, Settings(), START, START + WEEK, START + WEEK)
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return Cost(seconds, cpu_seconds, peak_memory(), stages)


def compare_in_memory(ready: Callable[[], None], url: str) -> Cost:
    """Compare the same window with its baseline, all of both in lists and arrays."""
    import torch  # noqa: F401, PLC0415 - imports don't count
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from monitor.store.traffic import exchanges  # noqa: PLC0415
    from monitor.store.traffic.baselines import latest_baseline  # noqa: PLC0415
    from monitor.windows.comparison.window_comparison import compare_window  # noqa: PLC0415

    exchanges.MAX_UNPACKED_ROWS = sys.maxsize  # type: ignore[attr-defined]  # where it is read
    settings = Settings()
    with snapshot(make_engine(url)) as connection:
        newest = latest_baseline(connection, MODEL)
        if newest is None:
            raise LookupError("the database has no baseline")
        reference = exchanges.load_baseline(connection, newest.id)
        current = exchanges.load_window(connection, MODEL, START, START + WEEK)
    ready()
    begin, cpu = time.perf_counter(), time.process_time()
    with threadpool_limits(1, user_api="blas"):
        comparison = compare_window(
            reference,
            current,
            drift=settings.drift,
            levels=settings.alarm_levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=0,
        )
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    verdict = "" if comparison.prompts is None else comparison.prompts.verdict
    return Cost(seconds, cpu_seconds, peak_memory(), verdict=verdict)


@contextmanager
def _timed_stages() -> Iterator[dict[str, tuple[float, int]]]:
    stages: dict[str, tuple[float, int]] = {}
    wrapped: list[tuple[Any, str, Any]] = []
    for path, functions in STAGES.items():
        module = __import__(path, fromlist=["_"])
        for name, stage in functions.items():
            function = getattr(module, name)
            wrapped.append((module, name, function))
            setattr(module, name, _timed(function, stage, stages))
    try:
        yield stages
    finally:
        for module, name, function in wrapped:
            setattr(module, name, function)


def _timed(
    function: Callable[..., Any], stage: str, stages: dict[str, tuple[float, int]]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        begin, peak = time.process_time(), peak_memory()
        try:
            return function(*arguments, **options)
        finally:
            seconds, growth = stages.get(stage, (0.0, 0))
            stages[stage] = (
                seconds + time.process_time() - begin,
                growth + peak_memory() - peak,
            )

    return timed
