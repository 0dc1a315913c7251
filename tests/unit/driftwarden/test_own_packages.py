"""Our packages are imported beside others of their names, or the error says which is in the way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project with packages of our names and a space in its path."""
    project = tmp_path / "my project"
    for name in ("monitor", "retrain"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("mine = True\n")
    return project


def run(*words: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={key: value for key, value in environment.items() if value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_another_monitor_in_the_folder_gives_way(folder: Path) -> None:
    ended = run("-c", "import driftwarden as d; print(d.DriftwardenError.__module__)", cwd=folder)
    assert ended.stdout == "monitor.errors\n", ended.stderr
    assert "UserWarning" in ended.stderr
    assert str(folder / "monitor" / "__init__.py") in ended.stderr


def test_another_monitor_that_was_imported_is_named(folder: Path) -> None:
    ended = run("-c", "import monitor, driftwarden", cwd=folder)
    assert ended.returncode == 1
    assert "ImportError" in ended.stderr
    assert str(folder / "monitor" / "__init__.py") in ended.stderr


def test_a_folder_of_files_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "monitor").mkdir()
    ended = run("-c", "import driftwarden as d; print(d.DriftwardenError.__name__)", cwd=tmp_path)
    assert (ended.stdout, ended.stderr) == ("DriftwardenError\n", "")


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_command_runs_with_other_packages_of_our_names(folder: Path, home: str) -> None:
    path = os.pathsep.join((str(folder), str(ROOT)))
    command = ("-m", "driftwarden", "init", "a new site")
    ended = run(*command, cwd=folder, HOME=home, PYTHONPATH=path, TERM="")
    assert ended.returncode == 0, ended.stderr
    assert (folder / "a new site" / "config.toml").is_file()
