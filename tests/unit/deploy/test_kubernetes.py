"""The manifests in deploy/kubernetes: by the published schemas, and against what the code has."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from sqlalchemy import make_url

from monitor.cli.app import app
from monitor.daemon.app import parse_parts
from monitor.settings import Secrets, Sections
from monitor.settings.loading import load_configuration
from monitor.store.database_roles import default_roles
from monitor.web.health import HANDLERS
from retrain.jobs.kubernetes.kubernetes_jobs import manifest_of
from retrain.run_folder import RunFolder
from tests.services.kubernetes_cluster import validate
from tests.unit.deploy.kustomization import FOLDER, build, kustomization, of_kind, pods_of, selects

Object = dict[str, Any]
DOCKERFILE = FOLDER.parents[1] / "docker" / "Dockerfile"
OBJECTS = build()
DEPLOYMENTS = of_kind(OBJECTS, "Deployment")
PODS = {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in pods_of(OBJECTS)}
#: The pod of `kubectl exec`, which runs no command of its own.
COMMANDS = "commands"
SECRETS = {
    secret["metadata"]["name"].removeprefix("driftwarden-"): secret
    for secret in yaml.safe_load_all((FOLDER / "secret.example.yaml").read_text(encoding="utf-8"))
}
OF_POD = {"migrate": "owner", COMMANDS: "owner"}
CONFIG = FOLDER / "config.toml"


def image_environment() -> dict[str, str]:
    text = DOCKERFILE.read_text(encoding="utf-8")
    return dict(re.findall(r"\b([A-Z_]+)=(\S+)(?= \\|$)", text, re.MULTILINE))


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> Sections:
    """Return the configuration of the leader's pod: image, ConfigMap and Secret."""
    for name, value in {**image_environment(), **SECRETS["schedule"]["stringData"]}.items():
        if name.startswith(("DRIFTWARDEN_", "SLACK_")):
            monkeypatch.setenv(name, value)
    return load_configuration(CONFIG)


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    return only


@pytest.mark.parametrize("item", OBJECTS, ids=lambda o: f"{o['kind']}-{o['metadata']['name']}")
def test_manifests_pass_the_published_schemas(item: Object) -> None:
    validate(item)


def test_the_schemas_refuse_an_unknown_field() -> None:
    broken = yaml.safe_load((FOLDER / "web.yaml").read_text(encoding="utf-8"))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 120
    with pytest.raises(Exception, match="terminationGracePeriod"):
        validate(broken)


def test_the_kustomization_names_every_file_once() -> None:
    listed = kustomization()["resources"]
    there = {path.name for path in FOLDER.glob("*.yaml")}
    assert len(set(listed)) == len(listed)
    assert there - set(listed) == {"kustomization.yaml", "secret.example.yaml"}
    identities = [(o["kind"], o["metadata"]["name"]) for o in OBJECTS]
    assert len(set(identities)) == len(identities)
    for secret in SECRETS.values():
        validate(secret)


@pytest.mark.slow
def test_kustomize_builds_the_same_objects() -> None:
    kubectl = shutil.which("kubectl") or pytest.skip("kubectl is missing: it carries kustomize")
    built = subprocess.run(
        [kubectl, "kustomize", FOLDER], capture_output=True, text=True, check=True
    )
    theirs = list(yaml.safe_load_all(built.stdout))
    (config_map,) = of_kind(theirs, "ConfigMap")
    (own_name,) = of_kind(OBJECTS, "ConfigMap")
    # Digests of the content differ in how they are computed; everything else is the same.
    theirs = list(yaml.safe_load_all(built.stdout.replace(config_map, own_name)))

    def by_identity(objects: list[Object]) -> dict[tuple[str, str], Object]:
        return {(o["kind"], o["metadata"]["name"]): o for o in objects}

    assert by_identity(theirs) == by_identity(OBJECTS)
    for item in theirs:
        validate(item)


def test_the_configuration_loads_in_a_pod(configuration: Sections) -> None:
    written = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    assert written["kafka"]["topic"] == configuration.kafka.topic
    assert configuration.web.secure_cookies
    # Nothing that the image sets by its environment is set again by the file: it would not count.
    for name in image_environment():
        if name.startswith("DRIFTWARDEN_") and "__" in name:
            section, key = name.removeprefix("DRIFTWARDEN_").lower().split("__")
            value = written.get(section, {}).get(key)
            assert value is None or str(value) == image_environment()[name], name


