"""Probes through a real Envoy: responses by version, and a server that serves another model."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.probes.runs import recent_runs
from retrain.registry.stages import register_version
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.gateways.protocol import Weights, wait_until_applied
from retrain.rollout.jobs.rollouts import Rollouts, no_look
from retrain.rollout.rows.rollouts import newest_rollout
from retrain.rollout.transitions.start import start_rollout
from tests.services.envoy import Envoy, running_envoy
from tests.services.live_endpoint import FakeEndpoint, running_endpoint, scripted
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.probe_world import ProbeWorld
from tests.support.retrain.rollout_desk import settings_of
from tests.support.retrain.weights import record_without_files


@dataclass
class Site:
    """Envoy in front of a server for each of two versions, and the probes of the model."""

    envoy: Envoy
    stable: FakeEndpoint
    canary: FakeEndpoint
    world: ProbeWorld

    @property
    def gateway(self) -> EnvoyGateway:
        """Envoy as a gateway."""
        return EnvoyGateway(
            self.envoy.routes,
            RouteNames(default_model="desk"),
            [self.envoy.admin],
            [self.envoy.listener],
            ProbeRequest(path="/v1/chat/completions", body='{"messages": []}'),
        )

    def split(self, canary_percent: int, generation: int) -> None:
        """Set the weights at Envoy."""
        weights = Weights("desk", 1, 2 if canary_percent else None, canary_percent, generation)
        self.gateway.set(weights)
        applied = wait_until_applied(self.gateway, weights, 5.0, poll_seconds=0.02)
        assert applied is not None
        assert applied.matches(weights)


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        stable = stack.enter_context(running_endpoint())
        canary = stack.enter_context(running_endpoint())
        canary.model = scripted("two")
        ports = [int(server.url.split(":")[2].split("/")[0]) for server in (stable, canary)]
        clusters = {"desk-v1": ports[0], "desk-v2": ports[1]}
        envoy = stack.enter_context(running_envoy(tmp_path, clusters))
        front = FakeEndpoint()
        front.url = f"{envoy.listener}/v1"
        world = ProbeWorld(
            engine, tmp_path, front, sockets=True, prompts=24, response_header="x-model-version"
        )
        world.promote(world.version())
        made = Site(envoy, stable, canary, world)
        made.split(0, 1)
        yield made


def test_another_model_behind_envoy_is_an_incident(site: Site) -> None:
    site.world.advance(28)
    assert {"reference", "same"} == set(site.world.verdicts)
    assert not site.world.incidents()
    assert len(site.stable.requests) >= 48 * len(site.world.runs)
    site.stable.model = scripted("three")
    site.world.advance(24)
    assert "served_model_changed" in site.world.incidents()


def test_responses_of_another_version_are_no_change(site: Site) -> None:
    site.world.advance(28)
    site.split(50, 2)
    n_before = len(site.canary.requests)
    site.world.advance(24)
    assert len(site.canary.requests) > n_before
    assert set(site.world.verdicts) <= {"reference", "same", "discarded"}
    assert not site.world.incidents()


def roll_out(site: Site) -> Rollouts:
    """Start the rollout of version 2, and return the leader's jobs, which address it by Envoy."""
    world, envoy = site.world, site.envoy
    options = {"routes": str(envoy.routes), "admin": [envoy.admin], "listeners": [envoy.listener]}
    rollout = settings_of(gateway="envoy", envoy=options).rollout
    world.settings = world.settings.model_copy(update={"rollout": rollout})
    daemon = Rollouts(
        world.engine, world.settings, site.gateway, no_look,
        CanaryProbes(world.engine, site.gateway),
    )  # fmt: skip
    with transaction(world.engine) as connection:
        version = register_version(
            connection, model="desk", adapter_path="b", adapter_digest="sha256:b", now=world.now,
            lineage={}, identity=record_without_files(world.now),
        )  # fmt: skip
        evaluated(connection, version, world.now)
        start_rollout(connection, version, world.settings, world.now, by="lea")
    daemon.apply(world.now)
    return daemon


@pytest.mark.parametrize("swapped", [True, False], ids=["swapped", "restarted"])
def test_another_model_served_as_canary_is_reverted(site: Site, swapped: bool) -> None:
    """The files of the registry stay: the server has loaded others."""
    daemon = roll_out(site)
    site.world.advance(14)
    if swapped:
        site.canary.model = scripted("three")
    site.world.advance(13)
    daemon.verify([site.world.settings], site.world.now)
    applied = site.gateway.read("desk")
    assert applied is not None
    assert applied.canary == (None if swapped else 2)
    with transaction(site.world.engine) as connection:
        rollout = newest_rollout(connection, "desk")
        runs = recent_runs(connection, "desk", role="canary", limit=1000)
    assert rollout is not None
    assert rollout.status == ("reverted" if swapped else "running")
    assert any(run.is_reference for run in runs) != swapped  # a new rollout has a new reference
    assert (runs[0].verdict == "changed") == swapped
    assert "served_model_changed" not in site.world.incidents()
