"""A real Envoy: its weights, its users, and what may go wrong."""

import fcntl
import http.client
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine

from monitor.daemon.readiness.retraining import gateway_finding
from monitor.errors import DatabaseUnavailableError, GatewayError, StaleWeightsError, TransientError
from monitor.settings import Configuration, Secrets
from retrain.rollout.emergency.revert_now import revert_now
from retrain.rollout.gateways import route_file
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import PROBE_HEADER, RouteNames
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.gateways.protocol import Weights, wait_until_applied
from tests.services.envoy import EXAMPLE, Envoy, running_envoy
from tests.services.llm_backends import Version, running_version
from tests.support.refusals import refusal
from tests.support.retrain.gateway_kit import GatewayTests, Subject, desk

KEY = "a key for the probes"
NAMES = ("desk-v1", "desk-v2", "desk-v3", "tax-v1")
#: A cluster that is defined, and has no server.
DEAD = "desk-v9"


class Site:
    """Envoy, the servers of the versions, and a gateway."""

    def __init__(self, envoy: Envoy, versions: dict[str, Version]) -> None:
        self.envoy = envoy
        self.versions = versions
        self.gateway = self.new_gateway()

    def new_gateway(self, **changed: str) -> EnvoyGateway:
        """Return a gateway as another process would create it."""
        return EnvoyGateway(
            self.envoy.routes,
            RouteNames(**changed),
            [self.envoy.admin],
            [self.envoy.listener],
            ProbeRequest(key=KEY, timeout_seconds=5.0),
            read_seconds=2.0,
        )

    def apply(self, weights: Weights) -> None:
        self.gateway.set(weights)
        applied = wait_until_applied(self.gateway, weights, 5.0, poll_seconds=0.02)
        assert applied is not None
        assert applied.matches(weights)

    def served(self, n: int, headers: list[dict[str, str]] | None = None) -> list[str]:
        """Send requests, and return the names of the versions that served them, or the status."""
        connection = http.client.HTTPConnection(urlsplit(self.envoy.listener).netloc, timeout=10)
        names = []
        for number in range(n):
            connection.request("GET", "/v1/x", headers=headers[number] if headers else {})
            response = connection.getresponse()
            text = response.read().decode()
            names.append(text if response.status == 200 else str(response.status))
        connection.close()
        return names

    def shares(self, n: int = 300, **headers: str) -> dict[str, float]:
        counts = Counter(self.served(n, [headers] * n))
        return {name: count / n for name, count in counts.items()}


@pytest.fixture(scope="module")
def site_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        versions = {name: stack.enter_context(running_version(name)) for name in NAMES}
        clusters = {name: version.port for name, version in versions.items()}
        folder = tmp_path_factory.mktemp("envoy")
        envoy = stack.enter_context(running_envoy(folder, {**clusters, DEAD: 9}))
        yield Site(envoy, versions)


@pytest.fixture
def site(site_of_module: Site) -> Site:
    """A site with the routes of the example, whose servers respond."""
    envoy = site_of_module.envoy
    for version in site_of_module.versions.values():
        version.status, version.requests = 200, 0
    draft = envoy.folder / "draft.json"
    text = (EXAMPLE / "routes.json").read_text(encoding="utf-8").replace("assistant", "desk")
    draft.write_text(text, encoding="utf-8")
    draft.replace(envoy.routes)
    if not envoy.is_running:
        envoy.start()
    gateway = site_of_module.gateway
    deadline = time.monotonic() + 5
    while (applied := gateway.read("desk")) is None or applied.generation or applied.canary:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return site_of_module


class TestEnvoy(GatewayTests):
    @pytest.fixture
    def subject(self, site: Site) -> Subject:
        def refuse(version: int) -> None:
            site.versions[f"desk-v{version}"].status = 500

        return Subject(site.gateway, refuse, site.envoy.kill, secrets=(KEY,))


def test_canary_without_a_server_leaves_stable_untouched(site: Site) -> None:
    site.apply(desk(None, 0, 1))
    before = site.gateway.read("desk")
    with refusal("probe_failed", GatewayError, match=DEAD):
        site.gateway.set(desk(9, 5, 2))
    with refusal("missing_version", GatewayError, match="desk-v1, desk-v2"):
        site.gateway.set(desk(4, 5, 2))
    assert site.shares() == {"desk-v1": 1.0}
    assert before == site.gateway.read("desk")


