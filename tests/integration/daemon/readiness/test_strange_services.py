"""Checks of services at whose address something else responds, or nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from monitor.alerts.channels import open_channels
from monitor.daemon.readiness import monitoring, progress, retraining
from monitor.daemon.readiness.channels import channel_checks
from monitor.daemon.readiness.finding import Finding
from monitor.daemon.readiness.now import LIMIT_SECONDS, check_now
from monitor.daemon.readiness.progress import broker_finding
from monitor.daemon.readiness.running import Check, run_checks
from monitor.settings import Configuration, Secrets, load_configuration

HEAD = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n"
OK_JSON = HEAD % (b"200 OK", b"application/json")


def body(content: bytes, head: bytes = OK_JSON) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(content) + content


#: By what they are.
RESPONSES = {
    "other_json": body(b'{"ok": true, "status": "success"}'),
    "json_list": body(b"[1, 2]"),
    "json_number": body(b"7"),
    "json_null": body(b"null"),
    "deep_json": body(b"[" * 100_000),
    "half_json": body(b'{"versionInfo": {"version": '),
    "html": body(b"<html>Sign in</html>", HEAD % (b"200 OK", b"text/html")),
    "empty": body(b""),
    "huge": body(b'{"ok": "' + b"x" * 3_000_000),
    "redirect": HEAD % (b"302 Found", b"text/html") + b"Location: http://127.0.0.1:9/\r\n\r\n",
    "unknown_charset": body(b"{}", HEAD % (b"200 OK", b"application/json; charset=klingon")),
    "not_unicode": body(b'{"ok": "\xff\xfe"}'),
    "not_gzip": body(b"{}", OK_JSON + b"Content-Encoding: gzip\r\n"),
    "failure": body(b"{}", HEAD % (b"500 Oops", b"application/json")),
    "not_http": b"\x15\x03\x01\x00\x02\x02\x46",
    "nothing": b"",
    "cut": OK_JSON + b"Content-Length: 1000\r\n\r\n{",
}


@pytest.fixture
def server() -> Iterator["Server"]:
    """Return a server that sends the same bytes to everybody."""
    with closing(Server()) as running:
        yield running


class Server:
    """A server of bytes. Without any it accepts connections and never responds."""

    def __init__(self) -> None:
        self.response: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            if self.response is not None:
                threading.Thread(target=self._respond, args=(connection,), daemon=True).start()

    def _respond(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            connection.settimeout(10)
            connection.recv(65536)
            connection.sendall(self.response or b"")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def configure(folder: Path, url: str, port: int) -> Configuration:
    file = folder / "config.toml"
    file.write_text(
        f"""
        database.url = "sqlite:///{folder / "missing.db"}"
        kafka.bootstrap_servers = "127.0.0.1:{port}"
        [alerts.channels.am]
        kind = "alertmanager"
        url = "{url}"
        [alerts.channels.ml]
        kind = "slack"
        channel = "C1"
        [web.oidc]
        issuer = "{url}"
        client_id = "driftwarden"
        [retrain.mlflow]
        tracking_url = "{url}"
        [retrain.judge]
        url = "{url}"
        model = "judge"
        [rollout]
        gateway = "litellm"
        [rollout.litellm]
        url = "{url}"
        [models.desk]
        """
    )
    return load_configuration(file)


@pytest.fixture
def secrets(server: Server) -> Secrets:
    return Secrets(slack_bot_token="xoxb-1", slack_api_url=server.url, litellm_api_key="sk-1")


@pytest.fixture
def checks(tmp_path: Path, server: Server, secrets: Secrets) -> list[Check]:
    settings = configure(tmp_path, server.url, server.port)

    def apart(name: str, find: Callable[[], Finding]) -> Check:
        return Check(name, find, setting=f"the address of {name}")

    of_model = settings.by_model[0]
    return [
        *channel_checks(open_channels(secrets, settings), settings),
        apart("sign-in", lambda: monitoring.sign_in_finding(settings, secrets)),
        apart("mlflow", lambda: retraining.mlflow_finding(settings, secrets)),
        apart("gateway", lambda: retraining.gateway_finding(settings, secrets)),
        apart("judge", lambda: retraining.judge_finding(of_model, secrets)),
        apart("broker", lambda: broker_finding(settings, secrets)),
    ]


@pytest.mark.parametrize("kind", RESPONSES)
def test_strange_responses_are_findings(kind: str, server: Server, checks: list[Check]) -> None:
    server.response = RESPONSES[kind]
    results = {
        (findings[0].name, number): findings
        for number, findings in enumerate(run_checks(checks, limit_seconds=30))
    }
    for (name, _), (finding,) in results.items():
        # The judge's list of models is not read.
        assert finding.status != "ok" or name == "judge", (name, finding)
        assert "report this as a bug" not in finding.message, (name, finding)
        # A message that such a channel is sent fails as one, too.
        assert "can't be read" not in finding.message or name != "alerts", finding
        assert len(finding.message) < 1000, (name, len(finding.message))


@pytest.mark.parametrize("n_brokers", [1, 2])
def test_a_silent_broker_is_a_finding_of_its_own(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, n_brokers: int
) -> None:
    monkeypatch.setattr(progress, "HANDSHAKE_SECONDS", 0.1)
    settings = configure(tmp_path, server.url, server.port)
    servers = ",".join([f"127.0.0.1:{server.port}"] * n_brokers)
    kafka = settings.kafka.model_copy(update={"bootstrap_servers": servers})
    settings = settings.model_copy(update={"kafka": kafka})
    ((late,),) = run_checks(
        [Check("broker", lambda: broker_finding(settings, Secrets()))], limit_seconds=30
    )
    assert late.status == "fail"
    assert late.message.count("accepts the connection, and does not respond") == n_brokers
    assert late.seconds < LIMIT_SECONDS


def test_a_server_that_never_responds_ends_no_check_late(
    tmp_path: Path, server: Server, secrets: Secrets
) -> None:
    results = check_now(configure(tmp_path, server.url, server.port), secrets, limit_seconds=0.5)

    late = [finding for finding in results if finding.seconds == 0.5]
    assert {"alerts", "broker", "gateway", "sign-in"} <= {finding.name for finding in late}
    assert all(finding.status == "fail" for finding in late)
    assert results[0].name == "database"
    assert "incidents" not in {finding.name for finding in results}
    assert all(finding.command for finding in results)
