"""Envoy's route file: driftwarden's routes among those of others."""

import json
from typing import Any

import pytest

from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.envoy_routes import TYPE, RouteDocument, RouteNames
from retrain.rollout.gateways.protocol import Weights

Route = dict[str, Any]


def document(*routes: Route, **names: str) -> RouteDocument:
    host = {"name": "driftwarden", "domains": ["*"], "routes": list(routes)}
    resource = {"@type": TYPE, "name": "driftwarden", "virtual_hosts": [host]}
    return RouteDocument({"resources": [resource]} if routes else None, RouteNames(**names))


def routes_of(written: RouteDocument) -> list[Route]:
    (resource,) = json.loads(written.text())["resources"]
    assert resource["@type"] == TYPE
    (host,) = resource["virtual_hosts"]
    assert host["domains"] == ["*"]
    listed: list[Route] = host["routes"]
    return listed


def clusters(route: Route) -> dict[str, int]:
    return {c["name"]: c["weight"] for c in route["route"]["weighted_clusters"]["clusters"]}


def by_model(written: RouteDocument) -> dict[str, dict[str, int]]:
    """Return the clusters by the header's model; of requests without it by the empty name.

    Requests with and without a user have the same weights, and those with a user come first.
    """
    pairs: dict[str, list[dict[str, int]]] = {}
    for route in routes_of(written):
        headers = {h["name"]: h["string_match"] for h in route["match"].get("headers", [])}
        name = headers.get("x-model", {}).get("exact", "")
        assert ("x-user" in headers) == (name not in pairs)
        assert ("x-user" in headers) == ("hash_policy" in route["route"])
        pairs.setdefault(name, []).append(clusters(route))
    assert all(len(pair) == 2 and pair[0] == pair[1] for pair in pairs.values())
    return {name: pair[0] for name, pair in pairs.items()}


@pytest.mark.parametrize(
    ("canary", "percent", "expected"),
    [
        (None, 0, {"desk-v1": 100}),
        (2, 5, {"desk-v2": 5, "desk-v1": 95}),
        (2, 50, {"desk-v2": 50, "desk-v1": 50}),
        (2, 100, {"desk-v2": 100}),
        (2, 0, {"desk-v1": 100}),  # left out: weight 0 might still be chosen by a retry
    ],
)
def test_weights_name_clusters_with_canary_first(
    canary: int | None, percent: int, expected: dict[str, int]
) -> None:
    written = document()
    written.write(Weights("desk", 1, canary, percent, 3))
    assert by_model(written) == {"desk": expected, "": expected}
    assert [list(clusters(route)) for route in routes_of(written)] == 4 * [list(expected)]
    applied = written.read("desk")
    assert applied is not None
    assert applied.matches(Weights("desk", 1, canary, percent, 3))


def test_second_model_keeps_the_default_route_of_the_first() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 25, 1))
    written.write(Weights("tax", 3, None, 0, 1))
    assert by_model(written) == {
        "desk": {"desk-v2": 25, "desk-v1": 75},
        "tax": {"tax-v3": 100},
        "": {"desk-v2": 25, "desk-v1": 75},
    }
    assert routes_of(written)[-1]["match"] == {"prefix": "/"}


def test_configured_default_model_takes_the_default_route() -> None:
    written = document(default_model="tax")
    written.write(Weights("desk", 1, None, 0, 1))
    assert by_model(written)[""] == {"desk-v1": 100}  # until the default model has weights
    written.write(Weights("tax", 3, None, 0, 1))
    assert by_model(written)[""] == {"tax-v3": 100}
    written.write(Weights("desk", 1, 2, 5, 2))
    assert by_model(written)[""] == {"tax-v3": 100}


def test_routes_of_the_operator_stay() -> None:
    health = {"match": {"path": "/health"}, "route": {"cluster": "health"}}
    fallback = {"match": {"prefix": "/"}, "route": {"cluster": "old-service"}}
    written = document(health, fallback)
    written.write(Weights("desk", 1, 2, 5, 1))
    assert routes_of(written)[0] == health
    assert routes_of(written)[-1] == fallback
    assert 4 == len(routes_of(written))


