"""driftwarden and its peers on the same windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import process_time

import numpy as np

from bench.drift.peers.methods import NAMES, Method, load_method
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, missing, share, single
from monitor.bench.intervals import proportion_interval
from monitor.bench.labelled import open_labelled
from monitor.bench.report import Table
from monitor.bench.windows import Kind, WindowSpec, draw_windows

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
    """A pair of windows to be drawn and shown to every method."""

    folder: Path
    spec: WindowSpec
    seed: int


@dataclass(frozen=True)
class Verdict:
    """What one method said, and how long it took."""

    alarm: bool
    cpu_seconds: float


def run_methods(pair: Pair) -> dict[str, Verdict]:
    """Return every method's verdict on the same windows."""
    data = open_labelled(pair.folder)
    windows = draw_windows(data, pair.spec, np.random.default_rng(pair.seed))
    reference, current = data.vectors[windows.reference], data.vectors[windows.current]
    verdicts = {}
    for name, method in _methods().items():
        rng = np.random.default_rng([pair.seed, 1])
        start = process_time()
        alarm = method(reference, current, rng)
        verdicts[name] = Verdict(alarm, process_time() - start)
    return verdicts


def side_by_side(campaign: Campaign) -> Iterator[Figure | Table]:
    """Yield a table for each size: each method's alarms in each scenario, and its time."""
    if not campaign.plan.peer_sizes:
        yield missing("side by side", f"left out of --{campaign.plan.name} on this data set")
    for n in campaign.plan.peer_sizes:
        judged: dict[WindowSpec, list[dict[str, Verdict]]] = {}
        for kind, size in SCENARIOS:
            spec = WindowSpec(kind, n, n, size)
            if why := campaign.skip_reason(spec):
                yield missing(f"side by side, {spec.drift}, {spec.sizes}", why)
                continue
            judged[spec] = campaign.workers.run(
                run_methods,
                [
                    Pair(campaign.folder, spec, campaign.seed + k)
                    for k in range(campaign.plan.peer_trials)
                ],
                label=f"{campaign.name}: all methods, {spec.drift}, {spec.sizes}",
                seconds=campaign.plan.peer_seconds,
            )
        if judged:
            yield _table(campaign, n, judged)


@lru_cache(maxsize=1)
def _methods() -> dict[str, Method]:
    """Load every method once, and let each do its first call, which is slower, beforehand."""
    methods = {name: load_method(name) for name in NAMES}
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 8)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    for method in methods.values():
        method(points[:100], points[100:], rng)
    return methods


def _table(campaign: Campaign, n: int, judged: dict[WindowSpec, list[dict[str, Verdict]]]) -> Table:
    lines, figures = [], []
    for name in NAMES:
        cells = [name]
        for spec, verdicts in judged.items():
            hits, trials = sum(verdict[name].alarm for verdict in verdicts), len(verdicts)
            low, high = proportion_interval(hits, trials)
            cells.append(f"{hits / trials:.2f} ({low:.2f}-{high:.2f})")
            title = f"alarms of {name}, {spec.drift}, {spec.sizes}"
            figures.append(share(title, hits, trials, campaign.seeds(trials)))
        times = [verdict[name].cpu_seconds for verdicts in judged.values() for verdict in verdicts]
        cells.append(f"{np.median(times):.3g} s")
        title = f"time of {name}, n = {n:,}"
        how = f"median of {len(times)}, seconds of CPU"
        figures.append(single(title, float(np.median(times)), how, unit="s"))
        lines.append(tuple(cells))
    counts = sorted({len(verdicts) for verdicts in judged.values()})
    trials_run = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return Table(
        note=(
            f"Share of windows that alarm, n = {n:,} a side, level .05 or the method's own rule; "
            f"{trials_run} trials, seeds from {campaign.seed}; 95% interval; median CPU time."
        ),
        headings=("method", *(spec.drift for spec in judged), "CPU time"),
        lines=tuple(lines),
        figures=tuple(figures),
    )
