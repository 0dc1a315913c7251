"""Requests to a cloud's metadata, and redirects that would carry a key elsewhere."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from monitor import outgoing
from monitor.accounts.sign_on.transport import request_json
from monitor.alerts.channels.http import request as send_to_channel
from monitor.errors import DriftwardenError, InputError
from monitor.settings import Judge
from monitor.settings.monitoring import Probes
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.evaluation.judge.chat_client import ChatClient
from retrain.probes.addressing import Address
from retrain.probes.endpoint import LiveEndpoint
from retrain.rest import RestService, bearer
from retrain.rollout.gateways.probes import ProbeRequest, require_success, send_probe

KEY = "key-of-the-service"
TURNS = [{"role": "user", "content": "?"}]


def ask_judge(url: str) -> Any:
    with ChatClient(Judge(url=url, model="m", max_attempts=1), KEY) as client:
        return client.ask("?", "?")


def ask_endpoint(url: str) -> Any:
    endpoint = LiveEndpoint(Probes(url=url, model="m"), KEY)
    try:
        return endpoint.send(TURNS, {"body": {}, "max_tokens": 1}, Address())
    finally:
        endpoint.close()


def ask_gateway(url: str) -> Any:
    result = send_probe("m@1", url, ProbeRequest(key=KEY))
    require_success(result)


def ask_service(url: str) -> Any:
    service = RestService("it", url, lambda: bearer(KEY), "")
    response = service.request("GET", "/v1")
    assert not response.is_redirect, "a redirect is the caller's"


def alert_channel(url: str) -> Any:
    return send_to_channel("it", "POST", url, body={}, token=KEY)


def sign_on(url: str) -> Any:
    return request_json("GET", url, headers=bearer(KEY))


CLIENTS = [ask_judge, ask_endpoint, ask_gateway, ask_service, alert_channel, sign_on]


class Service:
    """A service on this machine that redirects to itself by another name, and what it was sent."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        paths = self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                self.send_response(307)
                port = self.server.server_address[1]
                self.send_header("Location", f"http://localhost:{port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.parametrize("send", CLIENTS)
def test_no_client_reaches_metadata_by_a_name(
    send: Callable[[str], Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "METADATA", [ip_network("127.0.0.0/8")])
    with pytest.raises(DriftwardenError):
        send(f"http://localhost:{service.port}")
    assert not service.paths


@pytest.mark.parametrize("send", CLIENTS)
def test_no_client_follows_a_redirect(send: Callable[[str], Any], service: Service) -> None:
    with pytest.raises((DriftwardenError, AssertionError)):
        send(f"http://127.0.0.1:{service.port}")
    assert service.paths
    assert "/elsewhere" not in service.paths


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"],
)
def test_no_data_set_comes_from_metadata(host: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_dataset(f"http://{host}/latest/meta-data/", tmp_path)
    assert caught.value.code == "metadata"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("169.254.170.2", True), ("fe80::1%eth0", True), ("Metadata.Google.Internal.", True),
        ("127.0.0.1", False), ("localhost", False), ("10.0.0.7", False), ("judge", False),
    ],
)  # fmt: skip
def test_private_and_loopback_addresses_stay_usable(host: str, expected: bool) -> None:
    assert outgoing.is_metadata(host) is expected
