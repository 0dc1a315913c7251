"""A replica of vLLM, as its OpenAI-compatible server with runtime adapters behaves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.services.http_server import serving

KEY = "the key of the replicas"


@dataclass
class Replica:
    """A replica with its adapters by name, and what it was asked."""

    url: str = ""
    adapters: dict[str, str] = field(default_factory=dict)
    max_lora_rank: int = 16
    #: Adapters that it serves with errors.
    broken: set[str] = field(default_factory=set)
    runtime_updates: bool = True
    out_of_memory: bool = False
    available: bool = True
    chats: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    replica: Replica
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        replica = self.replica
        if not replica.available:
            return self._send(503, {"message": f"starting, {self.headers['Authorization']}"})
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self._send(401, {"error": "Unauthorized"})
        match self.command, self.path:
            case "GET", "/v1/models":
                base = {"id": "base", "root": "base", "parent": None}
                adapters = [
                    {"id": name, "root": path, "parent": "base"}
                    for name, path in replica.adapters.items()
                ]
                return self._send(200, {"object": "list", "data": [base, *adapters]})
            case "POST", "/v1/load_lora_adapter" if replica.runtime_updates:
                return self._load(body["lora_name"], body["lora_path"])
            case "POST", "/v1/unload_lora_adapter" if replica.runtime_updates:
                if replica.adapters.pop(body["lora_name"], None) is None:
                    return self._refuse(404, "The lora adapter cannot be found.")
                return self._send(200, "Success: LoRA adapter removed successfully.")
            case "POST", "/v1/chat/completions":
                name = body["model"]
                replica.chats.append(name)
                if name not in replica.adapters:
                    return self._refuse(404, f"The model `{name}` does not exist.")
                if name in replica.broken:
                    return self._refuse(500, f"CUDA error, {self.headers['Authorization']}")
                return self._send(200, {"model": name, "choices": []})
        return self._send(404, {"detail": "Not Found"})

    def _load(self, name: str, path: str) -> None:
        replica = self.replica
        if name in replica.adapters:
            return self._refuse(400, f"The lora adapter '{name}' has already been loaded.")
        if replica.out_of_memory:
            return self._refuse(500, "CUDA out of memory")
        try:
            config = json.loads((Path(path) / "adapter_config.json").read_text())
        except OSError:
            return self._refuse(404, f"No adapter found for {path}")
        if config["r"] > replica.max_lora_rank:
            message = f"LoRA rank {config['r']} is greater than max_lora_rank 16."
            return self._refuse(400, message)
        replica.adapters[name] = path
        return self._send(200, f"Success: LoRA adapter '{name}' added successfully.")

    def _refuse(self, code: int, message: str) -> None:
        self._send(code, {"error": {"message": message, "type": "error", "code": code}})

    def _send(self, status: int, content: Any) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_replica() -> Iterator[Replica]:
    """Run a replica on a free port."""
    replica = Replica()
    with serving(type("Handler", (_Handler,), {"replica": replica})) as replica.url:
        yield replica
