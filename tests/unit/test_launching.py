"""What a job is called, what a launcher can't do, and settings that name no place to launch."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.errors import ConfigurationError, WorkflowError
from monitor.settings import Kubernetes, Toleration, default_settings
from retrain.launchers import Capability, require_resume
from retrain.launchers.attempts import (
    begin_attempt,
    current_attempt,
    is_cancelled,
    job_name,
    note_cancelled,
    note_state,
    state_of,
)
from retrain.launchers.local import SubprocessLauncher
from retrain.run_folder import RunFolder
from tests.services.fake_launcher import FakeLauncher

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@pytest.mark.parametrize("name", ["run-00007", "Run 7!", "ü", "x" * 200, "-a-"])
@pytest.mark.parametrize("attempt", [1, 123])
def test_a_name_is_one_that_both_engines_take(name: str, attempt: int) -> None:
    made = job_name(RunFolder(Path("/runs") / name), "evaluate", attempt)
    assert LABEL.fullmatch(made)
    assert len(made) <= 63
    assert made.endswith(f"-evaluate-{attempt}")


def test_names_differ_by_folder_task_and_attempt() -> None:
    here, there = RunFolder(Path("/a/run-00007")), RunFolder(Path("/b/run-00007"))
    names = {
        job_name(folder, task, attempt)  # type: ignore[arg-type]  # both are tasks
        for folder in (here, there)
        for task in ("train", "evaluate")
        for attempt in (1, 2)
    }
    assert len(names) == 8
    assert job_name(here, "train", 1) == job_name(here, "train", 1)


def test_a_new_attempt_is_not_cancelled_and_has_nothing_said(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert (current_attempt(folder, "train"), is_cancelled(folder, "train")) == (1, False)
    note_cancelled(folder, "train")
    note_state(folder, "train", "ended by Lea")
    assert is_cancelled(folder, "train")
    assert state_of(folder, "train") == "ended by Lea"
    assert (state_of(folder, "evaluate"), is_cancelled(folder, "evaluate")) == ("", False)
    begin_attempt(folder, "train", 2)
    assert (current_attempt(folder, "train"), is_cancelled(folder, "train")) == (2, False)
    assert state_of(folder, "train") == ""


class Forgetful(FakeLauncher):
    """One that keeps no checkpoint."""

    capabilities = replace(FakeLauncher.capabilities, resume=Capability(False, "Nothing ever ran."))


def test_a_launcher_that_cannot_resume_says_why() -> None:
    with pytest.raises(WorkflowError, match=r"'fake' can't resume a run\. Nothing ever ran\."):
        require_resume(Forgetful())
    require_resume(FakeLauncher())
    require_resume(SubprocessLauncher())
    assert SubprocessLauncher.capabilities.told().startswith("resume: yes. The checkpoints")
    assert "resume: no. Nothing ever ran." in Forgetful.capabilities.told()


@pytest.mark.parametrize(
    ("section", "lacks"),
    [
        ({"launcher": "ray"}, "ray.address"),
        ({"launcher": "kubernetes"}, "kubernetes.image"),
        ({"launcher": "kubernetes", "kubernetes": {"image": "x"}}, "kubernetes.claim"),
    ],
)
def test_a_launcher_without_a_place_is_a_mistake(section: dict[str, object], lacks: str) -> None:
    with pytest.raises(ConfigurationError, match=f"needs {re.escape(lacks)}"):
        default_settings(retrain=section)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"key": "gpu", "operator": "Exists", "value": "x"}, "takes no value"),
        ({"value": "x"}, "needs operator"),
    ],
)
def test_a_toleration_that_kubernetes_would_refuse(values: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Toleration(**values)  # type: ignore[arg-type]  # wrong on purpose


def test_the_api_server_is_spoken_to_encrypted() -> None:
    with pytest.raises(ValueError, match="https"):
        Kubernetes(api="http://api.example")
    with pytest.raises(ValueError, match="mount_path must be absolute"):
        Kubernetes(mount_path="runs")
