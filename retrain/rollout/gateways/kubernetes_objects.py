"""Kubernetes objects that hold weights: their names, reading, and the mark of their generation."""

import json
import re
from typing import Any

from retrain.jobs.kubernetes.api_server import ApiServer
from retrain.rollout.gateways.calls import call
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.protocol import Weights

Object = dict[str, Any]
#: Annotation with the generation and the stable version of each model, as JSON.
ANNOTATION = "driftwarden/rollouts"


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
    """Return an object, if it exists; ``GatewayError`` where the API server rejects the request."""
    response = call(server.rest, "GET", path, expected=frozenset({404}))
    return None if response.status_code == 404 else dict(response.json())


def mark_of(state: Object, model: str) -> Object:
    """Return what the annotation says about a model."""
    annotations = state.get("metadata", {}).get("annotations") or {}
    try:
        marks = json.loads(annotations.get(ANNOTATION, "{}"))
    except ValueError:
        return {}
    mark = marks.get(model) if isinstance(marks, dict) else None
    return mark if isinstance(mark, dict) else {}


def write_mark(state: Object, weights: Weights) -> None:
    """Store generation and stable version of weights in the annotation."""
    annotations = state["metadata"].setdefault("annotations", {})
    try:
        marks = dict(json.loads(annotations.get(ANNOTATION, "{}")))
    except (TypeError, ValueError):
        marks = {}
    marks[weights.model] = {"generation": weights.generation, "stable": weights.stable}
    annotations[ANNOTATION] = json.dumps(marks, sort_keys=True)
