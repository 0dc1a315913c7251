"""API server of a cluster with a gateway, and the gateway's listener.

HTTPRoutes are validated against the schema of the npm package `@kubernetes-models/gateway-api`
where npm reaches it, and always against the rules below, which the product must keep.
"""

import copy
import json
import random
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any

import jsonschema

from tests.services.http_server import serving
from tests.services.own_environment import CACHE

Object = dict[str, Any]
TOKEN = "a service account's token for routes"
PACKAGE = "@kubernetes-models/gateway-api@0.5.1"
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/(?P<version>[^/]+))/namespaces/ml/(?P<kind>[^/]+)"
    r"(?:/(?P<name>[^/]+))?"
)


@dataclass
class GatewayCluster:
    """Objects by kind and name, and the status of the versions' servers."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    #: HTTP status of a version's server; a version that isn't here doesn't exist.
    servers: dict[str, int] = field(default_factory=dict)
    api: str = ""
    listener: str = ""
    #: Number of updates by somebody else just before the next ones of the product.
    conflicts: int = 0
    available: bool = True
    #: A gateway that doesn't process changes.
    frozen: bool = False
    version: int = 100
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    def store(self, kind: str, state: Object) -> Object:
        """Store an object as the API does; the gateway takes it at once unless it is frozen."""
        self.version += 1
        metadata = state["metadata"]
        old = self.objects.get((kind, metadata["name"]))
        metadata["resourceVersion"] = str(self.version)
        changed = old is None or old["spec"] != state["spec"]
        generation = (old or {}).get("metadata", {}).get("generation", 0)
        metadata["generation"] = generation + changed
        metadata.setdefault("creationTimestamp", f"2026-11-01T00:{self.version % 60:02}:00Z")
        if kind == "httproutes" and not self.frozen:
            state["status"] = self._status(state)
        self.objects[kind, metadata["name"]] = copy.deepcopy(state)
        return state

    def _status(self, route: Object) -> Object:
        names = [b["name"] for rule in route["spec"]["rules"] for b in rule["backendRefs"]]
        resolved = all(("services", name) in self.objects for name in names)
        common = {"observedGeneration": route["metadata"]["generation"], "message": ""}
        conditions = [
            {**common, "type": "Accepted", "status": "True", "reason": "Accepted"},
            {**common, "type": "ResolvedRefs", "status": str(resolved),
             "reason": "ResolvedRefs" if resolved else "BackendNotFound"},
        ]  # fmt: skip
        parent = {"controllerName": "example.org/gateway", "parentRef": {"name": "llm"}}
        return {"parents": [{**parent, "conditions": conditions}]}

    def version_for(
        self, headers: dict[str, str], model: str, path: str = "/v1/models"
    ) -> tuple[str, Object]:
        """Return the version that serves a request, and the rule that chose it.

        The longest path has precedence, then the largest number of headers.
        """
        matches = []
        for (kind, _), state in self.objects.items():
            if kind == "httproutes":
                for rule in state["spec"]["rules"]:
                    for match in rule.get("matches") or [{}]:
                        wanted = match.get("headers", [])
                        prefix = match.get("path", {}).get("value", "/")
                        fits = all(headers.get(h["name"].lower()) == h["value"] for h in wanted)
                        if fits and path.startswith(prefix):
                            matches.append(((len(prefix), len(wanted)), rule))
            if kind == "inferencemodelrewrites":
                for rule in state["spec"].get("rules") or []:
                    if any(m["model"]["value"] == model for m in rule["matches"]):
                        targets = rule["targets"]
                        weights = [target.get("weight", 1) for target in targets]
                        chosen = self.rng.choices(targets, weights)[0]
                        return chosen["modelRewrite"], {}
        if not matches:
            return model, {}
        _, rule = max(matches, key=lambda pair: pair[0])
        weights = [backend.get("weight", 1) for backend in rule["backendRefs"]]
        return self.rng.choices(rule["backendRefs"], weights)[0]["name"], rule


class _Handler(BaseHTTPRequestHandler):
    cluster: GatewayCluster
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        return json.loads(self.rfile.read(length)) if length else {}

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


class _ApiHandler(_Handler):
    def do_GET(self) -> None:
        self._serve({})

    def do_PUT(self) -> None:
        self._serve(self._body())

    def _serve(self, body: Object) -> None:
        cluster, match = self.cluster, _PATH.fullmatch(self.path)
        if not cluster.available:
            return self._refuse(503, f"etcd is away; you sent {self.headers['Authorization']}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, f"Unauthorized: {self.headers['Authorization']}")
        if match is None:
            return self._refuse(404, "the server could not find the requested resource")
        kind, name = match["kind"], match["name"]
        if name is None:
            items = [state for (k, _), state in cluster.objects.items() if k == kind]
            return self._send(200, {"items": items})
        state = cluster.objects.get((kind, name))
        if state is None:
            return self._refuse(404, f'{kind} "{name}" not found')
        if self.command == "GET":
            return self._send(200, state)
        if cluster.conflicts:
            cluster.conflicts -= 1
            state["metadata"].setdefault("labels", {})["touched"] = str(cluster.conflicts)
            cluster.store(kind, state)
        if body["metadata"].get("resourceVersion") != state["metadata"]["resourceVersion"]:
            return self._refuse(409, "the object has been modified; please apply your changes")
        problem = _problem(kind, body)
        if problem:
            return self._refuse(422, problem)
        return self._send(200, cluster.store(kind, body))

    def _refuse(self, code: int, message: str) -> None:
        self._send(code, {"kind": "Status", "code": code, "message": message})


class _ListenerHandler(_Handler):
    def do_GET(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        name, rule = self.cluster.version_for(headers, body.get("model", ""), self.path)
        status = self.cluster.servers.get(name, 404)
        if status != 200:
            message = f"{name} refuses {self.headers['Authorization']}"
            return self._send(status, {"message": message})
        added = {
            header["name"]: header["value"]
            for f in rule.get("filters") or []
            for header in f.get("responseHeaderModifier", {}).get("set", [])
        }
        return self._send(200, {"model": name}, added)

    def do_POST(self) -> None:
        self.do_GET()


def _problem(kind: str, state: Object) -> str:
    """Return what is wrong with an object; empty where nothing is."""
    if kind == "inferencemodelrewrites":
        return _rewrite_problem(state)
    if kind != "httproutes":
        return ""
    schema = http_route_schema()
    if schema:
        try:
            jsonschema.validate(state["spec"], schema["properties"]["spec"])
        except jsonschema.ValidationError as error:
            return f"HTTPRoute is invalid: {error.message}"
    rules = state["spec"]["rules"]
    if not 1 <= len(rules) <= 16:
        return "spec.rules: must have at most 16 items"
    backends = [b for rule in rules for b in rule["backendRefs"]]
    if not all(0 <= b.get("weight", 1) <= 1_000_000 and b.get("port") for b in backends):
        return "spec.rules.backendRefs: weight must be 0 to 1000000, port is required"
    return ""


def _rewrite_problem(state: Object) -> str:
    if not state["spec"].get("poolRef", {}).get("name"):
        return "spec.poolRef: Required value"
    for rule in state["spec"]["rules"]:
        targets = rule.get("targets") or []
        if not targets or set(rule) - {"matches", "targets"}:
            return "spec.rules.targets: must have at least 1 item"
        for target in targets:
            if not target.get("modelRewrite") or not 1 <= target.get("weight", 1) <= 1_000_000:
                return "spec.rules.targets.weight: should be greater than or equal to 1"
    return ""


@cache
def http_route_schema() -> Object | None:
    """Return the published schema of HTTPRoutes; ``None`` where npm doesn't reach it."""
    folder = CACHE / "driftwarden" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "kubernetes-models-gateway-api-0.5.1.tgz"
    if not archive.is_file():
        npm = shutil.which("npm")
        if npm is None:
            return None
        command = [npm, "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            return None
    with tarfile.open(archive) as packed:
        member = packed.extractfile("package/gateway.networking.k8s.io/v1/HTTPRoute.js")
        assert member is not None
        text = member.read().decode()
    start = text.index("const schema = ") + len("const schema = ")
    schema: Object = json.JSONDecoder().raw_decode(text[start:])[0]
    return schema


@contextmanager
def running_gateway_cluster() -> Iterator[GatewayCluster]:
    """Run an API server and a gateway's listener on free ports."""
    cluster = GatewayCluster()
    api = type("Api", (_ApiHandler,), {"cluster": cluster})
    listener = type("Listener", (_ListenerHandler,), {"cluster": cluster})
    with serving(api) as cluster.api, serving(listener) as cluster.listener:
        yield cluster


def service(name: str) -> Object:
    """Return a Service."""
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 8000}]}}


def http_route(model: str, **fields: Any) -> Object:
    """Return the HTTPRoute of a model whose version 1 serves."""
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "timeouts": {"request": "600s"},
        "backendRefs": [
            {"group": "", "kind": "Service", "name": f"{model}-v1", "port": 8000, "weight": 1}
        ],
    }
    spec = {"parentRefs": [{"name": "llm"}], "rules": [rule], **fields}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": model, "namespace": "ml"}, "spec": spec,
    }  # fmt: skip


def model_rewrite(name: str, model: str, *targets: Object, pool: str = "vllm") -> Object:
    """Return an InferenceModelRewrite."""
    rule = {"matches": [{"model": {"type": "Exact", "value": model}}], "targets": list(targets)}
    reference = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": pool}
    return {
        "apiVersion": "llm-d.ai/v1alpha2", "kind": "InferenceModelRewrite",
        "metadata": {"name": name, "namespace": "ml"},
        "spec": {"poolRef": reference, "rules": [rule] if targets else []},
    }  # fmt: skip
