"""The objects of a kustomization, resolved as far as the shipped one needs it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "kubernetes"
#: Fields of a kustomization that are resolved here; another one must not be ignored.
FIELDS = {"apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"}


def kustomization(folder: Path = FOLDER) -> Object:
    """Return the content of kustomization.yaml."""
    content: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert set(content) <= FIELDS, f"not resolved here: {set(content) - FIELDS}"
    return content


def build(folder: Path = FOLDER) -> list[Object]:
    """Return the objects: namespaces, generated ConfigMaps and images as kustomize sets them."""
    content = kustomization(folder)
    objects = [
        document
        for name in content["resources"]
        for document in yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    ]
    names = {}
    for generator in content["configMapGenerator"]:
        data = {name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]}
        digest = hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:10]
        names[generator["name"]] = f"{generator['name']}-{digest}"
        objects.append(
            {
                "apiVersion": "v1", "kind": "ConfigMap", "data": data,
                "metadata": {"name": names[generator["name"]]},
            }
        )  # fmt: skip
    images = {i["name"]: f"{i['newName']}:{i['newTag']}" for i in content["images"]}
    for item in objects:
        if item["kind"] != "Namespace":
            item["metadata"]["namespace"] = content["namespace"]
        for pod in pods_of([item]):
            for container in pod["spec"]["containers"]:
                container["image"] = images[container["image"]]
            for volume in pod["spec"]["volumes"]:
                if "configMap" in volume:
                    volume["configMap"]["name"] = names[volume["configMap"]["name"]]
    return objects


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind, by name."""
    return {o["metadata"]["name"]: o for o in objects if o["kind"] == kind}


def pods_of(objects: list[Object]) -> Iterator[Object]:
    """Yield the templates of pods."""
    for item in objects:
        if item["kind"] in {"Deployment", "Job"}:
            yield item["spec"]["template"]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Return whether a selector matches labels; one without a rule selects everything."""
    plain = selector.get("matchLabels", {}).items() <= labels.items()
    for rule in selector.get("matchExpressions", []):
        if rule["operator"] == "In":
            plain &= labels.get(rule["key"]) in rule["values"]
        else:
            assert rule["operator"] == "Exists"
            plain &= rule["key"] in labels
    return plain
