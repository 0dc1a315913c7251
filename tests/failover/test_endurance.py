"""Long form of `make endurance`: an hour under kills, or ENDURANCE_MINUTES."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.services.requirement import missing
from tests.soak.__main__ import HOLDS, SERVICE_MISSING

ROOT = Path(__file__).parents[2]


@pytest.mark.drill
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.timeout(3 * 3600)
def test_replicas_under_kills_lose_nothing_and_stay_small(tmp_path: Path) -> None:
    minutes = os.environ.get("ENDURANCE_MINUTES", "60")
    command = [
        *(sys.executable, "-m", "tests.soak.endurance"),
        *("--minutes", minutes, "--folder", tmp_path / "run"),
    ]
    endurance = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = endurance.communicate()
    finally:
        if endurance.poll() is None:
            endurance.terminate()  # not SIGKILL: it has services to end
            endurance.wait(120)
    if endurance.returncode == SERVICE_MISSING:
        missing("a service of the endurance run", output)

    print(output)
    assert endurance.returncode == HOLDS, output
    figures = {name: int(n) for name, n in re.findall(r"^ *(.+?)  +(\d+)$", output, re.MULTILINE)}
    assert 0 == figures["lost"] == figures["doubled"] == figures["wrong"], output
    assert figures["expected"] == figures["stored"] > 1000, output
    assert figures["SIGKILLs"] >= float(minutes) - 2, output
