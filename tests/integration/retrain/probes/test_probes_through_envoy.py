"""Probes through a real Envoy: responses by version, and a server that serves another model."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.gateways.protocol import Weights, wait_until_applied
from tests.services.envoy import Envoy, running_envoy
from tests.services.live_endpoint import FakeEndpoint, running_endpoint, scripted
from tests.support.retrain.probe_world import ProbeWorld


@dataclass
class Site:
    """Envoy in front of a server for each of two versions, and the probes of the model."""

    envoy: Envoy
    stable: FakeEndpoint
    canary: FakeEndpoint
    world: ProbeWorld

    def split(self, canary_percent: int, generation: int) -> None:
        """Set the weights at Envoy."""
        gateway = EnvoyGateway(
            self.envoy.routes,
            RouteNames(default_model="desk"),
            [self.envoy.admin],
            [self.envoy.listener],
            ProbeRequest(path="/v1/chat/completions", body='{"messages": []}'),
        )
        weights = Weights("desk", 1, 2 if canary_percent else None, canary_percent, generation)
        gateway.set(weights)
        applied = wait_until_applied(gateway, weights, 5.0, poll_seconds=0.02)
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
