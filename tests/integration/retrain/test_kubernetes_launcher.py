"""Training children as Kubernetes Jobs, with an API server in memory."""

import json
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import ConfigurationError, RemoteServiceError, TrainingError
from monitor.settings import Kubernetes, Retrain, Secrets
from monitor.store.engine import make_engine, transaction
from monitor.store.training import registry as versions
from retrain.evaluation.lifecycle import poll_evaluation, start_evaluation
from retrain.jobs import remote_launcher as jobs_module
from retrain.jobs.factory import create_launcher
from retrain.jobs.kubernetes.kubernetes_jobs import KubernetesJobs, manifest_of
from retrain.jobs.kubernetes.pod_state import NO_POD, STARTING
from retrain.jobs.remote_launcher import NO_RESULT, JobLauncher
from retrain.run_folder import RunFolder, write_json
from retrain.training.cancellation import cancel_run, stop_children
from retrain.training.runs import poll_run, start_run
from tests.services.kubernetes_api import TOKEN, Api, running_api
from tests.services.kubernetes_cluster import VERSIONS, validate
from tests.services.warm_interpreter import warm_interpreter
from tests.support.migrated_copy import migrate
from tests.support.refusals import refusal
from tests.support.retrain.launched_runs import ENVIRONMENT, NOW, LaunchDesk, eventually
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - fixture

GPU_POOL = {
    "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule",
}  # fmt: skip


@pytest.fixture
def api() -> Iterator[Api]:
    with running_api() as running:
        yield running


def settings(api: Api, **values: Any) -> Kubernetes:
    provided = {
        "api": api.url, "namespace": "ml", "image": "example.org/driftwarden:1",
        "claim": "runs", **values,
    }  # fmt: skip
    return Kubernetes(**provided)


def engine_of(api: Api, work_dir: Path, **values: Any) -> KubernetesJobs:
    return KubernetesJobs(settings(api, **values), work_dir, TOKEN)


