"""Kubernetes Job manifest of a child."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.errors import ConfigurationError
from monitor.settings import Kubernetes
from retrain.run_folder import RunFolder

CONTAINER = "child"
_VOLUME = "runs"


def job_manifest(
    settings: Kubernetes,
    *,
    name: str,
    namespace: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: RunFolder,
    work_dir: Path,
) -> dict[str, Any]:
    """Return the manifest of a Job without retries: a resumption is a new Job.

    The run folder is on the mounted claim, whose default path is ``work_dir``.

    Raises:
        ConfigurationError: Image or claim is not set, or the folder is not on the claim.
    """
    for key in ("image", "claim"):
        if not getattr(settings, key):
            raise ConfigurationError(
                f'retrain.launcher = "kubernetes" needs retrain.kubernetes.{key}'
            )
    mount = Path(settings.mount_path) if settings.mount_path else work_dir.resolve()
    if not folder.root.is_relative_to(mount):
        raise ConfigurationError(
            f"{folder.root} is not below {mount}, the mount path of the claim {settings.claim!r}, "
            "so a pod can't read the run; set retrain.kubernetes.mount_path to the claim's "
            "mount path on this machine (the pod uses the same path)",
            code="outside_claim",
        )
    labels = {"app.kubernetes.io/name": "driftwarden", "driftwarden/run": folder.root.name[:63]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": max(1, round(settings.active_deadline.total_seconds())),
            "ttlSecondsAfterFinished": round(settings.ttl_after_finished.total_seconds()),
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(settings, command, environment, mount, folder),
            },
        },
    }


def _pod(
    settings: Kubernetes,
    command: Sequence[str],
    environment: Mapping[str, str],
    mount: Path,
    folder: RunFolder,
) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        # A child doesn't use the API.
        "automountServiceAccountToken": False,
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            **_account_of(folder),
        },
        "containers": [_container(settings, command, environment, mount)],
        "volumes": [
            {"name": _VOLUME, "persistentVolumeClaim": {"claimName": settings.claim}},
            # The image's root file system may be read-only.
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    if settings.service_account:
        pod["serviceAccountName"] = settings.service_account
    if settings.image_pull_secret:
        pod["imagePullSecrets"] = [{"name": settings.image_pull_secret}]
    if settings.node_selector:
        pod["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        pod["tolerations"] = [
            {name: value for name, value in toleration.model_dump().items() if value}
            for toleration in settings.tolerations
        ]
    return pod


def _account_of(folder: RunFolder) -> dict[str, int]:
    """Return the account that owns the run's folder, as nobody else can read what it holds.

    Where that is root, or the folder doesn't exist, it is that of the image.
    """
    try:
        owner = folder.root.stat()
    except OSError:
        return {}
    if owner.st_uid == 0:
        return {}
    return {"runAsUser": owner.st_uid, "runAsGroup": owner.st_gid, "fsGroup": owner.st_gid}


def _container(
    settings: Kubernetes, command: Sequence[str], environment: Mapping[str, str], mount: Path
) -> dict[str, Any]:
    requests = {"cpu": settings.cpu, "memory": settings.memory}
    # A limit above the request would let the node evict other pods first. CPU may exceed it.
    limits = {"memory": settings.memory}
    if settings.gpus:
        requests[settings.gpu_resource] = limits[settings.gpu_resource] = str(settings.gpus)
    runs: dict[str, Any] = {"name": _VOLUME, "mountPath": str(mount)}
    if settings.sub_path:
        runs["subPath"] = settings.sub_path
    variables = {"PYTHONUNBUFFERED": "1", **environment}
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": settings.image,
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in sorted(variables.items())],
        "resources": {"requests": requests, "limits": limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        # The end of the log becomes the pod's termination message.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [runs, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
    }
    if settings.environment_secrets:
        # By reference, so that read access to the Job doesn't reveal the secrets.
        names = settings.environment_secrets
        container["envFrom"] = [{"secretRef": {"name": name}} for name in names]
    return container
