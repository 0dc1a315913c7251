"""`make check`: each check runs, whatever the others find."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("mypy", "lint-imports", "hadolint", "python")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real ruff, and other tools that find nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in TOOLS:
        (tools / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (tools / "ruff").symlink_to(Path(sys.executable).parent / "ruff")
    return tmp_path


def check(folder: Path, target: str = "check") -> subprocess.CompletedProcess[str]:
    command = ["make", "--file", "Makefile", "--old-file", "setup", target]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    environment["RUFF_NO_CACHE"] = "true"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_fault_of_format_hides_no_fault_of_lint(checkout: Path) -> None:
    (checkout / "wide.py").write_text("a  =  1\n", encoding="utf-8")
    (checkout / "unused.py").write_text("import os\n", encoding="utf-8")
    done = check(checkout)
    assert done.returncode != 0
    assert "wide.py" in done.stdout
    assert "F401" in done.stdout
    last = done.stdout.splitlines()[-2:]
    assert sorted(last) == ["Failed: make check-format", "Failed: make check-lint"]


def test_check_without_a_fault_passes(checkout: Path) -> None:
    done = check(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "All checks passed"


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_fails_the_check(checkout: Path, tool: str) -> None:
    (checkout / ".venv" / "bin" / tool).write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    assert check(checkout).returncode != 0