def test_catch_all_of_the_operator_freezes_no_default_route() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 1))
    redirect = {"match": {"prefix": "/"}, "redirect": {"path_redirect": "/v2"}}
    again = document(redirect, *routes_of(written))
    again.write(Weights("desk", 1, None, 0, 2))
    applied = again.read("desk")
    assert applied is not None
    assert applied.matches(Weights("desk", 1, None, 0, 2))


def test_fields_that_the_operator_added_to_a_route_stay() -> None:
    written = document()
    written.write(Weights("desk", 1, None, 0, 1))
    changed = routes_of(written)
    changed[0]["route"] |= {"timeout": "90s", "retry_policy": {"retry_on": "5xx"}}
    again = document(*changed)
    again.write(Weights("desk", 1, 2, 5, 2))
    action = routes_of(again)[0]["route"]
    assert ("90s", {"retry_on": "5xx"}) == (action["timeout"], action["retry_policy"])


def test_routes_of_version_0_1_are_taken_over() -> None:
    bad = {"clusters": [{"name": "desk-v1", "weight": 95}, {"name": "desk-v2", "weight": 5}]}
    written = document({"match": {"prefix": "/"}, "route": {"weighted_clusters": bad}})
    before = written.read("desk")
    assert before is not None
    assert ({1: 95, 2: 5}, 0) == (before.shares, before.generation)
    written.write(Weights("desk", 1, None, 0, 1))
    assert by_model(written) == {"desk": {"desk-v1": 100}, "": {"desk-v1": 100}}


def test_operators_route_to_a_version_stays() -> None:
    shares = {"clusters": [{"name": "desk-v1", "weight": 100}]}
    batch = {"match": {"prefix": "/batch"}, "route": {"weighted_clusters": shares}}
    written = document(batch)
    written.write(Weights("desk", 2, None, 0, 1))
    assert batch in routes_of(written)


def test_without_a_user_header_each_request_is_drawn() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 1))
    again = document(*routes_of(written), user_header="")
    again.write(Weights("desk", 1, 2, 5, 1))
    assert 2 == len(routes_of(again))
    assert not any("hash_policy" in route["route"] for route in routes_of(again))


def test_weights_changed_by_hand_are_reported() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 1))
    changed = routes_of(written)
    changed[0]["route"]["weighted_clusters"]["clusters"].append({"name": "x", "weight": 7})
    applied = document(*changed).read("desk")
    assert applied is not None
    assert "cluster x" in applied.unexpected
    assert not applied.matches(Weights("desk", 1, 2, 5, 1))


def test_canary_left_in_the_default_route_is_reported() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 1))
    changed = routes_of(written)
    changed[0]["route"]["weighted_clusters"]["clusters"] = [{"name": "desk-v1", "weight": 100}]
    applied = document(*changed).read("desk")
    assert applied is not None
    assert not applied.matches(Weights("desk", 1, None, 0, 1))


def test_generation_replaced_by_hand_is_zero() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 4))
    changed = routes_of(written)
    for route in changed:
        route["metadata"]["filter_metadata"]["driftwarden"]["generation"] = "four"
    applied = document(*changed).read("desk")
    assert applied is not None
    assert ({1: 95, 2: 5}, 0) == (applied.shares, applied.generation)


def test_users_are_drawn_anew_for_each_canary() -> None:
    written = document()
    written.write(Weights("desk", 1, 2, 5, 1))
    first = routes_of(written)[0]["route"]["hash_policy"]
    written.write(Weights("desk", 1, 2, 25, 2))
    assert first == routes_of(written)[0]["route"]["hash_policy"]
    written.write(Weights("desk", 1, 3, 5, 3))
    assert first != routes_of(written)[0]["route"]["hash_policy"]


def test_cluster_names_are_plain() -> None:
    assert cluster_name("acme/support bot", 12) == "acme-support-bot-v12"
