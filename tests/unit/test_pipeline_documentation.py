"""Examples of the how-to for pipelines."""

import os
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "compare-in-ci.md").read_text(
    encoding="utf-8"
)
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]
WORKFLOW = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])


def stand_in(folder: Path, status: int) -> None:
    """Replace the command driftwarden by a script with a fixed exit status."""
    command = folder / "driftwarden"
    command.write_text(f'#!/bin/sh\necho \'{{"headline": "said"}}\'\nexit {status}\n')
    command.chmod(0o755)


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("status", "ends", "says"),
    [(0, 0, "no drift"), (3, 3, "drift.html"), (4, 0, "inconclusive"), (2, 2, "could not run")],
)
def test_the_script_ends_as_the_page_says(
    tmp_path: Path, status: int, ends: int, says: str
) -> None:
    stand_in(tmp_path, status)
    script = tmp_path / "script.sh"
    script.write_text(SHELL)
    done = run("sh script.sh", tmp_path)
    assert done.returncode == ends
    assert says in done.stdout
    assert "said" in (tmp_path / "drift.json").read_text()


@pytest.mark.parametrize("status", [0, 3, 4])
def test_the_workflow_ends_with_the_status_of_the_comparison(tmp_path: Path, status: int) -> None:
    steps = WORKFLOW["jobs"]["compare"]["steps"]
    (compare,) = [step["run"] for step in steps if "driftwarden compare" in step.get("run", "")]
    (tmp_path / "driftwarden" / ".venv" / "bin").mkdir(parents=True)
    stand_in(tmp_path / "driftwarden" / ".venv" / "bin", status)
    jq = tmp_path / "jq"
    jq.write_text('#!/bin/sh\ncat "$3"\n')
    jq.chmod(0o755)
    done = run(compare, tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert done.returncode == status
    assert "said" in (tmp_path / "summary.md").read_text()


def test_the_workflow_keeps_the_page_when_it_fails() -> None:
    upload = WORKFLOW["jobs"]["compare"]["steps"][-1]
    assert upload["if"] == "always()"
    for written in ("drift.json", "drift.html", "drift-evidently.html"):
        assert stored(written)


def test_the_workflow_keeps_no_checkout() -> None:
    """A pattern that matches a folder uploads its whole content, here gigabytes of packages."""
    steps = [step.get("with", {}) for step in WORKFLOW["jobs"]["compare"]["steps"]]
    folders = {step["path"].partition("/")[0] for step in steps[:-1] if "path" in step}
    assert folders == {"driftwarden"}
    assert not stored("driftwarden")


def stored(name: str) -> bool:
    upload = WORKFLOW["jobs"]["compare"]["steps"][-1]
    return any(fnmatch(name, pattern) for pattern in upload["with"]["path"].split())
