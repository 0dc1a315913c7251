"""Checks of a distribution: each expectation that fails refuses the release."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.release.errors import ReleaseError
from scripts.release.verification import (
    WITH_EXTRAS,
    WITHOUT_EXTRAS,
    Environment,
    check_distribution,
)

ROOT = Path(__file__).resolve().parents[3]


def environment(folder: Path, output: str, statuses: Mapping[str, int]) -> Environment:
    """Return an environment whose programs are scripts."""
    programs, work = folder / "environment" / "bin", folder / "work"
    programs.mkdir(parents=True)
    work.mkdir()
    cases = "\n".join(f'"{words}") exit {status};;' for words, status in statuses.items())
    scripts = {"python": f"echo {output}", "driftwarden": f'case "$*" in\n{cases}\nesac\nexit 9'}
    for name, text in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    made = Environment.__new__(Environment)
    made.__dict__.update(_folder=folder / "environment", _work=work)
    return made


@pytest.mark.parametrize("commands", [WITHOUT_EXTRAS, WITH_EXTRAS], ids=["base", "extras"])
def test_expected_statuses_and_version_pass(tmp_path: Path, commands: Mapping[str, int]) -> None:
    environment(tmp_path, "1.2.0 drift", commands).check("1.2.0", commands)


@pytest.mark.parametrize("output", ["1.1.0 drift", "1.2.0 no_drift"])
def test_another_version_or_verdict_is_refused(tmp_path: Path, output: str) -> None:
    with pytest.raises(ReleaseError, match="version and verdict"):
        environment(tmp_path, output, WITH_EXTRAS).check("1.2.0", WITH_EXTRAS)


@pytest.mark.parametrize("words", WITH_EXTRAS)
def test_another_exit_status_is_refused(tmp_path: Path, words: str) -> None:
    broken = environment(tmp_path, "1.2.0 drift", WITH_EXTRAS | {words: 7})
    with pytest.raises(ReleaseError, match=f"exit status 7 instead of .*driftwarden {words}"):
        broken.check("1.2.0", WITH_EXTRAS)


@pytest.mark.drill
def test_a_wheel_passes_in_empty_environments(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    version = wheel.name.split("-")[1]
    with pytest.raises(ReleaseError, match="version and verdict"):
        check_distribution(wheel, "9.9.9", tmp_path / "refused")
    check_distribution(wheel, version, tmp_path / "passes")
