"""HTTP API server of an in-memory cluster, with tokens and refusals."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.services.http_server import serving
from tests.services.kubernetes_cluster import Cluster, RefusalError

TOKEN = "a service account's token"
_PATH = re.compile(
    r"/(?:api/v1|apis/batch/v1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>jobs|pods|events)"
    r"(?:/(?P<name>[^/]+)(?P<log>/log)?)?"
)


@dataclass
class Api:
    """The server's address, its scripted refusals, and its requests."""

    cluster: Cluster
    url: str = ""
    #: (verb, resource) that the service account may not.
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    #: Answers 500 to everything while it is set.
    broken: bool = False
    #: Takes the next POST and cuts the connection before it answers.
    cut_next_response: bool = False
    requests: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    api: Api

    def do_GET(self) -> None:
        self._serve("get")

    def do_POST(self) -> None:
        self._serve("create")

    def do_DELETE(self) -> None:
        self._serve("delete")

    def _serve(self, verb: str) -> None:
        self.api.requests.append(f"{self.command} {self.path}")
        try:
            response = self._response_to(verb)
        except RefusalError as refusal:
            self._send(refusal.status["code"], json.dumps(refusal.status), "application/json")
            return
        if self.api.cut_next_response and verb == "create":
            self.api.cut_next_response = False
            self.close_connection = True
            return
        if isinstance(response, str):
            self._send(200, response, "text/plain")
        else:
            self._send(201 if verb == "create" else 200, json.dumps(response), "application/json")

    def _response_to(self, verb: str) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        cluster, parts = self.api.cluster, urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if self.api.broken:
            raise RefusalError(500, "InternalError", "etcdserver: leader changed")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusalError(401, "Unauthorized", "Unauthorized")
        result = _PATH.fullmatch(parts.path)
        if result is None:
            raise RefusalError(404, "NotFound", "the server could not find the requested resource")
        kind, name = result["kind"], result["name"]
        resource = f"{kind}/log" if result["log"] else kind
        if (verb, resource) in self.api.forbidden or result["namespace"] != cluster.namespace:
            raise RefusalError(
                403, "Forbidden",
                f'{resource} is forbidden: User "system:serviceaccount:ml:driftwarden" cannot '
                f'{verb} resource "{resource}" in the namespace "{result["namespace"]}"',
            )  # fmt: skip
        if kind == "jobs":
            return self._jobs(verb, name, body)
        if result["log"]:
            return cluster.log(name, int(query["tailLines"]) if "tailLines" in query else None)
        if kind == "pods":
            label, _, value = query["labelSelector"].partition("=")
            pods = cluster.pods.values()
            return {"items": [p for p in pods if p["metadata"]["labels"].get(label) == value]}
        wanted = dict(part.split("=", 1) for part in query["fieldSelector"].split(","))
        return {
            "items": [
                event for event in cluster.events
                if event["involvedObject"]["name"] == wanted["involvedObject.name"]
                and event["type"] == wanted["type"]
            ]
        }  # fmt: skip

    def _jobs(self, verb: str, name: str | None, body: Any) -> Any:
        cluster = self.api.cluster
        if verb == "create":
            return cluster.create(body)
        if name is None:
            return {"items": list(cluster.jobs.values())}
        if verb == "delete":
            return cluster.delete(name, body["propagationPolicy"])
        return cluster.job(name)

    def _send(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_api() -> Iterator[Api]:
    """Run a cluster with an API server on a free port."""
    api = Api(Cluster())
    handler = type("Handler", (_Handler,), {"api": api})
    try:
        with serving(handler) as api.url:
            yield api
    finally:
        api.cluster.close()
