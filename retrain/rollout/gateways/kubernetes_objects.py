"""Kubernetes objects that hold weights: read, and changed under optimistic locking."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from monitor.errors import GatewayError, TransientError
from retrain.jobs.kubernetes.api_server import ApiServer
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.protocol import Applied, Weights, require_newest

Object = dict[str, Any]
#: Annotation with the generation and the stable version of each model, as JSON.
ANNOTATION = "driftwarden/rollouts"
#: Tries to change an object that others change too.
ATTEMPTS = 8


def resource_name(model: str, version: int) -> str:
    """Return the name of a version as Kubernetes allows it.

    >>> resource_name("Support_Bot", 3)
    'support-bot-v3'
    """
    return re.sub(r"[^a-z0-9-]+", "-", cluster_name(model, version).lower())


def plain_resource(model: str) -> str:
    """Return a model's name as Kubernetes allows it."""
    return resource_name(model, 0).removesuffix("-v0")


def version_of_resource(model: str, name: str) -> int | None:
    """Return the version of a model that a name means; ``None`` for other names."""
    match = re.fullmatch(re.escape(plain_resource(model)) + r"-v(\d+)", name)
    return int(match[1]) if match else None


def read_object(server: ApiServer, path: str) -> Object | None:
    """Return an object; ``None`` where it doesn't exist.

    Raises:
        GatewayError: The API server rejects the request.
    """
    response = server.rest.request("GET", path)
    if response.status_code == 404:
        return None
    if not response.is_success:
        raise GatewayError(
            f"Kubernetes at {server.place} rejects GET {path} ({response.status_code}): "
            f"{server.rest.quoted(response)}",
            code="rejected",
        )
    content: Object = response.json()
    return content


def change_object(
    server: ApiServer, path: str, change: Callable[[Object], None], *, definition: str
) -> None:
    """Change an object. If it was changed meanwhile, the change is made to its new state.

    It is changed in place, maybe several times. Where it doesn't exist, the error says by
    ``definition`` what to define.

    Raises:
        GatewayError: The object doesn't exist, or the API server rejects it.
        TransientError: Others changed it each time.
    """
    for _ in range(ATTEMPTS):
        state = existing_object(server, path, definition)
        desired = copy.deepcopy(state)
        change(desired)
        if desired == state:
            return
        response = server.rest.request("PUT", path, json=desired)
        if response.is_success:
            return
        if response.status_code != 409:
            raise GatewayError(
                f"Kubernetes at {server.place} rejects {path} ({response.status_code}): "
                f"{server.rest.quoted(response)}",
                code="rejected",
            )
    raise TransientError(
        f"{path}: changed by others {ATTEMPTS} times in a row; it is tried again", code="conflict"
    )


def existing_object(server: ApiServer, path: str, definition: str) -> Object:
    """Return an object; ``GatewayError`` says by ``definition`` what to define."""
    state = read_object(server, path)
    if state is None:
        kind, name = path.split("/")[-2:]
        raise GatewayError(
            f"{name}: not among the {kind} at {server.place}; {definition}", code="missing_object"
        )
    return state


def mark_of(state: Object, model: str) -> Object:
    """Return what the annotation says about a model."""
    annotations = state.get("metadata", {}).get("annotations") or {}
    try:
        marks = json.loads(annotations.get(ANNOTATION, "{}"))
    except ValueError:
        return {}
    mark = marks.get(model) if isinstance(marks, dict) else None
    return mark if isinstance(mark, dict) else {}


def write_mark(state: Object, weights: Weights, in_force: Applied | None) -> None:
    """Store the generation's annotation; ``StaleWeightsError`` where a newer is in force."""
    require_newest(weights, in_force)
    annotations = state["metadata"].setdefault("annotations", {})
    try:
        marks = dict(json.loads(annotations.get(ANNOTATION, "{}")))
    except (TypeError, ValueError):
        marks = {}
    marks[weights.model] = {"generation": weights.generation, "stable": weights.stable}
    annotations[ANNOTATION] = json.dumps(marks, sort_keys=True)
