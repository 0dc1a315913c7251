"""Output of `make setup`: a line for each step, and the end of the log where one fails."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
N_PACKAGES = 250
#: Stands for an interpreter whose venv has a pip that prints a line for each package.
INTERPRETER = """#!/bin/sh
noise() { i=0; while [ $i -lt 250 ]; do echo " + package-$i==1.0"; i=$((i + 1)); done; }
case "$*" in
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"config get"*) exit 1 ;;
    *"constraints.txt uv")
        if [ "$WITH_UV" = 0 ]; then echo "no uv here" >&2; exit 1; fi
        cp "$0" .venv/bin/uv ;;
    *"$FAILS_AT"*) noise; echo "error: no space left on device" >&2; exit 7 ;;
    *install*) noise >&2 ;;
esac
"""


def set_up(folder: Path, *, with_uv: bool, fails_at: str, torch_index: str = "") -> "Setup":
    """Run the script of a project whose interpreter is the stub."""
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "scripts" / "make-venv.sh", folder / "scripts")
    (folder / "constraints.txt").write_text("torch==2.8.0\n")
    python = folder / "python-stub"
    python.write_text(INTERPRETER)
    python.chmod(0o755)
    return subprocess.run(
        [folder / "scripts" / "make-venv.sh"],
        env={
            "PATH": os.environ["PATH"], "PYTHON": str(python), "WITH_UV": str(int(with_uv)),
            "FAILS_AT": fails_at or "never", "TORCH_INDEX_URL": torch_index,
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


Setup = subprocess.CompletedProcess[str]


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
@pytest.mark.parametrize("torch_index", ["", "https://user:secret@torch.invalid/"])
def test_setup_prints_a_line_per_step(tmp_path: Path, with_uv: bool, torch_index: str) -> None:
    folder = tmp_path / "a check out"
    done = set_up(folder, with_uv=with_uv, fails_at="", torch_index=torch_index)
    assert (done.returncode, done.stderr) == (0, "")
    printed = done.stdout.splitlines()
    assert len(printed) <= 9
    assert all(line.startswith("setup: ") for line in printed)
    assert "package-" not in done.stdout
    assert "secret" not in done.stdout
    assert " GB" in done.stdout
    log = folder / ".venv" / "install.log"
    assert str(log) in done.stdout
    n_steps = 3 if torch_index else 2
    assert n_steps * N_PACKAGES == log.read_text().count(" + package-")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("with_uv", [True, False], ids=["uv", "pip"])
@pytest.mark.parametrize(
    ("step", "n_before"), [(".[dev]", 0), ("requirements-models.txt", N_PACKAGES)]
)
def test_a_failed_step_shows_the_end_of_the_log(
    tmp_path: Path, with_uv: bool, step: str, n_before: int
) -> None:
    done = set_up(tmp_path, with_uv=with_uv, fails_at=step)
    assert done.returncode == 7
    ending = done.stderr.splitlines()
    log = tmp_path / ".venv" / "install.log"
    assert "error: no space left on device" in ending
    assert len(ending) <= 25
    assert str(log) in ending[-1]
    assert n_before + N_PACKAGES == log.read_text().count(" + package-")
    assert "done" not in done.stdout


def test_a_later_setup_begins_a_new_log(tmp_path: Path) -> None:
    assert set_up(tmp_path, with_uv=True, fails_at=".[dev]").returncode == 7
    assert set_up(tmp_path, with_uv=True, fails_at="").returncode == 0
    assert "no space left" not in (tmp_path / ".venv" / "install.log").read_text()
