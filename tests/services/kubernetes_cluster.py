"""In-memory cluster: Jobs, pods and events, like an API server and a kubelet."""

import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import kubernetes_validate

from tests.support.present import utc_now

Object = dict[str, Any]
#: The oldest and the newest that manifests are held against.
VERSIONS = ("1.27", kubernetes_validate.latest_version())


class RefusalError(Exception):
    """An error response as a `Status` object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status: Object = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        }  # fmt: skip


def validate(manifest: Object) -> None:
    """Validate a manifest strictly against Kubernetes' published schemas."""
    for version in VERSIONS:
        kubernetes_validate.validate(manifest, version, strict=True)


@dataclass
class Cluster:
    """One namespace, and a kubelet that runs containers as processes of this machine."""

    namespace: str = "ml"
    jobs: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, Object] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    logs: dict[str, Path] = field(default_factory=dict)
    processes: dict[str, Any] = field(default_factory=dict)
    #: Starts a container's process, with the options of `subprocess.Popen`.
    start_process: Callable[..., Any] = subprocess.Popen
    lock: RLock = field(default_factory=RLock)
    version: int = 100

    def create(self, manifest: Object) -> Object:
        """Store a Job like the API."""
        try:
            validate(manifest)
        except kubernetes_validate.ValidationError as error:
            raise RefusalError(422, "Invalid", f"Job is invalid: {error.message}") from None
        name = manifest["metadata"]["name"]
        if manifest["metadata"].get("namespace") != self.namespace:
            raise RefusalError(
                400, "BadRequest", "the namespace of the provided object does not match"
            )
        if len(name) > 63 or not all(c.isalnum() or c == "-" for c in name):
            raise RefusalError(422, "Invalid", f'Job.batch "{name}" is invalid: metadata.name')
        with self.lock:
            if name in self.jobs:
                raise RefusalError(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
            job = {**manifest, "metadata": {**manifest["metadata"], **self._meta()}, "status": {}}
            self.jobs[name] = job
        return job

    def job(self, name: str) -> Object:
        """Return the current state of a Job."""
        with self.lock:
            self._look_after(name)
            if name not in self.jobs:
                raise RefusalError(404, "NotFound", f'jobs.batch "{name}" not found')
            return self.jobs[name]

    def delete(self, name: str, policy: str) -> Object:
        """Delete a Job. With `Foreground` it remains, marked, until its pods have ended."""
        with self.lock:
            job = self.job(name)
            job["metadata"]["deletionTimestamp"] = _now()
            for pod in self._pods_of(name):
                pod["metadata"]["deletionTimestamp"] = _now()
                process = self.processes.get(pod["metadata"]["name"])
                if process is not None and process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
            if policy != "Foreground" or not self._pods_of(name):
                self._forget(name)
            return job

    def schedule(self, name: str) -> Object:
        """Create a Job's pending pod, like the Job controller."""
        with self.lock:
            job = self.jobs[name]
            template = job["spec"]["template"]
            labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
            pod: Object = {
                "metadata": {
                    "name": f"{name}-{uuid.uuid4().hex[:5]}", "labels": labels, **self._meta()
                },
                "spec": template["spec"],
                "status": {"phase": "Pending", "conditions": [], "containerStatuses": []},
            }  # fmt: skip
            self.pods[pod["metadata"]["name"]] = pod
            job["status"] = {"active": 1, "startTime": _now()}
            return pod

    def unschedulable(self, name: str, message: str) -> None:
        """Mark the pod as unschedulable."""
        pod = self.schedule(name)
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
             "message": message},
        ]  # fmt: skip

    def waiting(self, name: str, reason: str, message: str) -> None:
        """Mark the container as waiting."""
        pod = self.schedule(name)
        waiting = {"waiting": {"reason": reason, "message": message}}
        pod["status"]["containerStatuses"] = [{"name": "child", "state": waiting}]

    def warn(self, name: str, message: str) -> None:
        """Write a warning event of a Job."""
        self.events.append(
            {"involvedObject": {"name": name}, "type": "Warning", "message": message}
        )

    def run(self, name: str, log: str = "") -> Object:
        """Mark a Job's container as running, without a process."""
        pod = self.schedule(name)
        pod["status"]["phase"] = "Running"
        pod["status"]["containerStatuses"] = [{"name": "child", "state": {"running": {}}}]
        path = Path(tempfile.mkstemp(prefix="driftwarden-pod-")[1])
        path.write_text(log, encoding="utf-8")
        self.logs[pod["metadata"]["name"]] = path
        return pod

    def really_run(self, name: str) -> int:
        """Run the container's command as a process; return its pid."""
        pod = self.run(name)
        container = pod["spec"]["containers"][0]
        variables = {entry["name"]: entry["value"] for entry in container["env"]}
        with self.logs[pod["metadata"]["name"]].open("wb") as log:
            process = self.start_process(
                container["command"], stdout=log, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, env={**os.environ, **variables}, start_new_session=True,
            )  # fmt: skip
        self.processes[pod["metadata"]["name"]] = process
        return process.pid

    def end(self, name: str, exit_code: int, reason: str = "", job_reason: str = "") -> None:
        """End a Job's container."""
        with self.lock:
            for pod in self._pods_of(name):
                pod["status"]["phase"] = "Failed" if exit_code else "Succeeded"
                ended = {"exitCode": exit_code, "reason": reason or "Error"}
                pod["status"]["containerStatuses"] = [
                    {"name": "child", "state": {"terminated": ended}}
                ]
            condition = {
                "type": "Failed" if exit_code else "Complete", "status": "True",
                "lastTransitionTime": _now(),
                "reason": job_reason or ("BackoffLimitExceeded" if exit_code else "Completed"),
                "message": "Job has reached the specified backoff limit" if exit_code else "",
            }  # fmt: skip
            self.jobs[name]["status"] = {"conditions": [condition]}
            if not exit_code:
                self.jobs[name]["status"]["completionTime"] = _now()

    def expire(self, name: str) -> None:
        """Delete a Job after its time to live."""
        with self.lock:
            self._forget(name)

    def log(self, pod: str, tail: int | None) -> str:
        """Return a pod's log."""
        with self.lock:
            if pod not in self.pods:
                raise RefusalError(404, "NotFound", f'pods "{pod}" not found')
            if pod not in self.logs:
                raise RefusalError(
                    400, "BadRequest", f'container "child" in pod "{pod}" is waiting'
                )
            lines = self.logs[pod].read_text(encoding="utf-8").splitlines(keepends=True)
            return "".join(lines if tail is None else lines[-tail:])

    def close(self) -> None:
        """Terminate all running processes."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for path in self.logs.values():
            path.unlink(missing_ok=True)

    def _look_after(self, name: str) -> None:
        for pod in self._pods_of(name):
            process = self.processes.get(pod["metadata"]["name"])
            if process is None or process.poll() is None:
                continue
            if "deletionTimestamp" in self.jobs[name]["metadata"]:
                self._forget(name)
            elif "conditions" not in self.jobs[name]["status"]:
                self.end(name, abs(process.returncode))

    def _pods_of(self, name: str) -> list[Object]:
        label = "batch.kubernetes.io/job-name"
        return [pod for pod in self.pods.values() if pod["metadata"]["labels"][label] == name]

    def _forget(self, name: str) -> None:
        for pod in self._pods_of(name):
            del self.pods[pod["metadata"]["name"]]
        self.jobs.pop(name, None)

    def _meta(self) -> Object:
        self.version += 1
        return {
            "uid": str(uuid.uuid4()), "resourceVersion": str(self.version),
            "creationTimestamp": _now(),
        }  # fmt: skip


def _now() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
