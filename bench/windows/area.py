"""Comparison of files, and evaluation of stored windows of 10,000 to 1,000,000 exchanges.

``DRIFTWARDEN_BENCH=quick`` measures the smallest only; ``DRIFTWARDEN_WINDOW_SIZES`` names others.
"""

import os
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.drift.limited_process import Completed, Failed, run_limited
from bench.services.postgres import PostgresServer
from bench.windows.cache_runs import N_TEXTS, embed_queries
from bench.windows.evaluation_runs import START, Cost, compare_in_memory, evaluate_stored
from bench.windows.file_runs import N_CURRENT, N_REFERENCE, compare_queries
from bench.windows.stored_traffic import store_window
from monitor.bench.row import Row
from monitor.store.engine import make_engine
from monitor.store.tables import metadata

AREA = "windows"
SEED = 0
SIZES = tuple(
    int(size)
    for size in os.environ.get(
        "DRIFTWARDEN_WINDOW_SIZES",
        "10000" if os.environ.get("DRIFTWARDEN_BENCH") == "quick" else "10000 100000 1000000",
    ).split()
)
MAX_BASELINE = 20_000
MAX_RATIO = 1.5
MAX_OVER_ENCODER = 1.3
MAX_GIGABYTES = 2.5
MIN_CACHE_RATIO = 5.0
LIMIT_SECONDS = 3600.0


def run(data: Path | None) -> Iterator[Row]:
    """Measure the comparison of files, where there is a folder of data sets, and every size."""
    if data is not None and (data / "clinc150").is_dir():
        yield from _files(data)
        yield from _cache(data)
    for n in SIZES:
        server = PostgresServer()
        server.start()
        try:
            engine = make_engine(server.url)
            metadata.create_all(engine)
            n_baseline = min(n, MAX_BASELINE)
            store_window(engine, n_baseline, n, START, seed=SEED)
            engine.dispose()
            yield from _rows(server.url, n, n_baseline)
        finally:
            server.remove()


def _files(data: Path) -> Iterator[Row]:
    for with_labels, drifts in product((False, True), (False, True)):
        title = (
            f"files of {N_REFERENCE:,} and {N_CURRENT:,} queries, "
            f"{'intents as responses' if with_labels else 'prompts only'}, "
            f"{'5% new' if drifts else 'no drift'}: comparison / encoder"
        )
        measured = partial(compare_queries, with_labels=with_labels, drifts=drifts, seed=SEED)
        result = run_limited(measured, data, seconds=LIMIT_SECONDS)
        if isinstance(result, Failed):
            yield Row(AREA, title, None, "", f"<= {MAX_OVER_ENCODER:g}", None, result.reason)
            continue
        cost = result.value
        ratio = cost.seconds / cost.encoder_seconds
        yield Row(
            AREA, title, ratio, "", f"<= {MAX_OVER_ENCODER:g}", ratio <= MAX_OVER_ENCODER,
            f"{cost.seconds:.3g} / {cost.encoder_seconds:.3g} s; in CPU seconds "
            f"{cost.cpu_seconds:.3g} / {cost.encoder_cpu_seconds:.3g}; {cost.verdict}; seed {SEED}",
        )  # fmt: skip


def _cache(data: Path) -> Iterator[Row]:
    title = f"cache of vectors, {N_TEXTS:,} queries: first / second embedding"
    with TemporaryDirectory() as folder:
        measured = partial(embed_queries, seed=SEED)
        results = [
            run_limited(measured, data, Path(folder) / "cache", seconds=LIMIT_SECONDS)
            for _ in range(2)
        ]
    costs = [result.value for result in results if isinstance(result, Completed)]
    if len(costs) < 2:
        yield Row(AREA, title, None, "", f">= {MIN_CACHE_RATIO:g}", None, "a run did not end")
        return
    first, second = costs
    ratio = first.encode_seconds / second.encode_seconds
    opened = (first.open_seconds + first.encode_seconds) / (
        second.open_seconds + second.encode_seconds
    )
    yield Row(
        AREA, title, ratio, "", f">= {MIN_CACHE_RATIO:g}",
        ratio >= MIN_CACHE_RATIO and first.digest == second.digest,
        f"{first.encode_seconds:.3g} / {second.encode_seconds:.3g} s, the same vectors: "
        f"{first.digest == second.digest}; with the encoder opened {opened:.3g}: "
        f"{first.open_seconds:.3g} / {second.open_seconds:.3g} s more; seed {SEED}",
    )  # fmt: skip


def _rows(url: str, n: int, n_baseline: int) -> Iterator[Row]:
    title = f"window of {n:,} exchanges, a baseline of {n_baseline:,}"
    memory = run_limited(compare_in_memory, url, seconds=LIMIT_SECONDS)
    stored = run_limited(evaluate_stored, url, seconds=LIMIT_SECONDS)
    for name, result in (("the tests in memory", memory), ("the evaluation", stored)):
        if isinstance(result, Failed):
            yield Row(AREA, f"{title}: {name}", None, "s", "", None, result.reason)
            continue
        cost = result.value
        how = f"{cost.cpu_seconds:.3g} CPU seconds, peak {cost.peak / 1e9:.2f} GB; seed {SEED}"
        yield Row(AREA, f"{title}: {name}", cost.seconds, "s", "", None, how)
    if not isinstance(stored, Completed):
        return
    cost = stored.value
    gigabytes = cost.peak / 1e9
    yield Row(
        AREA, f"{title}: peak memory", gigabytes, "GB", f"<= {MAX_GIGABYTES:g}",
        gigabytes <= MAX_GIGABYTES, "the whole process, libraries included",
    )  # fmt: skip
    if isinstance(memory, Completed):
        ratio = cost.seconds / memory.value.seconds
        yield Row(
            AREA, f"{title}: evaluation / tests in memory", ratio, "", f"<= {MAX_RATIO:g}",
            ratio <= MAX_RATIO,
            f"{cost.seconds:.3g} / {memory.value.seconds:.3g} s; in CPU seconds "
            f"{cost.cpu_seconds:.3g} / {memory.value.cpu_seconds:.3g}",
        )  # fmt: skip
    yield from _stages(title, cost)


def _stages(title: str, cost: Cost) -> Iterator[Row]:
    for stage, (seconds, growth) in sorted(cost.stages.items(), key=lambda item: -item[1][0]):
        share = f"{seconds / cost.cpu_seconds:.0%} of the CPU time"
        raised = f"raised the peak by {growth / 1e6:.0f} MB"
        yield Row(AREA, f"{title}: {stage}", seconds, "s", "", None, f"{share}; {raised}")
