"""Client of Ray's Jobs API."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitor.errors import ConfigurationError, RemoteServiceError, TrainingError
from monitor.settings import Ray
from retrain.jobs.launcher import Capabilities, Capability
from retrain.jobs.remote_launcher import JobState
from retrain.rest import RestService, bearer, quoted
from retrain.run_folder import RunFolder

_ENDED = frozenset({"STOPPED", "SUCCEEDED", "FAILED"})


class RayJobs:
    """An engine that submits ``python -m retrain.training.child RUN_DIR`` as a Ray job.

    Every machine of the cluster needs driftwarden, and the folder of the runs at the same path.
    """

    name = "ray"
    capabilities = Capabilities(
        resume=Capability(True, "The checkpoints are in the shared folder."),
        logs=Capability(True, "Ray keeps the log of a job while the head node runs."),
        device=Capability(False, "Ray chooses the machine; its devices are unknown here."),
    )

    def __init__(self, settings: Ray, token: str = "") -> None:
        """Connect to ``[retrain.ray]``'s cluster; ``ConfigurationError`` without an address."""
        if not settings.address:
            raise ConfigurationError(
                'retrain.launcher = "ray" needs retrain.ray.address, the dashboard of the Ray '
                "head, such as http://ray-head:8265"
            )
        self._settings = settings
        self._rest = RestService(
            name="Ray",
            url=settings.address,
            headers=lambda: bearer(token),
            access_hint="Set RAY_AUTH_TOKEN to the cluster's token",
        )

    @property
    def place(self) -> str:
        """The dashboard's address."""
        return self._settings.address.rstrip("/")

    @property
    def python(self) -> Sequence[str]:
        """The configured command, or this process's own interpreter."""
        return shlex.split(self._settings.python) or [sys.executable]

    def create(
        self, name: str, command: Sequence[str], environment: dict[str, str], folder: RunFolder
    ) -> None:
        """Submit the job under its name; Ray accepts a name once."""
        response = self._rest.request(
            "POST",
            "/api/jobs/",
            json=self._request(name, command, environment, folder),
            expected=frozenset({400, 500}),
        )
        if response.is_success or self.find_job(name) is not None:
            return
        if response.status_code == 500:
            raise RemoteServiceError(f"Ray at {self.place} can't accept a job: {quoted(response)}")
        raise TrainingError(
            f"Ray at {self.place} refuses the job ({response.status_code}): {quoted(response)}"
        )

    def find_job(self, name: str) -> JobState | None:
        """Return the job's state."""
        response = self._rest.request("GET", f"/api/jobs/{name}")
        if response.status_code == 404:
            return None
        job = _body(response.json() if response.is_success else None, f"job {name}")
        status, reply = str(job.get("status")), _short(str(job.get("message") or ""))
        if status == "PENDING":
            return JobState("pending", reply)
        if status == "RUNNING":
            return JobState("running", reply)
        if status not in _ENDED:
            raise RemoteServiceError(
                f"Ray at {self.place} returned an unknown status of {name}: {status!r}"
            )
        return JobState("ended", "" if status == "SUCCEEDED" else reply)

    def logs(self, name: str, last_lines: int) -> list[str] | None:
        """Return the last log lines of the job."""
        response = self._rest.request("GET", f"/api/jobs/{name}/logs")
        if not response.is_success:
            return None
        text = str(_body(response.json(), f"log of {name}").get("logs") or "")
        return text.splitlines()[-last_lines:]

    def stop(self, name: str) -> None:
        """Stop the job; Ray sends SIGTERM, then SIGKILL."""
        response = self._rest.request("POST", f"/api/jobs/{name}/stop")
        if not response.is_success and response.status_code != 404:
            raise RemoteServiceError(
                f"Ray at {self.place} can't stop {name} ({response.status_code}): "
                f"{quoted(response)}"
            )

    def check(self) -> str:
        """Return Ray's version and address."""
        response = self._rest.request("GET", "/api/version")
        version = _body(response.json() if response.is_success else None, "version").get(
            "ray_version"
        )
        return f"Ray {version} at {self.place}"

    def _request(
        self, name: str, command: Sequence[str], environment: dict[str, str], folder: RunFolder
    ) -> dict[str, Any]:
        ray = self._settings
        # Makes the log of a job readable while it runs.
        variables = {"PYTHONUNBUFFERED": "1", **environment}
        runtime: dict[str, Any] = {"env_vars": variables}
        if ray.working_dir:
            runtime["working_dir"] = ray.working_dir
        requested: dict[str, Any] = {"entrypoint_num_cpus": ray.num_cpus}
        if ray.num_gpus:
            requested["entrypoint_num_gpus"] = ray.num_gpus
        if ray.memory_bytes:
            requested["entrypoint_memory"] = ray.memory_bytes
        if ray.resources:
            requested["entrypoint_resources"] = dict(ray.resources)
        return {
            "submission_id": name,
            "entrypoint": shlex.join(command),
            "runtime_env": runtime,
            "metadata": {"driftwarden_run": Path(folder.root).name},
            **requested,
        }


def _body(content: Any, subject: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise RemoteServiceError(f"Ray's response about the {subject} doesn't match its API")
    return content


def _short(message: str) -> str:
    """Return Ray's message without the log and traceback."""
    first = message.partition(", last available logs")[0].partition(" Full traceback:")[0]
    return " ".join(first.split())
