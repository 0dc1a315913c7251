"""driftwarden and its peers on the same windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import process_time

import numpy as np

from bench.drift.peers.methods import NAMES, Method, load_method
from bench.drift.plan import DriftPlan
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, missing, share, single
from monitor.bench.labelled import open_labelled
from monitor.bench.report import Table
from monitor.bench.windows import Kind, WindowSpec, draw_windows
from monitor.statistics.intervals import clopper_pearson

SCENARIOS: tuple[tuple[Kind, float], ...] = (
    ("none", 0.0),
    ("oos", 0.05),
    ("oos", 0.10),
    ("domain", 0.05),
    ("topic", 0.02),
    ("surge", 0.10),
)


@dataclass(frozen=True)
class Pair:
    """A pair of windows for every method."""

    folder: Path
    spec: WindowSpec
    seed: int


@dataclass(frozen=True)
class MethodResult:
    """The alarm of one method, with its time."""

    alarm: bool
    cpu_seconds: float


def run_methods(pair: Pair) -> dict[str, MethodResult]:
    """Return the result of every method on the same windows."""
    data = open_labelled(pair.folder)
    windows = draw_windows(data, pair.spec, np.random.default_rng(pair.seed))
    reference, current = data.vectors[windows.reference], data.vectors[windows.current]
    results = {}
    for name, method in _methods().items():
        rng = np.random.default_rng([pair.seed, 1])
        start = process_time()
        alarm = method(reference, current, rng)
        results[name] = MethodResult(alarm, process_time() - start)
    return results


def side_by_side(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure | Table]:
    """Yield a table for each size: the alarms of each method by scenario, and its time."""
    if not plan.peer_sizes:
        yield missing("side by side", f"left out of --{plan.name} on this data set")
    for n in plan.peer_sizes:
        results_of: dict[WindowSpec, list[dict[str, MethodResult]]] = {}
        for kind, size in SCENARIOS:
            spec = WindowSpec(kind, n, n, size)
            if why := campaign.skip_reason(spec):
                yield missing(f"side by side, {spec.drift}, {spec.sizes}", why)
                continue
            results_of[spec] = campaign.workers.run(
                run_methods,
                [Pair(campaign.folder, spec, campaign.seed + k) for k in range(plan.peer_trials)],
                label=f"{campaign.name}: all methods, {spec.drift}, {spec.sizes}",
                seconds=plan.peer_seconds,
            )
        if results_of:
            yield _table(campaign, n, results_of)


@lru_cache(maxsize=1)
def _methods() -> dict[str, Method]:
    """Load every method once, and make its first call, which is slower, before the timing."""
    methods = {name: load_method(name) for name in NAMES}
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 8)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for method in methods.values():
        method(points[:100], points[100:], rng)
    return methods


def _table(
    campaign: Campaign, n: int, results_of: dict[WindowSpec, list[dict[str, MethodResult]]]
) -> Table:
    lines, figures = [], []
    for name in NAMES:
        cells = [name]
        for spec, results in results_of.items():
            hits, trials = sum(result[name].alarm for result in results), len(results)
            low, high = clopper_pearson(hits, trials)
            cells.append(f"{hits / trials:.2f} ({low:.2f}-{high:.2f})")
            title = f"alarms of {name}, {spec.drift}, {spec.sizes}"
            figures.append(share(title, hits, trials, campaign.seeds(trials)))
        times = [result[name].cpu_seconds for results in results_of.values() for result in results]
        cells.append(f"{np.median(times):.3g} s")
        title = f"time of {name}, n = {n:,}"
        how = f"median of {len(times)}, seconds of CPU"
        figures.append(single(title, float(np.median(times)), how, unit="s"))
        lines.append(tuple(cells))
    counts = sorted({len(results) for results in results_of.values()})
    trials_run = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return Table(
        note=(
            f"Share of windows that alarm, n = {n:,} a side, level .05 or the method's own rule; "
            f"{trials_run} trials, seeds from {campaign.seed}; 95% interval; median CPU time."
        ),
        headings=("method", *(spec.drift for spec in results_of), "CPU time"),
        lines=tuple(lines),
        figures=tuple(figures),
    )
