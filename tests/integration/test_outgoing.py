"""Requests to a cloud's metadata, and redirects that would carry a key elsewhere."""

import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from monitor import outgoing
from monitor.accounts.sign_on.transport import request_json
from monitor.alerts.channels.apprise import AppriseSender
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
from tests.support.refusals import refusal

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


def notify_apprise(url: str) -> Any:
    return AppriseSender("mail", url.replace("http://", "json://"), "").probe()


def sign_on(url: str) -> Any:
    return request_json("GET", url, headers=bearer(KEY))


CLIENTS = [ask_judge, ask_endpoint, ask_gateway, ask_service, alert_channel, sign_on]


class Service:
    """A service on this machine that redirects to itself by another name, and what it was sent."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.redirects_to = "localhost"
        service, paths = self, self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                if self.path == "/elsewhere":
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                    return
                self.send_response(307)
                port = self.server.server_address[1]
                self.send_header("Location", f"http://{service.redirects_to}:{port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815
            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
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


def resolve_as(monkeypatch: pytest.MonkeyPatch, name: str, *results: list[str]) -> None:
    """Give look-ups of a name one result after another; the last one is repeated."""
    known, left = socket.getaddrinfo, list(results)

    def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if host != name:
            return known(host, port, *rest, **options)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [entry for address in addresses for entry in known(address, port, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("send", CLIENTS)
def test_no_client_reaches_metadata_by_a_name(
    send: Callable[[str], Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "METADATA", [ip_network("127.0.0.0/8")])
    with pytest.raises(DriftwardenError):
        send(f"http://localhost:{service.port}")
    assert not service.paths


@pytest.mark.parametrize("send", [*CLIENTS, notify_apprise])
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
    ("place", "code"),
    [
        ("zip://a::{}/elsewhere", "unknown_protocol"),
        ("filecache://::{}/elsewhere", "unknown_protocol"),
        ("s3://bucket::{}/elsewhere", "joined"),
        ("http://public.test/a::{}/elsewhere", "joined"),
        ("ftp://{}/elsewhere", "unknown_protocol"),
    ],
)
def test_no_protocol_leads_to_another_address(
    place: str, code: str, service: Service, tmp_path: Path
) -> None:
    with refusal(code, InputError):
        read_dataset(place.format(f"http://127.0.0.1:{service.port}"), tmp_path)
    assert service.paths == []


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.2", "private"), ("0x7f000002", "private"), ("[::ffff:127.0.0.2]", "private"),
        ("inside.test", "private"), ("169.254.169.254", "private"),
        ("2130706434", "no_file"), ("127.2", "no_file"),  # aiohttp takes neither for an address
    ],
)  # fmt: skip
def test_no_data_set_redirects_to_a_private_address(
    host: str, code: str, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_as(monkeypatch, "inside.test", ["127.0.0.2"])
    service.redirects_to = host
    with pytest.raises(InputError) as caught:
        read_dataset(f"http://127.0.0.1:{service.port}/set.jsonl", tmp_path)
    assert caught.value.code == code
    assert "/elsewhere" not in service.paths


def test_named_host_may_be_private_and_redirect_to_itself(service: Service, tmp_path: Path) -> None:
    service.redirects_to = "127.0.0.1"
    assert read_dataset(f"http://localhost:{service.port}/set.jsonl", tmp_path) == b"{}"


def test_name_with_another_address_by_now_is_refused(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it was looked up, private when it is connected."""
    resolve_as(monkeypatch, "public.test", ["192.88.99.7"], ["192.88.99.7"], ["127.0.0.1"])
    with pytest.raises(InputError) as caught:
        read_dataset(f"http://public.test:{service.port}/set.jsonl", tmp_path)
    assert caught.value.code == "private"
    assert service.paths == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.1", True), ("100.64.0.1", True),
        ("0.0.0.0", True), ("::", True), ("::1", True), ("fd12::1", True), ("fe80::1%eth0", True),
        ("::ffff:10.0.0.1", True), ("64:ff9b::a00:1", True), ("2002:a00:1::", True),
        ("8.8.8.8", False), ("2606:4700::1111", False), ("64:ff9b::808:808", False),
    ],
)  # fmt: skip
def test_private_addresses_in_any_form(address: str, expected: bool) -> None:
    assert outgoing.is_private(address) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("169.254.170.2", True), ("fe80::1%eth0", True), ("Metadata.Google.Internal.", True),
        ("127.0.0.1", False), ("localhost", False), ("10.0.0.7", False), ("judge", False),
    ],
)  # fmt: skip
def test_private_and_loopback_addresses_stay_usable(host: str, expected: bool) -> None:
    assert outgoing.is_metadata(host) is expected


def test_s3_server_does_not_lead_to_metadata(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(outgoing, "METADATA", [ip_network("127.0.0.2/32")])
    service.redirects_to = "127.0.0.2"
    with pytest.raises(DriftwardenError):
        read_dataset("s3://169.254.169.254/latest/meta-data", tmp_path)
    assert set(service.paths) == {"/169.254.169.254/latest/meta-data"}
