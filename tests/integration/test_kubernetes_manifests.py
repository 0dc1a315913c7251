"""The manifests in deploy/kubernetes: rights of the launcher, and `driftwarden check` in a pod."""

import re
from pathlib import Path

import pytest
import yaml

from bench.services.requirement import free_port
from monitor.daemon.readiness import checks
from monitor.daemon.readiness.finding import Finding
from monitor.settings import Kubernetes
from retrain.jobs.kubernetes.kubernetes_jobs import KubernetesJobs
from retrain.run_folder import RunFolder, write_json
from tests.services.kubernetes_api import TOKEN, Api, running_api
from tests.support.command import Run, run_command  # noqa: F401

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"


def role() -> dict[tuple[str, str], set[str]]:
    """Return the verbs of the Role, by group and resource."""
    text = (FOLDER / "training-rights.yaml").read_text(encoding="utf-8")
    rules = next(d for d in yaml.safe_load_all(text) if d["kind"] == "Role")["rules"]
    return {
        (group, resource): set(rule["verbs"])
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def right(request: str) -> tuple[tuple[str, str], str]:
    """Return group and resource of a request, and the verb that Kubernetes asks for."""
    method, path = request.split(" ")
    parts = re.fullmatch(
        r"/(?:api|apis/(?P<group>\w+))/v1/namespaces/\w+/(?P<kind>\w+)(?P<name>/[\w-]+)?"
        r"(?P<sub>/\w+)?",
        path.partition("?")[0],
    )
    assert parts, request
    verbs = {"GET": "get" if parts["name"] else "list", "POST": "create", "DELETE": "delete"}
    return (parts["group"] or "", f"{parts['kind']}{parts['sub'] or ''}"), verbs[method]


def live_a_life(api: Api, folder: RunFolder) -> None:
    """Use all of the launcher's methods, in the states in which they make their requests."""
    settings = Kubernetes(api=api.url, namespace="ml", image="image:1", claim="runs")
    jobs = KubernetesJobs(settings, folder.root.parent, TOKEN)
    jobs.check()
    jobs.create("run-1", ["python"], {}, folder)
    jobs.find_job("run-1")  # no pod yet: asks for warnings
    api.cluster.run("run-1", log="step 1\n")
    assert jobs.logs("run-1", 10) == ["step 1"]
    jobs.find_job("run-1")
    jobs.stop("run-1")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "runs" / "run-00001")
    made.root.mkdir(parents=True)
    write_json(made.recipe, {})
    return made


def test_the_role_allows_exactly_what_the_launcher_calls(folder: RunFolder) -> None:
    with running_api() as api:
        live_a_life(api, folder)
        called: dict[tuple[str, str], set[str]] = {}
        for request in api.requests:
            resource, verb = right(request)
            called.setdefault(resource, set()).add(verb)

    assert called == role()
    documented = Path(FOLDER.parents[1] / "docs" / "how-to" / "launch-elsewhere.md").read_text()
    assert "deploy/kubernetes/training-rights.yaml" in documented


def test_the_launcher_lives_with_the_rights_of_the_role(folder: RunFolder) -> None:
    allowed = {(verb, resource) for (_, resource), verbs in role().items() for verb in verbs}
    everything = {
        (verb, resource)
        for verb in ("get", "list", "create", "delete")
        for resource in ("jobs", "pods", "pods/log", "events")
    }
    with running_api() as api:
        # The server knows GET as one verb, whatever Kubernetes calls it.
        api.forbidden = {
            (verb, resource)
            for verb, resource in everything - allowed
            if not (verb == "get" and ("list", resource) in allowed)
        } - {("list", resource) for _, resource in everything}
        live_a_life(api, folder)


def test_check_accepts_the_configuration_of_the_pods(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
) -> None:
    # The encoder is the same everywhere, and other tests load it.
    monkeypatch.setattr(checks, "encoder_finding", lambda *_: Finding("ok", ""))
    with running_api() as api:
        for name, value in {
            "DATABASE__URL": f"sqlite:///{tmp_path / 'driftwarden.db'}",
            "KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
            "RETRAIN__KUBERNETES__API": api.url,
            "RETRAIN__KUBERNETES__NAMESPACE": "ml",
            "RETRAIN__KUBERNETES__MOUNT_PATH": str(tmp_path),
            "RETRAIN__WORK_DIR": str(tmp_path / "runs"),
            "WEB__HOST": "0.0.0.0",
            "WEB__SECURE_COOKIES": "true",
        }.items():
            monkeypatch.setenv(f"DRIFTWARDEN_{name}", value)
        monkeypatch.setenv("KUBERNETES_TOKEN", TOKEN)
        config = FOLDER / "config.toml"
        assert run_command("db", "upgrade", "--config", config).returncode == 0

        checked = run_command("check", "--config", config)

    states = {line[5:19].strip(): line[:4].strip() for line in checked.stdout.splitlines()}
    assert {"configuration": "ok", "launcher": "ok", "work folder": "ok", "web": "ok"}.items() <= (
        states.items()
    )
    # Neither Kafka nor a baseline is on this machine.
    failed = {name for name, state in states.items() if state == "FAIL"}
    assert failed == {"broker", "baseline"}, checked.stdout
