"""Training children as jobs of a real Ray cluster with one machine."""

import contextlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from bench.services.requirement import free_port
from monitor.errors import ConfigurationError, RemoteServiceError
from monitor.settings import Ray, Retrain, Secrets
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from retrain.evaluation.lifecycle import start_evaluation
from retrain.jobs import remote_launcher as jobs_module
from retrain.jobs.factory import create_launcher
from retrain.jobs.ray_jobs import RayJobs
from retrain.jobs.remote_launcher import NO_RESULT, JobLauncher
from retrain.run_folder import RunFolder, write_json
from retrain.training.cancellation import cancel_run
from retrain.training.runs import poll_run, poll_running, start_run
from tests.services.ray_head import ray_address  # noqa: F401 - fixture
from tests.support.refusals import refusal
from tests.support.retrain.launched_runs import ENVIRONMENT, NOW, LaunchDesk, eventually, stand_in
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - fixture

pytestmark = [pytest.mark.ray, pytest.mark.timeout(280)]

#: As on a machine that has another folder, or none, at the path of the run.
ELSEWHERE = (
    "os.execv(sys.executable, [sys.executable, '-m', 'retrain.training.child', "
    "'/nowhere/run-00001'])"
)
SLEEPS = "print('I sleep', flush=True); time.sleep(600)"


class Cluster:
    """The head's address, and launchers for it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder

    def launcher(self, body: str = SLEEPS, **settings: Any) -> JobLauncher:
        python = stand_in(self.folder, body) if body else ""
        return JobLauncher(RayJobs(Ray(address=self.address, python=python, **settings)))

    def jobs(self) -> dict[str, str]:
        """Return name -> status of the jobs of this test."""
        response = httpx.get(f"{self.address}/api/jobs/").json()
        mine = [job for job in response if str(self.folder) in job["entrypoint"]]
        return {job["submission_id"]: job["status"] for job in mine}


@pytest.fixture
def cluster(ray_address: str, tmp_path: Path) -> Cluster:  # noqa: F811
    return Cluster(ray_address, tmp_path)


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> LaunchDesk:
    """Return a desk with stand-ins for training."""
    return LaunchDesk(engine, tmp_path, tmp_path / "no-base")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Return the folder of a run without a row."""
    made = RunFolder(tmp_path / "runs" / "run-00007")
    made.root.mkdir(parents=True)
    write_json(made.recipe, {})
    return made


@pytest.mark.language_model
def test_a_tiny_model_is_trained_and_evaluated_by_ray_jobs(
    engine: Engine,
    ray_address: str,  # noqa: F811
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
) -> None:
    """From the planned run to the registered version, with the project's interpreter."""
    desk = LaunchDesk(engine, tmp_path, tiny_base)
    settings = Retrain(launcher="ray", ray={"address": ray_address, "num_cpus": 1})
    launcher = create_launcher("ray", settings, Secrets())
    run = desk.plan("ray")
    start_run(engine, run, launcher, NOW, environment=ENVIRONMENT)
    state = desk.ended(run, launcher)
    assert state.run.status == "succeeded", state.run.error
    assert (desk.files(run).adapter / "adapter_model.safetensors").is_file()
    assert state.progress["step"] == state.progress["steps"]
    with transaction(engine) as connection:
        version = versions.version_of_run(connection, run)
    assert version is not None
    assert (version.id, version.stage) == (state.version_id, "candidate")
    assert launcher.explain(desk.files(run)) == ""
    assert any("Running entrypoint" in line for line in launcher.logs(desk.files(run), 500))

    evaluation = desk.plan_evaluation(version.id)
    start_evaluation(engine, evaluation, launcher, NOW, environment=ENVIRONMENT)
    row = desk.evaluated(evaluation, launcher)
    assert (row.status, row.error) == ("succeeded", None)
    assert row.results is not None
    assert row.results.systems == ["candidate", "base", "prompted"]
    log = launcher.logs(desk.files(run), 500, "evaluate")
    assert any("retrain.evaluation.child" in line for line in log)


def test_status_logs_and_cancel(cluster: Cluster, folder: RunFolder) -> None:
    launcher = cluster.launcher()
    handle = launcher.submit(folder, {})
    eventually(lambda: launcher.status(handle) == "running")
    eventually(lambda: "I sleep" in launcher.logs(folder, 10))
    assert launcher.logs(folder, 1) == launcher.logs(folder, 100)[-1:]
    launcher.cancel(handle)
    eventually(lambda: cluster.jobs() == {handle["job"]: "STOPPED"})
    launcher.cancel(handle)  # again: nothing happens
    assert launcher.adopt(folder) is None


def test_after_a_cancelled_child_another_attempt_has_another_name(
    cluster: Cluster, folder: RunFolder
) -> None:
    launcher = cluster.launcher()
    first = launcher.submit(folder, {})
    eventually(lambda: launcher.status(first) == "running")
    launcher.cancel(first)

    def submitted() -> Any:
        with contextlib.suppress(RemoteServiceError):  # until the first one has ended
            return launcher.submit(folder, {})
        return None

    second = eventually(submitted)
    assert (first["job"][-7:], second["job"][-7:]) == ("train-1", "train-2")
    eventually(lambda: launcher.status(second) == "running")
    launcher.cancel(second)


