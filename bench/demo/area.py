"""Time of the whole loop on embedded defaults, as `make demo` runs it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from monitor.bench.row import Row

AREA = "demo"
MAX_SECONDS = 420.0


def run(_data: Path | None) -> Iterator[Row]:
    """Run the demo once in a folder of its own."""
    begin, spent = time.monotonic(), os.times()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "driftwarden", "demo", "--folder", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.monotonic() - begin, os.times()
    cpu = sum(after[2:4]) - sum(spent[2:4])
    holds = seconds <= MAX_SECONDS
    yield Row(AREA, "time of the demo", seconds, "s", f"<= {MAX_SECONDS:g}", holds, "")
    yield Row(AREA, "CPU time of the demo", cpu, "s", "", None, "with its children")