def launcher_of(api: Api, work_dir: Path, **values: Any) -> JobLauncher:
    return JobLauncher(engine_of(api, work_dir, **values))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Return the folder of a run without a row."""
    made = RunFolder(tmp_path / "runs" / "run-00007")
    made.root.mkdir(parents=True)
    write_json(made.recipe, {})
    return made


@pytest.fixture
def launcher(api: Api, tmp_path: Path) -> JobLauncher:
    return launcher_of(api, tmp_path / "runs")


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> LaunchDesk:
    return LaunchDesk(engine, tmp_path, tmp_path / "no-base")


def test_the_manifest_is_what_kubernetes_publishes_a_job_to_be(api: Api, folder: RunFolder) -> None:
    """The manifest passes the schemas of the oldest and the newest available version, strictly."""
    provided = settings(
        api, service_account="trainer", image_pull_secret="registry", sub_path="driftwarden",
        cpu="4", memory="32Gi", gpus=1, node_selector={"pool": "gpu"}, tolerations=[GPU_POOL],
        ttl_after_finished="1h", active_deadline="90m", environment_secrets=["judge", "hub"],
    )  # fmt: skip
    manifest = manifest_of(provided, folder, work_dir=folder.root.parent)
    validate(manifest)
    assert len(VERSIONS) == 2
    job = manifest["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"], job["ttlSecondsAfterFinished"]) == (
        0, 5400, 3600,
    )  # fmt: skip
    pod = job["template"]["spec"]
    assert (pod["restartPolicy"], pod["serviceAccountName"]) == ("Never", "trainer")
    assert pod["nodeSelector"] == {"pool": "gpu"}
    assert pod["tolerations"] == [GPU_POOL]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["command"] == ["python", "-Pm", "retrain.training.child", str(folder.root)]
    assert container["resources"] == {
        "requests": {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"},
        "limits": {"memory": "32Gi", "nvidia.com/gpu": "1"},
    }
    assert container["envFrom"] == [{"secretRef": {"name": name}} for name in ("judge", "hub")]
    assert container["volumeMounts"][0] == {
        "name": "runs", "mountPath": str(folder.root.parent), "subPath": "driftwarden",
    }  # fmt: skip
    broken = json.loads(json.dumps(manifest))
    broken["spec"]["template"]["spec"]["nodeSelectors"] = {}
    with pytest.raises(Exception, match="nodeSelectors"):
        validate(broken)


def test_printed_manifest_is_the_submitted_one(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    engine = make_engine(url)
    migrate(engine)
    desk = LaunchDesk(engine, tmp_path, tmp_path / "no-base")
    run = desk.plan("kubernetes")
    config = tmp_path / "config.toml"
    config.write_text(
        f"[database]\nurl = '{url}'\n[retrain]\nwork_dir = '{desk.work_dir}'\n"
        "[retrain.kubernetes]\nimage = 'example.org/driftwarden:1'\nclaim = 'runs'\n"
        "namespace = 'ml'\n",
        encoding="utf-8",
    )
    printed = CliRunner().invoke(app, ["retrain", "manifest", str(run), "--config", str(config)])
    assert printed.exit_code == 0, printed.output
    manifest = yaml.safe_load(printed.stdout)
    validate(manifest)
    start_run(engine, run, launcher_of(api, desk.work_dir), NOW)
    (submitted,) = api.cluster.jobs.values()
    assert manifest["spec"] == submitted["spec"]
    assert manifest["metadata"]["name"] == submitted["metadata"]["name"]
    engine.dispose()


@pytest.mark.parametrize("key", ["image", "claim"])
def test_missing_key_of_the_section_is_named(api: Api, folder: RunFolder, key: str) -> None:
    launcher = launcher_of(api, folder.root.parent, **{key: ""})
    with pytest.raises(ConfigurationError, match=rf"needs retrain\.kubernetes\.{key}"):
        launcher.submit(folder, {})


def test_a_run_that_is_not_on_the_claim_is_refused(api: Api, folder: RunFolder) -> None:
    launcher = launcher_of(api, folder.root.parent, mount_path="/data/claim")
    with refusal("outside_claim", ConfigurationError, match="/data/claim"):
        launcher.submit(folder, {})
    assert api.cluster.jobs == {}


def test_without_an_address_it_is_the_cluster_we_run_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigurationError, match=r"retrain\.kubernetes\.api"):
        create_launcher("kubernetes", Retrain(), Secrets())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.10")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT_HTTPS", "6443")
    (tmp_path / "namespace").write_text("driftwarden\n")
    made = KubernetesJobs(Kubernetes(), tmp_path, in_cluster=tmp_path)
    assert made.place == "https://192.0.2.10:6443 namespace driftwarden"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "2001:db8::1")
    made = KubernetesJobs(Kubernetes(), tmp_path, in_cluster=tmp_path)
    assert made.place.startswith("https://[2001:db8::1]:6443 ")


def test_the_pods_token_is_read_anew_as_it_is_rotated(api: Api, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("an old token")
    made = KubernetesJobs(settings(api), tmp_path, in_cluster=tmp_path)
    with refusal("refused", RemoteServiceError, match=r"\(401\): Unauthorized"):
        made.check()
    (tmp_path / "token").write_text(TOKEN)
    summary = made.check()
    assert f"{api.url} namespace ml" in summary
    assert "example.org/driftwarden:1" in summary


def test_a_certificate_authority_that_is_no_certificate_is_reported(
    api: Api, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    made = KubernetesJobs(settings(api), tmp_path, TOKEN, in_cluster=tmp_path)
    with refusal("unavailable", RemoteServiceError) as caught:
        made.check()
    assert isinstance(caught.value.__cause__, ssl.SSLError)


@pytest.mark.language_model
def test_a_tiny_model_is_trained_and_evaluated_by_jobs(
    engine: Engine,
    api: Api,
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
) -> None:
    """The simulated kubelet runs the container's command as a process."""
    api.cluster.start_process = warm_interpreter().start_child
    desk = LaunchDesk(engine, tmp_path, tiny_base)
    launcher = launcher_of(api, desk.work_dir, python=sys.executable)
    run = desk.plan("kubernetes")
    start_run(engine, run, launcher, NOW, environment=ENVIRONMENT)
    (name,) = api.cluster.jobs
    state = poll_run(engine, run, launcher, NOW)
    assert (state.run.status, state.pending_reason) == ("running", NO_POD)
    api.cluster.really_run(name)
    state = desk.ended(run, launcher)
    assert state.run.status == "succeeded", state.run.error
    assert (desk.files(run).adapter / "adapter_model.safetensors").is_file()
    with transaction(engine) as connection:
        version = versions.version_of_run(connection, run)
    assert version is not None

    evaluation = desk.plan_evaluation(version.id)
    start_evaluation(engine, evaluation, launcher, NOW, environment=ENVIRONMENT)
    (second,) = set(api.cluster.jobs) - {name}
    waiting = poll_evaluation(engine, evaluation, launcher, NOW)
    assert (waiting.row.status, waiting.pending_reason) == ("running", NO_POD)
    api.cluster.really_run(second)
    row = desk.evaluated(evaluation, launcher)
    assert (row.status, row.error) == ("succeeded", None)
    assert row.results is not None
    assert row.results.systems == ["candidate", "base", "prompted"]


