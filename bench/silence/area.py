"""Faults drawn from a seed on a driven clock, and a month without one."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitor.bench.row import Row

SEED, N_FAULTS = 1, 200
#: Goal of the share of faults that are told in the promised time.
GOAL = 0.99


def run(_data: Path | None) -> Iterator[Row]:
    """Yield the share of faults that are told in time, the wrong messages, and needless pages."""
    faults = _play("--faults", str(N_FAULTS))
    against = f"{faults['n_due']} faults, single and in pairs, seeds from {SEED} on"
    share = faults["n_in_time"] / faults["n_due"]
    name = "faults told in the promised time"
    yield Row("silence", name, share, "", f">= {GOAL}", share >= GOAL, against)
    for kind, n in faults["flaws"].items():
        yield Row("silence", f"{kind} messages", float(n), "", "0", n == 0, against)
    month = _play("--ordinary")
    n_wrong = sum(month["flaws"].values())
    for noun, n in (("pages", month["n_pages"]), ("wrong messages", n_wrong)):
        name = f"{noun} in a month without a fault"
        yield Row("silence", name, float(n), "", "0", n == 0, f"seed {SEED}")


def _play(*options: str) -> dict[str, Any]:
    """Play game days in a process of their own, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.game_days", "--seed", str(SEED), *options]
        # Its exit status tells whether the goals are met.
        subprocess.run([*command, "--figures", str(figures)], check=False)
        played: dict[str, Any] = json.loads(figures.read_text())
    return played
