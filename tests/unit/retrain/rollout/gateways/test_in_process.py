"""The gateway inside the process, and the one that only records."""

import random
from collections.abc import Callable

import pytest

from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from tests.support.retrain.gateway_kit import GatewayTests, Subject, desk

VERSIONS = (("desk", 1), ("desk", 2), ("desk", 3), ("tax", 1))


def respond(version: int) -> Callable[[str], str]:
    return lambda prompt: f"v{version}: {prompt}"


def fail(_prompt: str) -> str:
    raise RuntimeError("out of memory")


def gateway_with_versions() -> InProcessGateway:
    gateway = InProcessGateway(random.Random(1))
    for model, version in VERSIONS:
        gateway.define(model, version, respond(version))
    return gateway


class TestInProcess(GatewayTests):
    @pytest.fixture
    def subject(self) -> Subject:
        gateway = gateway_with_versions()
        return Subject(
            gateway=gateway,
            break_version=lambda version: gateway.define("desk", version, fail),
            stop=lambda: setattr(gateway, "available", False),
        )


def test_users_keep_the_canary_while_its_share_rises() -> None:
    gateway = gateway_with_versions()
    users = [f"user-{number}" for number in range(4000)]
    canary_users: list[set[str]] = []
    for generation, percent in enumerate((5, 25, 50)):
        gateway.set(desk(2, percent, generation))
        canary_users.append({user for user in users if gateway.version_for("desk", user) == 2})
        assert abs(len(canary_users[-1]) / len(users) - percent / 100) < 0.02
    assert canary_users[0] < canary_users[1] < canary_users[2]
    gateway.set(desk(3, 5, 9))
    other = {user for user in users if gateway.version_for("desk", user) == 3}
    assert len(other & canary_users[0]) < 0.3 * len(other)


def test_requests_of_no_user_are_drawn() -> None:
    gateway = gateway_with_versions()
    gateway.set(desk(2, 25, 1))
    served = [gateway.send("desk", "hi") for _ in range(2000)]
    assert abs(served.count((2, "v2: hi")) / 2000 - 0.25) < 0.04


def test_traffic_goes_on_while_the_gateway_is_unavailable() -> None:
    gateway = gateway_with_versions()
    gateway.set(desk(None, 0, 1))
    gateway.available = False
    assert (1, "v1: hi") == gateway.send("desk", "hi", "ann")


def test_recording_gateway_names_its_limits() -> None:
    gateway = RecordOnlyGateway()
    gateway.set(desk(2, 5, 1))
    assert not gateway.capabilities.reads_weights
    assert gateway.read("desk") is None
    assert not gateway.probe("desk", 2).ok
