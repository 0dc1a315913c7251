"""The route file that Envoy watches."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ConfigurationError, TransientError
from monitor.settings import Rollout
from retrain.rollout.envoy_file import EnvoyFile, cluster_name
from retrain.rollout.factory import create_gateway
from retrain.rollout.gateway import RecordOnlyGateway, Weights
from tests.support.refusals import refusal


def routes(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    (resource,) = content["resources"]
    assert resource["@type"] == "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    (host,) = resource["virtual_hosts"]
    assert host["domains"] == ["*"]
    listed: list[dict[str, Any]] = host["routes"]
    return listed


def clusters(route: dict[str, Any]) -> dict[str, int]:
    return {c["name"]: c["weight"] for c in route["route"]["weighted_clusters"]["clusters"]}


@pytest.mark.parametrize(
    ("canary", "percent", "expected"),
    [
        (None, 0, {"desk-v1": 100}),
        (2, 5, {"desk-v1": 95, "desk-v2": 5}),
        (2, 50, {"desk-v1": 50, "desk-v2": 50}),
        (2, 100, {"desk-v2": 100}),
        (2, 0, {"desk-v1": 100}),  # left out: weight 0 might still be chosen by a retry
    ],
)
def test_weights(
    tmp_path: Path, canary: int | None, percent: int, expected: dict[str, int]
) -> None:
    path = tmp_path / "envoy" / "routes.json"
    EnvoyFile(path).set_weights([Weights("desk", 1, canary, percent)])
    (route,) = routes(path)
    assert route["match"] == {"prefix": "/"}
    assert clusters(route) == expected
    assert sum(clusters(route).values()) == 100
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [p.name for p in path.parent.iterdir()] == ["routes.json"]


def test_several_models_are_told_apart_by_a_header(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    gateway = EnvoyFile(path)
    gateway.set_weights([Weights("tax", 3, None, 0), Weights("desk", 1, 2, 25)])
    clusters_by_model = {
        r["match"]["headers"][0]["string_match"]["exact"]: clusters(r) for r in routes(path)
    }
    assert clusters_by_model == {"desk": {"desk-v1": 75, "desk-v2": 25}, "tax": {"tax-v3": 100}}


def test_new_process_writes_routes_of_all_models(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    weights = [Weights("desk", 1, 2, 25), Weights("tax", 3, None, 0)]
    EnvoyFile(path).set_weights(weights)
    before = path.read_bytes()
    EnvoyFile(path).set_weights(weights[::-1])
    assert path.read_bytes() == before


def test_routes_are_replaced_only_when_weights_change(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    gateway = EnvoyFile(path)
    gateway.set_weights([Weights("desk", 1, 2, 5)])
    first = path.stat().st_ino, path.read_text(encoding="utf-8")
    gateway.set_weights([Weights("desk", 1, 2, 5)])
    assert (path.stat().st_ino, path.read_text(encoding="utf-8")) == first
    gateway.set_weights([Weights("desk", 1, 2, 25)])
    # A new file by a rename: the event that Envoy waits for.
    assert path.stat().st_ino != first[0]
    assert json.loads(first[1])["version_info"] != json.loads(path.read_text())["version_info"]


def test_without_any_serving_model_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    EnvoyFile(path).set_weights([Weights("desk", 1, None, 0)])
    before = path.read_bytes()
    EnvoyFile(path).set_weights([])
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_transient(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with refusal("not_writable", TransientError, match=r"routes\.json"):
        EnvoyFile(tmp_path / "file" / "routes.json").set_weights([Weights("desk", 1, None, 0)])


def test_cluster_names_are_plain() -> None:
    assert cluster_name("acme/support bot", 12) == "acme-support-bot-v12"


def test_the_configuration_names_the_gateway(tmp_path: Path) -> None:
    assert isinstance(create_gateway(Rollout()), RecordOnlyGateway)
    routes_file = str(tmp_path / "r.json")
    gateway = create_gateway(Rollout(gateway="envoy-file", gateway_routes=routes_file))
    assert isinstance(gateway, EnvoyFile)
    with pytest.raises(ConfigurationError, match=r"needs rollout\.gateway_routes"):
        create_gateway(Rollout(gateway="envoy-file"))