@pytest.mark.parametrize("role", sorted(set(PODS) - {COMMANDS}))
def test_commands_exist_with_their_options(role: str) -> None:
    arguments = list(container(PODS[role])["args"])
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    options_of_pod = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert set(options_of_pod) <= options
    mounts = {m["name"]: m["mountPath"] for m in container(PODS[role])["volumeMounts"]}
    assert options_of_pod["--config"] == f"{mounts['config']}/{CONFIG.name}"
    if "--only" in options_of_pod:
        parts = parse_parts(options_of_pod["--only"])
        assert {role, "web" if role == "web" else "health"} == set(parts)


@pytest.mark.parametrize("role", sorted(PODS))
def test_each_pod_gets_the_secret_of_its_part_alone(role: str) -> None:
    only = container(PODS[role])
    secret = SECRETS[OF_POD.get(role, role)]
    assert only["envFrom"] == [{"secretRef": {"name": secret["metadata"]["name"]}}]
    assert "env" not in only


def test_secrets_have_known_variables_and_the_roles_of_the_parts() -> None:
    known = {name.upper() for name in Secrets.model_fields} | {"DRIFTWARDEN_DATABASE__URL"}
    roles: dict[str, str] = {**default_roles(), "owner": "driftwarden"}
    assert {
        part: make_url(secret["stringData"]["DRIFTWARDEN_DATABASE__URL"]).username
        for part, secret in SECRETS.items()
    } == roles
    assert all(set(secret["stringData"]) <= known for secret in SECRETS.values())


def test_the_pod_of_the_owner_runs_only_on_request() -> None:
    deployment = DEPLOYMENTS["driftwarden-commands"]
    assert deployment["spec"]["replicas"] == 0
    assert container(PODS[COMMANDS])["command"] == ["sleep", "infinity"]