def test_status_logs_and_cancel(api: Api, launcher: JobLauncher, folder: RunFolder) -> None:
    handle = launcher.submit(folder, {})
    assert (launcher.status(handle), launcher.explain(folder)) == ("pending", NO_POD)
    api.cluster.run(handle["job"], "one\ntwo\nthree\n")
    assert (launcher.status(handle), launcher.explain(folder)) == ("running", "")
    assert launcher.logs(folder, 2) == ["two", "three"]
    launcher.cancel(handle)
    assert "deletionTimestamp" in api.cluster.job(handle["job"])["metadata"]
    # Its pod is still ending: neither adopted nor started a second time in the same folder.
    assert launcher.adopt(folder) is None
    with refusal("not_ended", RemoteServiceError):
        launcher.submit(folder, {})
    api.cluster.expire(handle["job"])
    assert launcher.status(handle) == "gone"
    launcher.cancel(handle)  # again: nothing happens
    again = launcher.submit(folder, {})
    assert launcher.status(again) == "pending"


def test_a_killed_child_is_started_again_under_another_name(
    api: Api, launcher: JobLauncher, folder: RunFolder
) -> None:
    first = launcher.submit(folder, {})
    api.cluster.run(first["job"])
    api.cluster.end(first["job"], 137, "OOMKilled")
    second = launcher.submit(folder, {})
    assert (first["job"][-7:], second["job"][-7:]) == ("train-1", "train-2")
    assert set(api.cluster.jobs) == {first["job"], second["job"]}


