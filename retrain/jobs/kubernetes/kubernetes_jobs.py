"""Client of Kubernetes Jobs."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitor.errors import RemoteServiceError, TrainingError
from monitor.settings import Kubernetes
from retrain.jobs.attempts import current_attempt, job_name
from retrain.jobs.kubernetes.api_server import IN_CLUSTER, connect, namespace_of
from retrain.jobs.kubernetes.job_manifest import CONTAINER, job_manifest
from retrain.jobs.kubernetes.pod_state import Object, job_state
from retrain.jobs.launcher import Capabilities, Capability, child_command
from retrain.jobs.remote_launcher import JobState
from retrain.rest import quoted
from retrain.run_folder import RunFolder


class KubernetesJobs:
    """An engine that creates a Job per child; its volume claim holds the run folders."""

    name = "kubernetes"
    capabilities = Capabilities(
        resume=Capability(True, "The checkpoints are on the claim; a new Job continues from them."),
        logs=Capability(
            True,
            "Kubernetes keeps logs as long as the pod (retrain.kubernetes.ttl_after_finished).",
        ),
        device=Capability(False, "The cluster chooses the node; its devices are unknown here."),
    )

    def __init__(
        self,
        settings: Kubernetes,
        work_dir: Path,
        token: str = "",
        *,
        in_cluster: Path = IN_CLUSTER,
    ) -> None:
        """Connect to the cluster of ``[retrain.kubernetes]``, or to the cluster of this process.

        Raises:
            ConfigurationError: No address is set, and this process runs outside a cluster.
        """
        self._settings = settings
        self._work_dir = work_dir
        self._server = connect(
            "retrain.kubernetes",
            api=settings.api,
            ca_file=settings.ca_file,
            namespace=settings.namespace,
            token=token,
            rights="docs/how-to/launch-elsewhere.md",
            in_cluster=in_cluster,
        )
        self._rest = self._server.rest
        self.namespace = self._server.namespace

    @property
    def place(self) -> str:
        """The API server and the namespace."""
        return self._server.place

    @property
    def python(self) -> Sequence[str]:
        """The command that starts Python in the image."""
        return shlex.split(self._settings.python)

    def create(
        self, name: str, command: Sequence[str], environment: dict[str, str], folder: RunFolder
    ) -> None:
        """Create the Job; status 409 means that it exists."""
        manifest = job_manifest(
            self._settings,
            name=name,
            namespace=self.namespace,
            command=command,
            environment=environment,
            folder=folder,
            work_dir=self._work_dir,
        )
        response = self._rest.request("POST", self._jobs, json=manifest)
        if not response.is_success and response.status_code != 409:
            raise TrainingError(
                f"Kubernetes at {self.place} refuses the Job ({response.status_code}): "
                f"{quoted(response)}"
            )

    def find_job(self, name: str) -> JobState | None:
        """Return the state of a Job and its pod."""
        job = self._object(f"{self._jobs}/{name}")
        if job is None:
            return None
        pods = self._pods(name)
        return job_state(job, pods, "" if pods else self._warning(name))

    def logs(self, name: str, last_lines: int) -> list[str] | None:
        """Return the last log lines of the newest pod."""
        for pod in reversed(self._pods(name)):
            response = self._rest.request(
                "GET",
                f"{self._core}/pods/{pod['metadata']['name']}/log",
                params={"tailLines": str(last_lines), "container": CONTAINER},
            )
            if response.is_success:
                return response.text.splitlines()
        return None

    def stop(self, name: str) -> None:
        """Delete the Job; it remains until its pod has ended."""
        response = self._rest.request(
            "DELETE",
            f"{self._jobs}/{name}",
            json={
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": "Foreground",
            },
        )
        if not response.is_success and response.status_code != 404:
            raise RemoteServiceError(
                f"Kubernetes at {self.place} can't delete {name} ({response.status_code}): "
                f"{quoted(response)}"
            )

    def check(self) -> str:
        """List at most one Job of the namespace."""
        response = self._rest.request("GET", self._jobs, params={"limit": "1"})
        if not response.is_success:
            raise RemoteServiceError(
                f"Kubernetes at {self.place} can't list Jobs ({response.status_code}): "
                f"{quoted(response)}"
            )
        return f"Jobs at {self.place}, image {self._settings.image or 'not set'}"

    @property
    def _jobs(self) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def _core(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"

    def _pods(self, name: str) -> list[Object]:
        """Return the Job's pods, oldest first."""
        matches = self._object(
            f"{self._core}/pods", {"labelSelector": f"batch.kubernetes.io/job-name={name}"}
        )
        pods = list((matches or {}).get("items") or [])
        return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))

    def _warning(self, name: str) -> str:
        """Return why no pod is created, such as a quota; empty without the right to read events."""
        response = self._rest.request(
            "GET",
            f"{self._core}/events",
            params={"fieldSelector": f"involvedObject.name={name},type=Warning"},
            expected=frozenset({403}),
        )
        events = response.json().get("items") or [] if response.is_success else []
        return " ".join(str(events[-1].get("message", "")).split())[:300] if events else ""

    def _object(self, path: str, params: dict[str, str] | None = None) -> Object | None:
        response = self._rest.request("GET", path, params=params)
        if response.status_code == 404:
            return None
        content = response.json() if response.is_success else None
        if not isinstance(content, dict):
            raise RemoteServiceError(
                f"Kubernetes at {self.place} can't answer GET {path} ({response.status_code}): "
                f"{quoted(response)}"
            )
        return content


def manifest_of(settings: Kubernetes, folder: RunFolder, *, work_dir: Path) -> dict[str, Any]:
    """Return the manifest of a run's Job; needs no cluster.

    Raises:
        ConfigurationError: As for :func:`retrain.jobs.kubernetes.job_manifest.job_manifest`.
    """
    return job_manifest(
        settings,
        name=job_name(folder, "train", current_attempt(folder, "train")),
        namespace=namespace_of(settings.namespace),
        command=child_command(shlex.split(settings.python), "train", folder),
        environment={},
        folder=folder,
        work_dir=work_dir,
    )