@pytest.mark.parametrize("role", sorted(PODS))
def test_pods_pass_the_restricted_security_standard(role: str) -> None:
    spec, only = PODS[role]["spec"], container(PODS[role])
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"USER {spec['securityContext']['runAsUser']}:" in DOCKERFILE.read_text()
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
    assert only["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in only["resources"]["limits"]


@pytest.mark.parametrize("role", sorted(PODS))
def test_every_folder_that_is_written_is_a_volume(role: str, configuration: Sections) -> None:
    mounts = {
        mount["mountPath"]
        for mount in container(PODS[role])["volumeMounts"]
        if not mount.get("readOnly")
    }
    declared = {volume["name"] for volume in PODS[role]["spec"]["volumes"]}
    assert {m["name"] for m in container(PODS[role])["volumeMounts"]} == declared
    environment = image_environment()
    written = [environment[name] for name in ("HOME", "TMPDIR", "HF_HOME")]
    written += [str(configuration.by_model[0].retrain.work_dir)]
    written += [str(configuration.by_model[0].rollout.journal)]
    for folder in written:
        assert any(Path(folder).is_relative_to(mount) for mount in mounts), folder


@pytest.mark.parametrize("role", sorted(set(DEPLOYMENTS) - {"driftwarden-commands"}))
def test_probes_ask_paths_that_are_served(role: str, configuration: Sections) -> None:
    only = container(DEPLOYMENTS[role]["spec"]["template"])
    paths = {path for handler in HANDLERS for path in handler.paths}
    probes = {
        kind: only[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }
    assert {probe["path"] for probe in probes.values()} <= paths
    # An outage of the database makes a pod unready; it doesn't restart it.
    assert (probes["liveness"]["path"], probes["readiness"]["path"]) == ("/healthz", "/readyz")
    assert [configuration.web.port] == [port["containerPort"] for port in only["ports"]]
    assert {probe["port"] for probe in probes.values()} == {only["ports"][0]["name"]}
    assert configuration.web.host == "0.0.0.0"


def labels(role: str) -> dict[str, str]:
    return dict(PODS[role]["metadata"]["labels"])


def test_selectors_match_the_intended_pods() -> None:
    training = training_manifest()["spec"]["template"]["metadata"]["labels"]
    everyone = {**{role: labels(role) for role in PODS}, "training": training}

    def matched(selector: Object) -> set[str]:
        return {role for role, of_pod in everyone.items() if selects(selector, of_pod)}

    parts = {"ingest", "schedule", "web"}
    assert {
        name: matched({"matchLabels": service["spec"]["selector"]})
        for name, service in of_kind(OBJECTS, "Service").items()
    } == {"driftwarden": {"web"}, "driftwarden-metrics": parts}
    for kind, members in (("Deployment", parts | {COMMANDS}), ("PodDisruptionBudget", parts)):
        assert {
            name: matched(item["spec"]["selector"]) for name, item in of_kind(OBJECTS, kind).items()
        } == {f"driftwarden-{part}": {part} for part in members}
    assert {
        name: matched(policy["spec"]["podSelector"])
        for name, policy in of_kind(OBJECTS, "NetworkPolicy").items()
    } == {
        "driftwarden": {*parts, "migrate", COMMANDS},
        "driftwarden-kafka": {"ingest", COMMANDS},
        "driftwarden-https": {"schedule", "web", COMMANDS},
        "driftwarden-users": {"web"},
        "driftwarden-training": {"training"},
    }
    # A budget that no pod may leave would hold up a drain for ever.
    for item in of_kind(OBJECTS, "PodDisruptionBudget").values():
        assert (
            item["spec"]["minAvailable"] < DEPLOYMENTS[item["metadata"]["name"]]["spec"]["replicas"]
        )


def ports(policy: str, direction: str) -> set[int]:
    rules = of_kind(OBJECTS, "NetworkPolicy")[policy]["spec"][direction]
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_the_network_lets_through_what_is_configured(configuration: Sections) -> None:
    brokers = configuration.kafka.bootstrap_servers.split(",")
    assert {int(broker.rpartition(":")[2]) for broker in brokers} <= ports(
        "driftwarden-kafka", "egress"
    )
    database = make_url(configuration.database.url)
    assert database.port in ports("driftwarden", "egress")
    for name in ("driftwarden", "driftwarden-users"):
        assert {configuration.web.port} == ports(name, "ingress")
    for service in of_kind(OBJECTS, "Service").values():
        assert [p["targetPort"] for p in service["spec"]["ports"]] == ["http"]


def training_manifest() -> Object:
    (settings,) = load_configuration(CONFIG, database={"url": "sqlite://"}).by_model
    work_dir = Path(settings.retrain.work_dir)
    folder = RunFolder(work_dir / "run-00001")
    return manifest_of(settings.retrain.kubernetes, folder, work_dir=work_dir)


def test_the_launcher_makes_a_job_that_fits() -> None:
    manifest = training_manifest()
    validate({**manifest, "metadata": {**manifest["metadata"], "namespace": "driftwarden"}})
    pod = manifest["spec"]["template"]["spec"]
    accounts = of_kind(OBJECTS, "ServiceAccount")
    assert pod["serviceAccountName"] in accounts
    claims = [
        v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "emptyDir" not in v
    ]
    assert claims == list(of_kind(OBJECTS, "PersistentVolumeClaim"))
    for role in ("schedule", "web", COMMANDS):
        volumes = {v["name"]: v for v in PODS[role]["spec"]["volumes"]}
        mounts = {m["name"]: m["mountPath"] for m in container(PODS[role])["volumeMounts"]}
        assert volumes["data"]["persistentVolumeClaim"]["claimName"] == claims[0]
        assert mounts["data"] == pod["containers"][0]["volumeMounts"][0]["mountPath"]


def test_only_the_leader_holds_a_token() -> None:
    assert [role for role, pod in PODS.items() if pod["spec"]["automountServiceAccountToken"]] == [
        "schedule"
    ]
    accounts = of_kind(OBJECTS, "ServiceAccount")
    assert not any(a["automountServiceAccountToken"] for a in accounts.values())
    used = {pod["spec"]["serviceAccountName"] for pod in PODS.values()}
    used |= {training_manifest()["spec"]["template"]["spec"]["serviceAccountName"]}
    assert used == set(accounts)
    (binding,) = of_kind(OBJECTS, "RoleBinding").values()
    assert binding["roleRef"]["name"] in of_kind(OBJECTS, "Role")
    (subject,) = binding["subjects"]
    assert subject["name"] == PODS["schedule"]["spec"]["serviceAccountName"]
    assert subject["namespace"] == kustomization()["namespace"]


def test_each_namespace_and_image_is_the_same() -> None:
    (namespace,) = of_kind(OBJECTS, "Namespace")
    assert {o["metadata"].get("namespace", namespace) for o in OBJECTS} == {namespace}
    assert {secret["metadata"]["namespace"] for secret in SECRETS.values()} == {namespace}
    images = {container(pod)["image"] for pod in PODS.values()}
    assert len(images) == 1
    assert ":latest" not in images.pop()
