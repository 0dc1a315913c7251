"""Origin of measured rows: command, commit, date and machine."""

import os
import platform
import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.results.measured_code import ROOT

#: Files that a measurement writes itself.
WRITTEN = ("bench/results/results.jsonl", "docs/benchmarks.md")
#: Remark on rows whose code no commit has.
WITH_CHANGES = "with changes"
#: Variables that decide what a measurement does.
SETTINGS = (
    "DRIFTWARDEN_BENCH",
    "DRIFTWARDEN_BENCH_WORKERS",
    "DRIFTWARDEN_PAIR_SEEDS",
    "DRIFTWARDEN_PROBE_YEARS",
    "DRIFTWARDEN_WINDOW_SIZES",
    "OMP_NUM_THREADS",
)
#: Load of a core above which other work runs.
IDLE_LOAD = 0.3


@dataclass(frozen=True)
class Origin:
    """Command, commit, date and machine of a measurement."""

    command: str
    #: Empty where it isn't known.
    commit: str
    date: str
    machine: str
    #: What a reader must know of it, such as changes that the commit doesn't have.
    remark: str = ""


def present_origin(root: Path = ROOT) -> Origin:
    """Return the origin of what is measured from now on, without its command."""
    commit = output_of("git", "-C", str(root), "rev-parse", "--short=8", "HEAD")
    excluded = [f":(exclude){path}" for path in WRITTEN]
    changes = output_of("git", "-C", str(root), "status", "--porcelain", "--", ".", *excluded)
    n_cores = len(os.sched_getaffinity(0))
    is_busy = os.getloadavg()[0] > IDLE_LOAD * n_cores
    remarks = ([WITH_CHANGES] if changes else []) + (["beside other work"] if is_busy else [])
    cards = Counter(
        output_of("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()
    )
    machine = [
        f"{n_cores} cores",
        platform.machine(),
        *(f"{n} {card}" for card, n in cards.items()),
    ]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return Origin("", commit, today, ", ".join(machine), ", ".join(remarks))


def make_command(area: str, *, with_data: bool) -> str:
    """Return the command that measures an area, with what the environment sets of it."""
    names = [name for name in SETTINGS if name in os.environ]
    words = [f"{name}={shlex.quote(os.environ[name])}" for name in names]
    words += ["DRIFTWARDEN_DATA=FOLDER"] if with_data else []
    return " ".join([*words, f"make bench AREA={area}"])


def module_command(module: str, arguments: Sequence[str]) -> str:
    """Return the command of a module, without the names of this machine's folders."""
    words = [re.sub(r"[^=]*/[^=]*$", "FOLDER", word) for word in arguments]
    return shlex.join(["python", "-m", module, *words])


def output_of(*command: str) -> str:
    """Return the output of a command; empty where there is none or it fails."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
