"""Evaluations of twenty models by the daemon: time and memory against those of each alone."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, delete

from bench.traffic.services import BenchServices
from bench.windows.stored_traffic import WEEK, store_window
from monitor.bench.row import Row
from monitor.daemon.cycle import OF_EVALUATIONS
from monitor.daemon.evaluations.windows import evaluate_due
from monitor.scheduling.runner import ProcessRunner
from monitor.settings import Configuration
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import DriftEvaluation, Report, SlowDriftWindow
from monitor.windows.evaluation import monitoring_start

START = datetime(2026, 11, 16, tzinfo=UTC)
MODELS = tuple(f"model-{number:02d}" for number in range(20))
LARGEST, ANOTHER = MODELS[0], MODELS[1]
#: Exchanges of a window, and of its baseline.
N_LARGEST, N_EACH = 5_000, 1_000
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """The cost of evaluations."""

    seconds: float
    #: Bytes of the daemon and its child together.
    peak: int


def fleet_rows(services: BenchServices) -> Iterator[Row]:
    """Yield time and memory of twenty evaluations against those of each alone."""
    with services.database() as url:
        engine = make_engine(url)
        for number, model in enumerate(MODELS):
            n = N_LARGEST if model == LARGEST else N_EACH
            store_window(engine, n, n, START, seed=number, model=model)
        another = _evaluate(engine, [ANOTHER])
        largest = _evaluate(engine, [LARGEST])
        fleet = _evaluate(engine, MODELS, cold=True)
        engine.dispose()
    n_others = len(MODELS) - 1
    alone = largest.seconds + n_others * another.seconds
    ratio, of_memory = fleet.seconds / alone, fleet.peak / largest.peak
    yield Row(
        "traffic",
        f"time of {len(MODELS)} evaluations / {len(MODELS)} x time of one",
        ratio,
        "",
        "<= 1.1",
        ratio <= 1.1,
        f"{fleet.seconds:.0f} s with the start of the child, against {largest.seconds:.0f} and "
        f"{n_others} times {another.seconds:.1f} s in a started one; {N_LARGEST:,} and {N_EACH:,} "
        "exchanges",
    )
    yield Row(
        "traffic",
        f"peak memory of {len(MODELS)} evaluations / the largest alone",
        of_memory,
        "",
        "<= 1.3",
        of_memory <= 1.3,
        f"{fleet.peak / 1e9:.2f} against {largest.peak / 1e9:.2f} GB, daemon and child",
    )


def _evaluate(engine: Engine, models: tuple[str, ...] | list[str], *, cold: bool = False) -> Cost:
    """Evaluate the windows of models as the daemon does.

    Args:
        engine: The database.
        models: The listed models.
        cold: Whether the start of the child counts.

    Raises:
        RuntimeError: A window failed.
    """
    with transaction(engine) as connection:
        for table in (Report, SlowDriftWindow, DriftEvaluation):
            connection.execute(delete(table))
    configuration = Configuration(models={model: {} for model in models})
    end = START + WEEK
    runner = ProcessRunner(
        engine, configuration.embedding, threading.Event(), preload=OF_EVALUATIONS
    )
    try:
        if not cold:
            runner.run(find_start, MODELS[-1], limit=timedelta(minutes=5))
        with _watch_memory(runner) as peaks:
            began = time.perf_counter()
            done = list(
                evaluate_due(
                    engine, lambda: configuration.by_model, runner, lambda: end, until=lambda: end
                )
            )
            seconds = time.perf_counter() - began
    finally:
        runner.rest()
    if len(done) != 2 * len(models):  # the weeks of the baseline and of the window
        raise RuntimeError(f"{len(done)} windows of {len(models)} models")
    return Cost(seconds, max(peaks))


def find_start(engine: Engine, model: str, *, encoder: object) -> None:  # noqa: ARG001
    """Read something in the child, which starts it."""
    with transaction(engine) as connection:
        monitoring_start(connection, model)


@contextmanager
def _watch_memory(runner: ProcessRunner) -> Iterator[list[int]]:
    """Yield a list of samples of the resident memory of this process and its child, in bytes."""
    samples, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            child = runner.pid
            samples.append(_resident("self") + (0 if child is None else _resident(str(child))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _resident(process: str) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    _, label, rest = status.partition("VmRSS:")
    return int(rest.split()[0]) * 1024 if label else 0
