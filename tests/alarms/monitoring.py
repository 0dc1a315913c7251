"""Prometheus and Alertmanager from the system's packages, and the receiver of what they page."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.services.requirement import free_port, program
from tests.services.http_server import serving

START_SECONDS = 60.0


@dataclass(frozen=True)
class Page:
    """A notification of one alert."""

    alert: str
    labels: Mapping[str, str]
    firing: bool
    #: On the monotonic clock, at its arrival.
    at: float


@dataclass
class Receiver:
    """The notifications of the engineer on call, in order."""

    url: str = ""
    pages: list[Page] = field(default_factory=list)

    def firing(self) -> set[tuple[tuple[str, str], ...]]:
        """Return the labels of the alerts whose last notification says that they fire."""
        last = {tuple(sorted(page.labels.items())): page.firing for page in list(self.pages)}
        return {labels for labels, firing in last.items() if firing}


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Receive webhooks of Alertmanager on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.monotonic()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for alert in body["alerts"]:
                labels = alert["labels"]
                firing = alert["status"] == "firing"
                known = [p.firing for p in receiver.pages if p.labels == labels]
                if firing != (known[-1] if known else False):  # not a repetition
                    receiver.pages.append(Page(labels["alertname"], labels, firing, at))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Discard the message."""

    with serving(Handler) as receiver.url:
        yield receiver


@dataclass
class Monitoring:
    """A running pair."""

    #: Of Prometheus.
    client: httpx.Client
    receiver: Receiver

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query, which must succeed."""
        response = self.client.get("/api/v1/query", params={"query": expression})
        body = response.json()
        if body["status"] != "success":
            raise ValueError(f"{expression}: {body['error']}")
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    def health_of_targets(self) -> dict[str, str]:
        """Return the health of each target by its address."""
        data = self.client.get("/api/v1/targets").json()["data"]
        return {t["labels"]["instance"]: t["health"] for t in data["activeTargets"]}


@contextmanager
def running_monitoring(
    folder: Path, rules: Mapping[str, Any], targets: Sequence[str], *, scrape_seconds: float = 1.0
) -> Iterator[Monitoring]:
    """Run Prometheus with rules and targets, Alertmanager, and a receiver.

    Args:
        folder: An empty folder for files and logs.
        rules: The rules' file.
        targets: Addresses, host:port, of the job `driftwarden`.
        scrape_seconds: The interval of scrapes, and of the rules' evaluation.
    """
    prometheus = program("prometheus", "Debian's package `prometheus` has it")
    alertmanager = program(
        "prometheus-alertmanager", "Debian's package `prometheus-alertmanager` has it"
    )
    ports = {"prometheus": free_port(), "alertmanager": free_port()}
    interval = f"{round(scrape_seconds * 1000)}ms"
    with ExitStack() as stack:
        receiver = stack.enter_context(running_receiver())
        _write(folder / "rules.yaml", rules)
        _write(
            folder / "alertmanager.yaml",
            {
                "route": {
                    "receiver": "on-call",
                    "group_by": ["..."],
                    "group_wait": "0s",
                    "group_interval": "1s",
                    "repeat_interval": "4h",
                },
                "receivers": [
                    {
                        "name": "on-call",
                        "webhook_configs": [{"url": receiver.url, "send_resolved": True}],
                    }
                ],
            },
        )
        _write(
            folder / "prometheus.yaml",
            {
                "global": {
                    "scrape_interval": interval,
                    "scrape_timeout": interval,
                    "evaluation_interval": interval,
                },
                "rule_files": ["rules.yaml"],
                "alerting": {
                    "alertmanagers": [
                        {"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}
                    ]
                },
                "scrape_configs": [
                    {"job_name": "driftwarden", "static_configs": [{"targets": list(targets)}]}
                ],
            },
        )
        commands = {
            "alertmanager": [
                alertmanager, f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            ],
            "prometheus": [
                prometheus, f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}", "--rules.alert.resend-delay=1s",
                f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
                # A series without a new sample is gone after this time, as after five minutes.
                "--query.lookback-delta=15s",
            ],
        }  # fmt: skip
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            stack.callback(_end, process)
            _wait_until_ready(name, ports[name], process, folder / f"{name}.log")
        address = f"http://127.0.0.1:{ports['prometheus']}"
        client = stack.enter_context(httpx.Client(base_url=address, timeout=10))
        yield Monitoring(client, receiver)


def wait_for(condition: Callable[[], bool], seconds: float, *, poll_seconds: float = 0.2) -> bool:
    """Wait until a condition holds; return whether it did in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(poll_seconds)
    return False


def _wait_until_ready(name: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    def is_ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended:\n{log.read_text()[-2000:]}")
        try:
            return httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    if not wait_for(is_ready, START_SECONDS, poll_seconds=0.05):
        raise RuntimeError(f"{name} didn't start:\n{log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content)), encoding="utf-8")