def test_second_model_leaves_requests_without_header_served(site: Site) -> None:
    site.apply(desk(None, 0, 1))
    site.apply(Weights("tax", 1, None, 0, 1))
    assert site.shares(20) == {"desk-v1": 1.0}
    assert site.shares(20, **{"x-model": "unheard of"}) == {"desk-v1": 1.0}
    assert site.shares(20, **{"x-model": "tax"}) == {"tax-v1": 1.0}


def test_versions_are_named_to_server_and_client(site: Site) -> None:
    site.apply(desk(None, 0, 1))
    response = httpx.get(site.envoy.listener, headers={"x-model-version": "forged"})
    assert response.headers["x-model-version"] == "desk-v1"
    assert site.versions["desk-v1"].headers["x-model-version"] == "desk-v1"


def test_users_keep_the_canary_while_its_share_rises(site: Site) -> None:
    users = [{"x-user": f"user-{number}"} for number in range(400)]
    canary_users: list[set[int]] = []
    for generation, percent in enumerate((5, 25, 50)):
        site.apply(desk(2, percent, generation))
        served = site.served(len(users), users)
        canary_users.append({n for n, name in enumerate(served) if name == "desk-v2"})
        assert abs(len(canary_users[-1]) / len(users) - percent / 100) < 0.08
    assert canary_users[0] < canary_users[1] < canary_users[2]
    for anonymous in ({}, {"x-user": ""}):
        drawn = site.shares(400, **anonymous)["desk-v2"]
        assert abs(drawn - 0.5) < 0.12
    site.apply(desk(3, 5, 9))
    served = site.served(len(users), users)
    later = {n for n, name in enumerate(served) if name == "desk-v3"}
    assert len(later & canary_users[0]) < 0.5 * len(later)


def test_probe_header_of_an_outsider_selects_nothing(site: Site) -> None:
    site.apply(desk(None, 0, 1))
    assert site.gateway.probe("desk", 2).ok
    assert site.versions["desk-v2"].headers["authorization"] == f"Bearer {KEY}"
    assert PROBE_HEADER not in site.versions["desk-v2"].headers
    assert site.shares(20, **{PROBE_HEADER: "desk-v2"}) == {"desk-v1": 1.0}


def test_revert_under_load_loses_no_request(site: Site) -> None:
    """Weights rise and fall under load: no failed request, and no canary 5 seconds after."""
    site.apply(desk(None, 0, 1))
    served: list[tuple[float, str]] = []
    over = threading.Event()

    def load() -> None:
        while not over.is_set():
            served.extend((time.monotonic(), name) for name in site.served(20))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for generation, percent in enumerate((5, 25, 50), start=2):
        site.apply(desk(2, percent, generation))
        time.sleep(0.2)
    breach = time.monotonic()
    site.apply(desk(None, 0, 5))
    confirmed = time.monotonic()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()
    names = Counter(name for _, name in served)
    assert {"desk-v1", "desk-v2"} == set(names)
    assert sum(names.values()) > 500
    last = max(at for at, name in served if name == "desk-v2")
    print(f"{sum(names.values())} requests; canary gone {last - breach:.2f} s after the breach")
    assert last - breach < 5.0
    assert confirmed - breach < 5.0


def test_restarted_envoy_has_the_weights_of_the_file(site: Site) -> None:
    site.apply(desk(2, 25, 3))
    site.envoy.kill()
    with pytest.raises(TransientError):
        site.gateway.read("desk")
    site.gateway.set(desk(None, 0, 4))  # a revert needs no Envoy
    site.envoy.start()
    applied = site.gateway.read("desk")
    assert applied is not None
    assert applied.matches(desk(None, 0, 4))
    assert site.shares(50) == {"desk-v1": 1.0}


