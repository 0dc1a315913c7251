"""Short form of `make soak`: a few kills, and each other fault once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.services.requirement import missing
from tests.soak.__main__ import HOLDS, SERVICE_MISSING
from tests.soak.conduct import N_PARTITIONS
from tests.soak.plan import FAULTS

ROOT = Path(__file__).parents[2]


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_each_sampled_record_has_one_row_after_every_fault(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "tests.soak", "--folder", tmp_path),
        *("--seed", "20261124", "--kills", "5", "--seconds", "45", "--rate", "100", "--warm"),
    ]
    soak = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={"PYTEST_XDIST_TESTRUNUID": str(os.getpid()), **os.environ},
    )  # fmt: skip
    try:
        output, _ = soak.communicate()
    finally:
        if soak.poll() is None:
            soak.terminate()  # not SIGKILL: it has services to end
            soak.wait(120)
    if soak.returncode == SERVICE_MISSING:
        missing("a service of the soak", output)

    assert soak.returncode == HOLDS, output
    figures = {name: int(n) for name, n in re.findall(r"^ *(.+?)  +(\d+)$", output, re.MULTILINE)}
    assert 0 == figures["lost"] == figures["doubled"] == figures["wrong"], output
    assert 0 == figures["dead letters lost"] == figures["dead letters wrong"], output
    assert figures["expected"] == figures["stored"] > 1000, output
    assert figures["dead letters expected"] == figures["dead letters found"] > 10, output
    assert figures["SIGKILLs"] >= 5, output
    # Each of the two cuts deletes from half the partitions.
    assert figures["gaps exact"] == figures["gaps"] >= N_PARTITIONS, output
    assert figures.get("consumers that left for want of polls", 0) >= 1, output
    assert [1] * len(FAULTS) == [figures[kind] for kind in FAULTS], output