def test_unstored_handle_starts_no_second_job(cluster: Cluster, folder: RunFolder) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\n"
        "from monitor.settings import Ray\n"
        "from retrain.jobs.remote_launcher import JobLauncher\n"
        "from retrain.jobs.ray_jobs import RayJobs\n"
        "from retrain.run_folder import RunFolder\n"
        f"ray = Ray(address={cluster.address!r}, python={stand_in(cluster.folder, SLEEPS)!r})\n"
        f"JobLauncher(RayJobs(ray)).submit(RunFolder(Path({str(folder.root)!r})), {{}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert died.returncode == -9, died.stderr.decode()
    fresh = cluster.launcher()
    adopted = fresh.adopt(folder)
    assert adopted is not None
    assert fresh.submit(folder, {}) == adopted
    assert list(cluster.jobs()) == [adopted["job"]]
    eventually(lambda: fresh.status(adopted) == "running")
    fresh.cancel(adopted)


def test_concurrent_submissions_create_one_job(cluster: Cluster, folder: RunFolder) -> None:
    launcher = cluster.launcher()
    handles: list[Any] = []
    barrier = threading.Barrier(3)

    def submit() -> None:
        barrier.wait()
        handles.append(launcher.submit(folder, {}))

    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(handles) == 3
    assert list(cluster.jobs()) == [handles[0]["job"]]
    assert handles == [handles[0]] * 3
    launcher.cancel(handles[0])


def test_failed_ray_child_fails_run_with_state_and_log(
    cluster: Cluster, desk: LaunchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "RESULT_DELAY_SECONDS", 0.0)
    launcher = cluster.launcher("print('no space left'); sys.exit(3)")
    run = desk.plan("ray")
    start_run(desk.engine, run, launcher, NOW)
    error = str(desk.ended(run, launcher).run.error)
    assert "exit code 3" in error
    assert "no space left" in error


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (ELSEWHERE, "/nowhere/run-00001"),
        ("print('trained, somewhere else')", NO_RESULT),
    ],
    ids=["it-sees-no-run", "its-result-is-not-seen"],
)
def test_unshared_folder_is_reported(
    cluster: Cluster, desk: LaunchDesk, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    monkeypatch.setattr(jobs_module, "RESULT_DELAY_SECONDS", 0.0)
    launcher = cluster.launcher(body)
    run = desk.plan("ray")
    start_run(desk.engine, run, launcher, NOW, environment=ENVIRONMENT)
    assert message in str(desk.ended(run, launcher).run.error)


def test_pending_job_shows_its_reason_and_can_be_cancelled(
    cluster: Cluster, desk: LaunchDesk, folder: RunFolder
) -> None:
    """Ray stops a pending job when its turn comes: its child may start and ends at once."""
    body = "time.sleep(30); open(sys.argv[-1] + '/began', 'w'); time.sleep(600)"
    launcher = cluster.launcher(body, num_cpus=2)
    busy = launcher.submit(folder, {})
    eventually(lambda: launcher.status(busy) == "running")
    run = desk.plan("ray")
    start_run(desk.engine, run, launcher, NOW)

    def poll() -> Any:
        state = poll_run(desk.engine, run, launcher, NOW)
        return state if state.pending_reason else None

    state = eventually(poll)
    assert "waiting for resources" in state.pending_reason
    assert state.run.status == "running"
    cancel_run(desk.engine, run, launcher, NOW, cancelled_by="Lea")
    assert desk.row(run).error == "cancelled by Lea"
    launcher.cancel(busy)
    eventually(lambda: set(cluster.jobs().values()) == {"STOPPED"})
    assert not (desk.files(run).root / "began").exists()


def test_unavailable_head_does_not_count_as_gone(cluster: Cluster, desk: LaunchDesk) -> None:
    launcher = cluster.launcher()
    run = desk.plan("ray")
    start_run(desk.engine, run, launcher, NOW)
    handle = desk.row(run).handle
    assert handle is not None
    closed = f"http://127.0.0.1:{free_port()}"
    away = JobLauncher(RayJobs(Ray(address=closed)))
    there = {**handle, "place": closed}
    with refusal("unavailable", RemoteServiceError, match=closed):
        away.status(there)
    with refusal("unavailable", RemoteServiceError):
        away.cancel(there)
    # A configuration that names another cluster meanwhile doesn't look for the job there.
    assert poll_running(desk.engine, lambda _: away, NOW) == []
    with refusal("other_place", RemoteServiceError, match=r"\[retrain\.ray\]"):
        away.status(handle)
    assert desk.row(run).status == "running"
    cancel_run(desk.engine, run, launcher, NOW, cancelled_by="Lea")


def test_a_job_that_ray_has_forgotten_is_gone(cluster: Cluster, folder: RunFolder) -> None:
    launcher = cluster.launcher()
    handle = {
        "job": "driftwarden-never", "place": cluster.address, "folder": str(folder.root),
        "task": "train",
    }  # fmt: skip
    assert launcher.status(handle) == "gone"
    assert "driftwarden-never" in launcher.explain(folder)
    with refusal("no_log", match="driftwarden-run-00007-"):
        launcher.logs(folder, 10)
    launcher.cancel(handle)


def test_job_that_ray_cannot_start_is_reported(
    cluster: Cluster, desk: LaunchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "RESULT_DELAY_SECONDS", 0.0)
    launcher = cluster.launcher(working_dir=str(desk.folder / "nowhere"))
    run = desk.plan("ray")
    start_run(desk.engine, run, launcher, NOW)
    error = str(desk.ended(run, launcher).run.error)
    assert "supervisor actor" in error
    assert str(desk.folder / "nowhere") in error


def test_the_version_of_ray_is_checked(cluster: Cluster) -> None:
    assert cluster.launcher().check() == f"Ray 2.60.0 at {cluster.address}"
    with pytest.raises(ConfigurationError, match=r"needs retrain\.ray\.address"):
        create_launcher("ray", Retrain(), Secrets())