@pytest.mark.drill
def test_weights_survive_kills_at_any_time(site: Site) -> None:
    """Envoy is killed 30 times around changes of the weights, and has those of the file again."""
    rng, shares = random.Random(19), (None, 5, 25, 50)
    site.apply(desk(None, 0, 1))
    for generation in range(2, 32):
        percent = rng.choice(shares)
        weights = desk(2 if percent else None, percent or 0, generation)
        killer = threading.Timer(rng.uniform(0, 0.4), site.envoy.kill)
        killer.start()
        try:
            site.gateway.set(weights)
        except TransientError:  # it was killed before the canary's probe
            weights = desk(None, 0, generation)
            site.gateway.set(weights)  # which needs no Envoy
        killer.join()
        site.envoy.start()
        applied = site.gateway.read("desk")
        assert applied is not None
        assert applied.matches(weights)
        served = Counter(site.served(200))
        assert set(served) <= {f"desk-v{version}" for version in weights.shares}


def test_check_shows_the_weights_in_force(site: Site) -> None:
    site.apply(desk(2, 25, 3))
    section = {
        "routes": str(site.envoy.routes),
        "admin": [site.envoy.admin],
        "listeners": [site.envoy.listener],
    }
    settings = Configuration(
        models={"desk": {}, "tax": {}}, rollout={"gateway": "envoy", "envoy": section}
    )
    finding = gateway_finding(settings, Secrets())
    assert finding.status == "note"  # tax has no weights
    assert "tax" in finding.message
    site.apply(Weights("tax", 1, None, 0, 1))
    finding = gateway_finding(settings, Secrets())
    assert finding.status == "ok"
    assert "version 2 at 25%" in finding.message


def test_revert_needs_neither_database_nor_admin_interface(site: Site, tmp_path: Path) -> None:
    site.apply(desk(2, 25, 3))
    blind = EnvoyGateway(
        site.envoy.routes, RouteNames(), ["http://127.0.0.1:9"], [site.envoy.listener],
        ProbeRequest(),
    )  # fmt: skip

    def no_database() -> Engine:
        raise DatabaseUnavailableError("the database is unavailable")

    now = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
    done = revert_now(no_database, blind, "desk", now, by="lea", reason="bad", journal=tmp_path)
    assert (done.by_rows, done.confirmed) == (False, False)
    assert done.journal is not None
    wait_until_applied(site.gateway, desk(None, 0, 4), 5.0, poll_seconds=0.02)
    assert site.shares(50) == {"desk-v1": 1.0}


@pytest.mark.parametrize("damage", ["", "{truncated", '{"resources": 7}', None])
def test_damaged_route_file_is_written_from_envoy(site: Site, damage: str | None) -> None:
    site.apply(Weights("tax", 1, None, 0, 1))
    site.apply(desk(2, 25, 3))
    if damage is None:
        site.envoy.routes.unlink()
    else:
        site.envoy.routes.write_text(damage, encoding="utf-8")
    with pytest.raises(StaleWeightsError):
        site.gateway.set(desk(2, 50, 2))
    site.apply(desk(None, 0, 4))
    assert site.shares(50) == {"desk-v1": 1.0}
    assert site.shares(5, **{"x-model": "tax"}) == {"tax-v1": 1.0}


def test_routes_that_envoy_refuses_are_noticed(site: Site) -> None:
    site.apply(desk(2, 5, 1))
    content = json.loads(site.envoy.routes.read_text(encoding="utf-8"))
    (host,) = content["resources"][0]["virtual_hosts"]
    host["routes"].insert(0, {"match": {}, "redirect": {}})
    site.envoy.routes.write_text(json.dumps(content), encoding="utf-8")
    site.gateway.set(desk(None, 0, 2))
    applied = wait_until_applied(site.gateway, desk(None, 0, 2), 1.0)
    assert applied is not None
    assert applied.generation == 1
    with refusal("not_taken", TransientError, match=r"routes\.json"):
        site.gateway.set(desk(3, 5, 3))


def test_file_with_another_route_name_is_refused(site: Site) -> None:
    before = site.envoy.routes.read_bytes()
    with refusal("rejected", GatewayError, match="route_name"):
        site.new_gateway(route_name="llm").set(desk(None, 0, 1))
    assert before == site.envoy.routes.read_bytes()


