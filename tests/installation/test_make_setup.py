"""`make setup`: .venv is made anew where its files have changed, by their content."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.services.requirement import program

ROOT = Path(__file__).resolve().parents[2]
#: Stands for make-venv.sh: counts its runs.
MAKE_VENV = """#!/bin/sh
set -eu
mkdir -p .venv
echo run >> runs
test ! -e broken
"""
FILES = ("pyproject.toml", "constraints.txt", "requirements-models.txt", "scripts/make-venv.sh")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, whose .venv was made."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "scripts").mkdir()
    for name in FILES:
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "scripts" / "make-venv.sh").write_text(MAKE_VENV)
    (tmp_path / "scripts" / "make-venv.sh").chmod(0o755)
    assert setup(tmp_path) == 1
    return tmp_path


def setup(project: Path) -> int:
    """Run `make setup`; return how often .venv was made so far."""
    make = program("make", "install make")
    subprocess.run([make, "setup"], cwd=project, capture_output=True, timeout=60, check=False)
    return (project / "runs").read_text().count("run")


def test_unchanged_files_make_nothing_again(project: Path) -> None:
    assert setup(project) == 1


@pytest.mark.parametrize("at", [0.0, 4e9], ids=["older", "newer"])
def test_new_times_of_the_files_make_nothing_again(project: Path, at: float) -> None:
    for name in FILES:
        os.utime(project / name, (at, at))
    assert setup(project) == 1


@pytest.mark.parametrize("name", FILES)
def test_changed_file_makes_the_environment_again(project: Path, name: str) -> None:
    before = (project / name).stat()
    with (project / name).open("a") as file:
        file.write("# changed\n")
    os.utime(project / name, (before.st_atime, before.st_mtime))
    assert setup(project) == 2
    assert setup(project) == 2


def test_failed_installation_is_repeated(project: Path) -> None:
    (project / "constraints.txt").write_text("numpy==2\n")
    (project / "broken").touch()
    assert setup(project) == 2
    (project / "broken").unlink()
    assert setup(project) == 3
    assert setup(project) == 3


def test_removed_environment_is_made_again(project: Path) -> None:
    shutil.rmtree(project / ".venv")
    assert setup(project) == 2


def test_stamp_of_an_earlier_makefile_is_replaced(project: Path) -> None:
    (project / ".venv" / ".installed").write_text("")
    assert setup(project) == 2
    assert setup(project) == 2


def test_worktree_with_the_environment_of_another_makes_nothing(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    worktree = tmp_path_factory.mktemp("worktree") / "project"
    shutil.copytree(project, worktree, ignore=shutil.ignore_patterns(".venv"))
    (worktree / ".venv").symlink_to(project / ".venv")
    for name in FILES:
        os.utime(worktree / name)
    assert setup(worktree) == 1