@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
def test_unstored_handle_starts_no_second_job(api: Api, folder: RunFolder, when: str) -> None:
    """The daemon dies after the Job was created: a lost API response, or a signal."""
    api.cut_next_response = when == "before the answer"
    code = (
        "import datetime, os, signal\nfrom pathlib import Path\n"
        "from monitor.settings import Kubernetes\n"
        "from retrain.jobs.remote_launcher import JobLauncher\n"
        "from retrain.jobs.kubernetes.kubernetes_jobs import KubernetesJobs\n"
        "from retrain.run_folder import RunFolder\n"
        f"k = Kubernetes(**{settings(api).model_dump()!r})\n"
        f"launcher = JobLauncher(KubernetesJobs(k, Path({str(folder.root.parent)!r}), {TOKEN!r}))\n"
        f"launcher.submit(RunFolder(Path({str(folder.root)!r})), {{}})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert died.returncode == (1 if when == "before the answer" else -9), died.stderr.decode()
    fresh = launcher_of(api, folder.root.parent)
    adopted = fresh.adopt(folder)
    assert adopted is not None
    assert fresh.submit(folder, {}) == adopted
    assert list(api.cluster.jobs) == [adopted["job"]]


def test_concurrent_submissions_create_one_job(
    api: Api, launcher: JobLauncher, folder: RunFolder
) -> None:
    handles: list[Any] = []
    barrier = threading.Barrier(4)

    def submit() -> None:
        barrier.wait()
        handles.append(launcher.submit(folder, {}))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(api.cluster.jobs) == [handles[0]["job"]]
    assert handles == [handles[0]] * 4


@pytest.mark.parametrize(
    ("reason", "message", "reply"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "x"', "retrain.kubernetes.image"),
        ("ErrImagePull", "not found", "retrain.kubernetes.image"),
        ("InvalidImageName", "couldn't parse image", "retrain.kubernetes.image"),
        ("CreateContainerConfigError", 'secret "s" not found', 'secret "s" not found'),
        ("ContainerCreating", "", STARTING),
    ],
)
def test_reason_for_a_container_creation_failure_is_shown(
    api: Api, desk: LaunchDesk, reason: str, message: str, reply: str
) -> None:
    launcher = launcher_of(api, desk.work_dir)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    api.cluster.waiting(next(iter(api.cluster.jobs)), reason, message)
    state = poll_run(desk.engine, run, launcher, NOW)
    assert reply in state.pending_reason
    assert state.run.status == "running"


def test_reason_for_an_unschedulable_pod_is_shown(api: Api, desk: LaunchDesk) -> None:
    launcher = launcher_of(api, desk.work_dir, gpus=8)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    api.cluster.unschedulable(next(iter(api.cluster.jobs)), message)
    waits = poll_run(desk.engine, run, launcher, NOW).pending_reason
    assert waits.startswith(f"Unschedulable: {message}. ")
    assert "gpus" in waits.removeprefix(f"Unschedulable: {message}. ")


def test_exceeded_pod_quota_is_reported(api: Api, launcher: JobLauncher, folder: RunFolder) -> None:
    handle = launcher.submit(folder, {})
    api.cluster.warn(handle["job"], "Error creating: pods is forbidden: exceeded quota: gpus")
    launcher.status(handle)
    assert launcher.explain(folder).endswith("exceeded quota: gpus")
    api.forbidden.add(("get", "events"))  # reading events is no must
    assert launcher.status(handle) == "pending"
    assert launcher.explain(folder) == NO_POD


@pytest.mark.parametrize(
    ("reason", "job_reason", "reply"),
    [
        ("OOMKilled", "", r"137: OOMKilled.*retrain\.kubernetes\.memory"),
        ("", "DeadlineExceeded", r"retrain\.kubernetes\.active_deadline"),
    ],
)
def test_a_child_that_was_ended_says_by_what(
    api: Api, desk: LaunchDesk, monkeypatch: pytest.MonkeyPatch, reason: str, job_reason: str,
    reply: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(jobs_module, "RESULT_DELAY_SECONDS", -1.0)
    launcher = launcher_of(api, desk.work_dir)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    (name,) = api.cluster.jobs
    api.cluster.run(name, "step 12\n")
    api.cluster.end(name, 137, reason, job_reason)
    error = str(desk.ended(run, launcher).run.error)
    assert re.search(reply, error)
    assert error.endswith(": step 12")


@pytest.mark.parametrize("clock", [0.0, 4e9], ids=["the-cluster-is-ahead", "it-is-behind"])
def test_late_result_of_a_network_folder_is_awaited(
    api: Api, folder: RunFolder, clock: float
) -> None:
    now = [clock]
    launcher = JobLauncher(engine_of(api, folder.root.parent), clock=lambda: now[0])
    handle = launcher.submit(folder, {})
    api.cluster.run(handle["job"])
    api.cluster.end(handle["job"], 0)
    assert launcher.status(handle) == "running"
    now[0] += jobs_module.RESULT_DELAY_SECONDS - 1
    assert launcher.status(handle) == "running"
    now[0] += 2
    assert launcher.status(handle) == "gone"
    assert launcher.explain(folder) == NO_RESULT
    write_json(folder.result, {"status": "succeeded"})
    assert launcher.status(handle) == "gone"
    assert launcher.explain(folder) == ""
    assert launcher.adopt(folder) == handle  # there is nothing to do over
    api.cluster.expire(handle["job"])
    assert launcher.submit(folder, {}) == handle
    assert api.cluster.jobs == {}


def test_expired_job_is_gone_with_its_log(
    api: Api, launcher: JobLauncher, folder: RunFolder
) -> None:
    handle = launcher.submit(folder, {})
    api.cluster.run(handle["job"], "words\n")
    api.cluster.expire(handle["job"])
    assert launcher.status(handle) == "gone"
    with refusal("no_log", match=str(folder.root)):
        launcher.logs(folder, 10)


def test_an_api_server_in_trouble_is_never_taken_for_gone(
    api: Api, launcher: JobLauncher, folder: RunFolder
) -> None:
    handle = launcher.submit(folder, {})
    api.broken = True
    for ask in (lambda: launcher.status(handle), lambda: launcher.cancel(handle)):
        with refusal("busy", RemoteServiceError, match="leader changed"):
            ask()
    api.broken = False
    api.forbidden = {("get", "jobs"), ("create", "jobs")}
    with refusal("refused", RemoteServiceError, match=r"launch-elsewhere\.md"):
        launcher.status(handle)
    api.forbidden = {("get", "pods/log")}
    api.cluster.run(handle["job"])
    with refusal("refused", RemoteServiceError, match=r"log \(403\)"):
        launcher.logs(folder, 10)


def test_a_job_that_the_api_refuses_ends_the_run(api: Api, folder: RunFolder) -> None:
    launcher = launcher_of(api, folder.root.parent, node_selector={"pool": "gpu"}, cpu="2")
    made = engine_of(api, folder.root.parent)
    with pytest.raises(TrainingError, match=r"\(422\): .*is invalid"):
        made.create("Not_A_Label", ["python"], {}, folder)
    assert launcher.submit(folder, {})["task"] == "train"


def test_a_run_is_cancelled_with_its_pod(api: Api, desk: LaunchDesk) -> None:
    launcher = launcher_of(api, desk.work_dir, python="sleep 600 #")
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    (name,) = api.cluster.jobs
    api.cluster.jobs[name]["spec"]["template"]["spec"]["containers"][0]["command"] = [
        "sleep", "600",
    ]  # fmt: skip
    pid = api.cluster.really_run(name)
    cancel_run(desk.engine, run, launcher, NOW, cancelled_by="Lea")
    process = next(iter(api.cluster.processes.values()))
    assert process.pid == pid
    assert process.wait(10) == -signal.SIGTERM
    eventually(lambda: launcher.status({**(desk.row(run).handle or {})}) == "gone")
    assert api.cluster.jobs == {}


def test_undeletable_job_is_terminated_later(api: Api, desk: LaunchDesk) -> None:
    """The account may list Jobs, so the check beforehand passes."""
    launcher = launcher_of(api, desk.work_dir)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    api.forbidden = {("delete", "jobs")}
    why = cancel_run(desk.engine, run, launcher, NOW, cancelled_by="Lea")
    assert why is not None
    assert "refuses DELETE" in why
    assert (desk.row(run).status, desk.row(run).termination_error) == ("cancelled", why)
    assert len(api.cluster.jobs) == 1
    api.forbidden = set()
    stop_children(desk.engine, lambda _: launcher)
    assert desk.row(run).termination_error is None
    assert api.cluster.jobs == {}


def test_job_of_another_address_ends_after_restoring_it(api: Api, desk: LaunchDesk) -> None:
    launcher = launcher_of(api, desk.work_dir)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    with running_api() as second:
        away = launcher_of(second, desk.work_dir)
        cancel_run(desk.engine, run, away, NOW, cancelled_by="Lea")
    error = str(desk.row(run).termination_error)
    assert "[retrain.kubernetes]" in error
    assert api.url in error
    assert second.url in error
    assert len(api.cluster.jobs) == 1
    stop_children(desk.engine, lambda _: launcher)
    assert desk.row(run).termination_error is None
    assert api.cluster.jobs == {}


def test_job_unknown_to_the_row_is_terminated(api: Api, desk: LaunchDesk) -> None:
    """A daemon died between the resumption of the child and the storage of its handle."""
    launcher = launcher_of(api, desk.work_dir)
    run = desk.plan("kubernetes")
    start_run(desk.engine, run, launcher, NOW)
    first = (desk.row(run).handle or {})["job"]
    api.cluster.run(first)
    api.cluster.end(first, 137, "OOMKilled")
    second = launcher.submit(desk.files(run), {})["job"]
    cancel_run(desk.engine, run, launcher, NOW, cancelled_by="Lea")
    assert second not in api.cluster.jobs
