"""False incidents of probes in years without a change, and swaps that are found within a day.

``DRIFTWARDEN_PROBE_YEARS`` sets the years of each kind of server (default 10).
"""

import os
from collections.abc import Iterator
from pathlib import Path

from bench.probes.real_models import measure
from bench.probes.servers import KINDS, Kind, false_incidents, finds_swaps
from monitor.bench.row import Row
from monitor.statistics.intervals import clopper_pearson, poisson_interval

AREA = "probes"
YEARS = int(os.environ.get("DRIFTWARDEN_PROBE_YEARS", "10"))
SWAPS = 4 * YEARS
MAX_FALSE = 1.0
MIN_FOUND = 0.95
#: Shares of the responses that the other model changes.
SHARES = (1.0, 0.5, 0.2)


def run(data: Path | None) -> Iterator[Row]:  # noqa: ARG001 - every area takes the data
    """Simulate years and swaps on each kind of server, and swap a real model."""
    for kind in KINDS:
        yield _false_incidents(kind)
        trials = [finds_swaps(kind, 1000 + seed, SHARES) for seed in range(SWAPS)]
        for share, outcomes in zip(SHARES, zip(*trials, strict=True), strict=True):
            yield _swaps(kind, share, sum(outcomes))
    yield from measure(AREA)


def _false_incidents(kind: Kind) -> Row:
    n = sum(false_incidents(kind, seed) for seed in range(YEARS))
    low, high = poisson_interval(n, YEARS)
    return Row(
        AREA,
        f"false incidents a year: {kind.name}",
        n / YEARS,
        "",
        f"<= {MAX_FALSE:g}",
        n / YEARS <= MAX_FALSE,
        f"{n} in {YEARS} years, 95% interval {low:.2f} to {high:.2f}",
    )


def _swaps(kind: Kind, share: float, n: int) -> Row:
    low, high = clopper_pearson(n, SWAPS)
    return Row(
        AREA,
        f"swap of {share:.0%} of the responses found by the next run: {kind.name}",
        n / SWAPS,
        "",
        f">= {MIN_FOUND}" if share == 1.0 else "",
        n / SWAPS >= MIN_FOUND if share == 1.0 else None,
        f"{n} of {SWAPS}, 95% interval {low:.2f} to {high:.2f}",
    )
