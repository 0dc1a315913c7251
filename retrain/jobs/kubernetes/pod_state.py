"""One-line state of a Kubernetes Job and its pod."""

from collections.abc import Sequence
from typing import Any

from retrain.jobs.kubernetes.job_manifest import CONTAINER
from retrain.jobs.remote_launcher import JobState

Object = dict[str, Any]
#: State of a Job whose pod is not created yet.
NO_POD = "it has no pod yet"
#: State of a Job whose pod has a node.
STARTING = "its container is being created"
#: Normal reasons of a waiting container.
_STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})
_HINTS = {
    "ErrImagePull": "Is retrain.kubernetes.image right, and may the cluster pull it "
    "(image_pull_secret)?",
    "ImagePullBackOff": "Is retrain.kubernetes.image right, and may the cluster pull it "
    "(image_pull_secret)?",
    "InvalidImageName": "Set retrain.kubernetes.image to a valid image name",
    "Unschedulable": "No node fits; check cpu, memory, gpus, node_selector and tolerations in "
    "[retrain.kubernetes]",
    "OOMKilled": "It used more than retrain.kubernetes.memory",
    "DeadlineExceeded": "It reached retrain.kubernetes.active_deadline",
}


def job_state(job: Object, pods: Sequence[Object], warning: str) -> JobState:
    """Return a Job's state.

    ``warning`` is the newest Warning event of the Job, if any.
    """
    status = job.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return JobState("ended")
        if condition.get("type") == "Failed":
            return JobState("ended", _how_it_failed(condition, pods))
    if (job.get("metadata") or {}).get("deletionTimestamp"):
        return JobState("running", "its Job is being deleted")
    if not pods:
        return JobState("pending", warning or NO_POD)
    pod = max(pods, key=lambda pod: str((pod.get("metadata") or {}).get("creationTimestamp", "")))
    if (pod.get("status") or {}).get("phase") != "Pending":
        return JobState("running")
    return JobState("pending", _why_it_waits(pod))


def _why_it_waits(pod: Object) -> str:
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason not in _STARTING:
            return _said(reason, str(waiting.get("message") or ""))
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _said(str(condition.get("reason") or ""), str(condition.get("message") or ""))
    return STARTING


def _how_it_failed(condition: Object, pods: Sequence[Object]) -> str:
    job = _said(str(condition.get("reason") or "Failed"), str(condition.get("message") or ""))
    for pod in pods:
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or []:
            ended = (container.get("state") or {}).get("terminated")
            if ended and container.get("name") == CONTAINER:
                how = f"its container ended with exit status {ended.get('exitCode')}"
                return f"{how}: {_said(str(ended.get('reason') or ''), '')}; {job}"
        if status.get("reason"):  # evicted, or its node failed
            evicted = _said(str(status["reason"]), str(status.get("message") or ""))
            return f"{evicted}; {job}"
    return job


def _said(reason: str, message: str) -> str:
    parts = [reason, " ".join(message.split())[:300]]
    reply = ": ".join(part for part in parts if part)
    hint = _HINTS.get(reason)
    return f"{reply}. {hint}" if hint else reply