def test_listener_without_envoy_behind_is_no_probe(site: Site) -> None:
    gateway = EnvoyGateway(
        site.envoy.routes, RouteNames(), [site.envoy.admin],
        [site.envoy.listener, site.versions["desk-v1"].url], ProbeRequest(),
    )  # fmt: skip
    with refusal("probe_failed", GatewayError, match="another version"):
        gateway.set(desk(2, 5, 1))


def test_concurrent_writers_lose_no_model(site: Site) -> None:
    models = [f"model-{number}" for number in range(6)]
    text = site.envoy.routes.read_text(encoding="utf-8")

    def write(model: str) -> None:
        gateway = site.new_gateway()
        for generation in range(1, 6):
            # As another process would; the clusters of these models need not exist.
            gateway._change(
                lambda document, g=generation: document.write(Weights(model, 1, None, 0, g))
            )

    threads = [threading.Thread(target=write, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    document = site.gateway._document()
    assert [getattr(document.read(model), "generation", 0) for model in models] == [5] * 6
    site.envoy.routes.write_text(text, encoding="utf-8")


def test_envoy_that_lags_behind_is_the_one_that_counts(site: Site, tmp_path: Path) -> None:
    """Two Envoys; the second one reads another folder, as after a wrong mount."""
    clusters = {name: version.port for name, version in site.versions.items()}
    with running_envoy(tmp_path, clusters) as other:
        text = site.envoy.routes.read_text(encoding="utf-8")
        other.routes.write_text(text, encoding="utf-8")
        other.kill()
        other.start()
        gateway = EnvoyGateway(
            site.envoy.routes, RouteNames(), [site.envoy.admin, other.admin],
            [site.envoy.listener, other.listener], ProbeRequest(), read_seconds=0.5,
        )  # fmt: skip
        gateway.set(desk(None, 0, 3))
        applied = wait_until_applied(gateway, desk(None, 0, 3), 1.0)
        assert applied is not None
        assert applied.generation == 0
        with refusal("not_taken", TransientError, match=other.admin):
            gateway.set(desk(2, 5, 4))
    with pytest.raises(TransientError):
        gateway.read("desk")


#: Takes the lock of a file and freezes.
FREEZE = """
import fcntl, os, signal, sys
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_frozen_writer_is_named_and_can_be_killed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_file, "LOCK_SECONDS", 0.1)
    lock = site.envoy.folder / "routes.json.lock"
    writer = subprocess.Popen([sys.executable, "-S", "-c", FREEZE, lock], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert b"held" in writer.stdout.readline()
        with refusal("locked", TransientError, match=r"routes\.json\.lock"):
            site.gateway.set(desk(None, 0, 1))
    finally:
        writer.kill()
        writer.communicate()
    site.apply(desk(None, 0, 1))


def test_unwritable_folder_is_transient(tmp_path: Path, site: Site) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    gateway = EnvoyGateway(
        tmp_path / "file" / "routes.json", RouteNames(), [site.envoy.admin],
        [site.envoy.listener], ProbeRequest(),
    )  # fmt: skip
    with pytest.raises(TransientError, match=r"routes\.json"):
        gateway.set(desk(None, 0, 1))


def test_example_starts_with_exactly_its_files(tmp_path: Path) -> None:
    """The ports of the example are fixed, so that runs beside each other take turns."""
    with Path("/tmp/driftwarden-envoy-example.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shutil.copytree(EXAMPLE, tmp_path / "envoy")
        envoy = Envoy(folder, "http://127.0.0.1:9901", "http://127.0.0.1:10000")
        with running_version("assistant-v1", 8001), running_version("assistant-v2", 8002):
            try:
                envoy.start()
                gateway = EnvoyGateway(
                    envoy.routes, RouteNames(), [envoy.admin], [envoy.listener], ProbeRequest()
                )
                gateway.set(Weights("assistant", 1, 2, 50, 1))
                weights = Weights("assistant", 1, 2, 50, 1)
                assert wait_until_applied(gateway, weights, 5.0) is not None
                served = Site(envoy, {}).served(60)
            finally:
                envoy.kill()
    assert {"assistant-v1", "assistant-v2"} == set(served)
