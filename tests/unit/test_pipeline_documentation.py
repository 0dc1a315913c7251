"""Examples of the how-to for pipelines."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.services.own_environment import environment_of

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "compare-in-ci.md").read_text(
    encoding="utf-8"
)
ROOT = Path(__file__).parents[2]
DAG = ROOT / "deploy" / "airflow" / "compare_weekly.py"
RUN_DAG = """
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
assert not bag.import_errors, bag.import_errors
print(bag.dags["compare_weekly"].test().state)
"""
SHELL = re.findall(r"```sh\n(#!.*?)```", PAGE, re.DOTALL)[0]
WORKFLOW = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])


def stand_in(folder: Path, status: int) -> None:
    """Replace the command driftwarden by a script with a fixed exit status."""
    command = folder / "driftwarden"
    command.write_text(
        f'#!/bin/sh\necho \'{{"headline": "said", "verdict": "no_drift"}}\'\nexit {status}\n'
    )
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
    stand_in(tmp_path, status)
    (tmp_path / "drift.md").write_text("said")
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
    assert folders == {"driftwarden", "vectors"}
    assert not any(map(stored, folders))


def stored(name: str) -> bool:
    upload = WORKFLOW["jobs"]["compare"]["steps"][-1]
    return any(fnmatch(name, pattern) for pattern in upload["with"]["path"].split())


def test_the_workflow_installs_extras_that_exist() -> None:
    steps = [step.get("run", "") for step in WORKFLOW["jobs"]["compare"]["steps"]]
    (install,) = [step for step in steps if step.startswith("pip install")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"driftwarden\[(.*?)\]", install)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


class SkipError(Exception):
    """Stands for AirflowSkipException."""


class FailError(Exception):
    """Stands for AirflowFailException."""


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], Any]:
    """Return the DAG's function, with a command of a given exit status, without Airflow."""
    errors: Any = ModuleType("airflow.exceptions")
    sdk: Any = ModuleType("airflow.sdk")
    errors.AirflowSkipException, errors.AirflowFailException = SkipError, FailError
    sdk.dag = sdk.task = lambda **_: lambda function: lambda *_: None
    for module in (ModuleType("airflow"), errors, sdk):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    function = runpy.run_path(str(DAG))["compare"]
    monkeypatch.setenv("DRIFTWARDEN", str(tmp_path / "driftwarden"))
    monkeypatch.setenv("DRIFTWARDEN_REFERENCE", "reference.jsonl")

    def run_with(status: int) -> Any:
        stand_in(tmp_path, status)
        return function(tmp_path / "2026-11-02.jsonl", tmp_path / "reports")

    return run_with


def test_the_dag_ends_as_the_page_says(compare: Callable[[int], Any]) -> None:
    assert compare(0) == {"verdict": "no_drift", "headline": "said"}
    with pytest.raises(FailError, match="said"):
        compare(3)
    with pytest.raises(SkipError, match="said"):
        compare(4)
    for status in (2, 78):
        with pytest.raises(FailError):
            compare(status)
    for status in (1, 75, 137):  # Airflow repeats these
        with pytest.raises(RuntimeError):
            compare(status)


@pytest.mark.drill
@pytest.mark.parametrize(("status", "state"), [(0, "success"), (3, "failed"), (4, "success")])
def test_airflow_runs_the_dag(tmp_path: Path, status: int, state: str) -> None:
    """Airflow, in an environment of its own; a run whose only task is skipped succeeds."""
    stand_in(tmp_path, status)
    (tmp_path / "dags").mkdir()
    shutil.copy(DAG, tmp_path / "dags")
    done = subprocess.run(
        [environment_of("apache-airflow-core==3.3.*") / "python", "-c", RUN_DAG],
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "DRIFTWARDEN": str(tmp_path / "driftwarden"),
            "DRIFTWARDEN_REFERENCE": "reference.jsonl",
            "DRIFTWARDEN_EXPORTS": str(tmp_path),
            "DRIFTWARDEN_REPORTS": str(tmp_path / "reports"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert state in done.stdout.strip().splitlines()[-1]
