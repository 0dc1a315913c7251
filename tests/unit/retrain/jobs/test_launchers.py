"""Names of jobs, capabilities of launchers, and incomplete settings."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.errors import ConfigurationError, RemoteServiceError, TrainingError
from monitor.settings import Kubernetes, Ray, default_settings
from monitor.settings.launchers import Toleration
from retrain.jobs import local_launcher
from retrain.jobs.attempts import (
    begin_attempt,
    current_attempt,
    first_seen_ended,
    is_cancelled,
    job_name,
    mark_cancelled,
    record_state,
    recorded_state,
)
from retrain.jobs.launcher import Capability, require_resume
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.jobs.process_identity import process_identity
from retrain.jobs.ray_jobs import RayJobs
from retrain.jobs.remote_launcher import JobLauncher, JobState
from retrain.rest import RestService
from retrain.run_folder import RunFolder
from tests.support.refusals import refusal
from tests.support.retrain.fake_launcher import FakeLauncher

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


def test_cancellation_does_not_reach_a_new_attempt(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert (current_attempt(folder, "train"), is_cancelled(folder, "train")) == (1, False)
    mark_cancelled(folder, "train")
    record_state(folder, "train", "ended by Lea")
    assert is_cancelled(folder, "train")
    assert recorded_state(folder, "train") == "ended by Lea"
    assert (recorded_state(folder, "evaluate"), is_cancelled(folder, "evaluate")) == ("", False)
    begin_attempt(folder, "train", 2)
    assert (current_attempt(folder, "train"), is_cancelled(folder, "train")) == (2, False)
    assert recorded_state(folder, "train") == ""


def test_first_seen_end_uses_the_local_clock(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    begin_attempt(folder, "train", 2)
    assert first_seen_ended(folder, "train", "job-2", 100.0) == 100.0
    assert first_seen_ended(folder, "train", "job-2", 120.0) == 100.0
    assert first_seen_ended(folder, "train", "job-2", 90.0) == 90.0, "the clock was set back"
    assert first_seen_ended(folder, "train", "job-1", 130.0) == 130.0, "another job"
    assert current_attempt(folder, "train") == 2
    begin_attempt(folder, "train", 3)
    assert first_seen_ended(folder, "train", "job-1", 140.0) == 140.0


class Engine:
    """An engine whose jobs run until they are stopped."""

    name = "engine"
    place = "here"
    python = (sys.executable,)
    capabilities = FakeLauncher.capabilities

    def __init__(self) -> None:
        self.jobs: dict[str, JobState] = {}

    def create(self, name: str, *_rest: Any) -> None:
        self.jobs[name] = JobState("running")

    def find_job(self, name: str) -> JobState | None:
        return self.jobs.get(name)

    def logs(self, name: str, last_lines: int) -> list[str] | None:
        return None

    def stop(self, name: str) -> None:
        self.jobs[name] = JobState("ended")

    def check(self) -> str:
        return "a test"


def test_ending_an_earlier_attempt_leaves_the_present_one_alone(tmp_path: Path) -> None:
    """Two processes may stop it concurrently, and a new attempt may have started."""
    folder, launcher = RunFolder(tmp_path), JobLauncher(Engine())
    first = launcher.submit(folder, {})
    launcher.cancel(first)
    second = launcher.submit(folder, {})
    launcher.cancel(first)
    assert launcher.adopt(folder) == second
    launcher.cancel(second)
    assert launcher.adopt(folder) is None


@pytest.mark.parametrize("launcher", [JobLauncher(Engine()), SubprocessLauncher()])
def test_a_folder_that_cannot_be_written_starts_nothing(
    launcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retrain.jobs.attempts.write_json", full)
    monkeypatch.setattr(local_launcher, "write_json", full)
    started: list[int] = []
    really = local_launcher.process_identity

    def note(pid: int) -> dict[str, Any]:
        started.append(pid)
        return really(pid)

    monkeypatch.setattr(local_launcher, "process_identity", note)
    monkeypatch.setattr(
        local_launcher,
        "child_command",
        lambda *_rest: [sys.executable, "-c", "import time; time.sleep(60)"],
    )
    with refusal("not_writable", TrainingError, match="No space left"):
        launcher.submit(RunFolder(tmp_path), {})
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_a_process_of_another_user_is_not_called_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    with refusal("not_permitted", TrainingError, match=str(os.getpid())):
        SubprocessLauncher().cancel(process_identity(os.getpid()))


def test_a_process_that_outlives_being_killed_is_not_called_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "killpg", lambda *_arguments: None)
    monkeypatch.setattr(local_launcher, "GRACE_SECONDS", 0.0)
    with refusal("not_ended", TrainingError, match=str(os.getpid())):
        SubprocessLauncher().cancel(process_identity(os.getpid()))


@pytest.mark.parametrize(("status", "refused"), [(200, False), (404, False), (400, True)])
def test_ray_ends_a_job_or_gives_the_reason(
    monkeypatch: pytest.MonkeyPatch, status: int, refused: bool
) -> None:
    response = httpx.Response(status, json={"message": "no such method"})
    monkeypatch.setattr(RestService, "request", lambda *_rest, **_named: response)
    ray = RayJobs(Ray(address="http://ray.example:8265"))
    if refused:
        with pytest.raises(RemoteServiceError, match=r"run-1 \(400\): no such method"):
            ray.stop("run-1")
    else:
        ray.stop("run-1")


class Forgetful(FakeLauncher):
    """A launcher without checkpoints."""

    capabilities = replace(FakeLauncher.capabilities, resume=Capability(False, "No checkpoints."))


def test_launcher_without_resumption_gives_the_reason() -> None:
    with refusal("no_resume", match=r"'fake'.* No checkpoints\."):
        require_resume(Forgetful())
    require_resume(FakeLauncher())
    require_resume(SubprocessLauncher())
    assert SubprocessLauncher.capabilities.describe().startswith("resume: yes. ")
    assert "resume: no. No checkpoints." in Forgetful.capabilities.describe()


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
    ("values", "problem"),
    [
        ({"key": "gpu", "operator": "Exists", "value": "x"}, "takes no value"),
        ({"value": "x"}, "needs operator"),
    ],
)
def test_a_toleration_that_kubernetes_would_refuse(values: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Toleration(**values)  # type: ignore[arg-type]  # wrong on purpose


def test_the_api_server_is_spoken_to_encrypted() -> None:
    with pytest.raises(ValueError, match="https"):
        Kubernetes(api="http://api.example")
    with pytest.raises(ValueError, match="mount_path"):
        Kubernetes(mount_path="runs")
