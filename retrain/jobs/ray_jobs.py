"""Ray jobs over the Jobs API of the cluster's dashboard."""

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
    """Submits ``python -m retrain.training.child RUN_DIR`` as the entrypoint of a Ray job.

    The machine that Ray chooses must have driftwarden, and the folder of the runs at the same path.
    """

    name = "ray"
    capabilities = Capabilities(
        resume=Capability(True, "The checkpoints lie in the shared folder."),
        logs=Capability(True, "Ray keeps the log of a job as long as its head runs."),
        device=Capability(False, "Ray chooses the machine; its devices can't be seen from here."),
    )

    def __init__(self, settings: Ray, token: str = "") -> None:
        """Speak to the cluster of ``[retrain.ray]``.

        Raises:
            ConfigurationError: It has no address.
        """
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
        """Submit the job under its name, which Ray accepts once."""
        response = self._rest.request(
            "POST",
            "/api/jobs/",
            json=self._request(name, command, environment, folder),
            expected=frozenset({400, 500}),
        )
        if response.is_success or self.find_job(name) is not None:
            return
        if response.status_code == 500:
            raise RemoteServiceError(f"Ray at {self.place} can't take a job: {quoted(response)}")
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
            raise RemoteServiceError(f"Ray at {self.place} says of {name}: {status!r}, unknown")
        return JobState("ended", "" if status == "SUCCEEDED" else reply)

    def logs(self, name: str, last_lines: int) -> list[str] | None:
        """Return the end of the job's log."""
        response = self._rest.request("GET", f"/api/jobs/{name}/logs")
        if not response.is_success:
            return None
        text = str(_body(response.json(), f"log of {name}").get("logs") or "")
        return text.splitlines()[-last_lines:]

    def stop(self, name: str) -> None:
        """Stop the job: SIGTERM, and after a few seconds SIGKILL, by Ray."""
        response = self._rest.request("POST", f"/api/jobs/{name}/stop")
        if not response.is_success and response.status_code != 404:
            raise RemoteServiceError(
                f"Ray at {self.place} can't stop {name} ({response.status_code}): "
                f"{quoted(response)}"
            )

    def check(self) -> str:
        """Ask for Ray's version."""
        response = self._rest.request("GET", "/api/version")
        version = _body(response.json() if response.is_success else None, "version").get(
            "ray_version"
        )
        return f"Ray {version} at {self.place}"

    def _request(
        self, name: str, command: Sequence[str], environment: dict[str, str], folder: RunFolder
    ) -> dict[str, Any]:
        ray = self._settings
        # What Ray prints of a job is read while it runs.
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
        raise RemoteServiceError(f"Ray's response about the {subject} isn't what its API describes")
    return content


def _short(message: str) -> str:
    """Return what Ray says, without the log and the traceback that follow."""
    first = message.partition(", last available logs")[0].partition(" Full traceback:")[0]
    return " ".join(first.split())
