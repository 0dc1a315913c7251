"""LiteLLM's management API and router, as its published API describes them.

The package itself is never installed: releases of it were backdoored.
"""

import json
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.services.http_server import serving

KEY = "sk-the master key"
Entry = dict[str, Any]


@dataclass
class Proxy:
    """Deployments by id, and the servers behind them by `litellm_params.model`."""

    url: str = ""
    deployments: dict[str, Entry] = field(default_factory=dict)
    #: HTTP status of a version's server.
    servers: dict[str, int] = field(default_factory=dict)
    cooling: set[str] = field(default_factory=set)
    settings: Entry = field(default_factory=lambda: {"routing_strategy": "simple-shuffle"})
    has_blocks: bool = True
    available: bool = True
    #: Changes after which a model that had a deployment had none.
    gaps: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    def add(self, name: str, group: str, **info: Any) -> None:
        """Add a deployment as an operator does by POST /model/new."""
        parameters = {"model": f"hosted_vllm/{name}", "api_base": "http://vllm"}
        self.deployments[name] = {
            "model_name": group, "litellm_params": parameters,
            "model_info": {"id": name, "db_model": True, "blocked": False, **info},
        }  # fmt: skip

    def may_choose(self, deployment: Entry) -> bool:
        """Return whether the router may choose a deployment."""
        info = deployment["model_info"]
        return not info["blocked"] and info["id"] not in self.cooling

    def served_groups(self) -> set[str]:
        """Return the groups with a deployment that the router may choose."""
        return {d["model_name"] for d in self.deployments.values() if self.may_choose(d)}

    def choose(self, group: str) -> Entry | None:
        """Return the deployment of a request: by id, or by the weights of the healthy ones."""
        if group in self.deployments:
            return self.deployments[group]
        healthy = [
            d for d in self.deployments.values()
            if d["model_name"] == group and self.may_choose(d)
        ]  # fmt: skip
        if not healthy:
            return None
        weights = [d["litellm_params"].get("weight", 0) for d in healthy]
        return self.rng.choices(healthy, weights if any(weights) else None)[0]


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    served: frozenset[str] = frozenset()
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_PATCH(self) -> None:
        self.do_POST()

    def _serve(self, body: Entry) -> None:
        proxy = self.proxy
        proxy.requests.append(f"{self.command} {self.path}")
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if not proxy.available:
            return self._refuse(503, f"database is down, {key}")
        if key != KEY:
            return self._refuse(401, f"Authentication Error, LiteLLM got {key}")
        self.served = frozenset(proxy.served_groups())
        return self._respond(body)

    def _respond(self, body: Entry) -> None:
        proxy = self.proxy
        match self.command, self.path:
            case "GET", "/model/info":
                return self._send(200, {"data": list(proxy.deployments.values())})
            case "GET", "/router/settings":
                return self._send(200, {"fields": [], "current_values": proxy.settings})
            case "POST", "/model/new":
                return self._create(body)
            case "POST", "/model/delete":
                return self._changed(proxy.deployments.pop(body["id"], None))
            case "POST", ("/model/block" | "/model/unblock") if proxy.has_blocks:
                entry = proxy.deployments.get(body["model_id"])
                if entry:
                    entry["model_info"]["blocked"] = self.path == "/model/block"
                return self._changed(entry)
            case "PATCH", path if path.endswith("/update"):
                return self._update(path.split("/")[2], body)
            case "POST", "/v1/chat/completions":
                return self._complete(body)
        return self._send(404, {"detail": "Not Found"})

    def _create(self, body: Entry) -> None:
        info = {"id": str(uuid.uuid4()), "db_model": True, "blocked": False, **body["model_info"]}
        if info["id"] in self.proxy.deployments:
            return self._refuse(500, "Unique constraint failed on the fields: (`model_id`)")
        if not body["litellm_params"].get("model"):
            return self._send(422, {"detail": "litellm_params.model: Field required"})
        self.proxy.deployments[info["id"]] = {**body, "model_info": info}
        return self._send(200, {"model_id": info["id"]})

    def _update(self, model_id: str, body: Entry) -> None:
        entry = self.proxy.deployments.get(model_id)
        if entry is None or not entry["model_info"]["db_model"]:
            return self._refuse(404, f"Model {model_id} not found on proxy.")
        entry["model_name"] = body.get("model_name", entry["model_name"])
        entry["litellm_params"] |= body.get("litellm_params", {})
        if "model_info" in body:
            # As the proxy's ModelInfo does: an id that is not given is drawn anew.
            entry["model_info"] |= {"id": str(uuid.uuid4()), **body["model_info"]}
        return self._send(200, entry)

    def _complete(self, body: Entry) -> None:
        deployment = self.proxy.choose(body["model"])
        if deployment is None:
            return self._refuse(400, f"Invalid model name passed in model={body['model']}")
        name = deployment["model_info"]["id"]
        if deployment["model_info"]["blocked"]:
            return self._refuse(403, f"Model {name} is blocked")
        status = self.proxy.servers.get(name, 404)
        if status != 200:
            return self._refuse(status, f"hosted_vllm error for {name}, key {KEY}")
        return self._send(200, {"model": body["model"]}, {"x-litellm-model-id": name})

    def _changed(self, entry: Entry | None) -> None:
        if entry is None:
            return self._refuse(404, "Model not found")
        return self._send(200, {"message": "done"})

    def _refuse(self, code: int, message: str) -> None:
        self._send(code, {"error": {"message": message, "type": "error", "code": str(code)}})

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        lost = self.served - self.proxy.served_groups()
        self.proxy.gaps += [f"{self.path}: {group}" for group in lost if "-v" not in group]
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_proxy() -> Iterator[Proxy]:
    """Run a proxy on a free port."""
    proxy = Proxy()
    with serving(type("Handler", (_Handler,), {"proxy": proxy})) as proxy.url:
        yield proxy
