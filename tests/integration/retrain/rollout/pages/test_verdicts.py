"""Verdicts for Argo Rollouts and Flagger, by situation, and who may ask."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from litestar.testing import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, update

from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.tables import Rollout
from tests.support.web.apps import create_app
from tests.support.web.rollout_world import add_rollout, check_figures

HOUR = timedelta(hours=1)
TOKEN = "a-token-of-thirty-characters.."
MODEL = "assistant"
DEPLOY = Path(__file__).parents[5] / "deploy"


def open_client(engine: Engine, now: datetime, token: str = TOKEN) -> TestClient[Any]:
    secrets = Secrets(driftwarden_verdict_token=SecretStr(token))
    configuration = Configuration(models={MODEL: {}, "org/name 100%": {}})
    return TestClient(create_app(engine, configuration, secrets, clock=lambda: now))


@pytest.fixture
def client(engine: Engine, clock: datetime) -> Iterator[TestClient[Any]]:
    with open_client(engine, clock + 2 * HOUR) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        yield client


def ask(client: TestClient[Any], query: str = "percent=5") -> str:
    response = client.get(f"/api/rollouts/{MODEL}/verdict?{query}")
    assert response.status_code == 200, response.text
    return str(response.json()["verdict"])


def test_no_rollout_is_never_an_advance(client: TestClient[Any]) -> None:
    for query in ("", "percent=0", "percent=5", "percent=5&version=2"):
        assert ask(client, query) == "hold"


@pytest.mark.parametrize(
    ("status", "query", "verdict"),
    [
        ("running", "percent=5", "advance"),
        ("running", "percent=25", "wait"),
        ("running", "", "hold"),
        ("holding", "percent=25", "hold"),
        ("holding", "percent=5", "advance"),
        ("paused", "percent=5", "hold"),
        ("holdback", "percent=100", "advance"),
        ("reverted", "percent=5", "revert"),
        ("reverted", "", "revert"),
        ("completed", "percent=100", "hold"),
        ("completed", "percent=5", "hold"),
        ("completed", "percent=100&version=2", "advance"),
        ("running", "percent=5&version=2", "advance"),
        ("running", "percent=5&version=3", "hold"),
        ("reverted", "percent=5&version=3", "hold"),
    ],
)
def test_verdict_by_status_and_share(
    client: TestClient[Any],
    engine: Engine,
    clock: datetime,
    status: str,
    query: str,
    verdict: str,
) -> None:
    add_rollout(engine, clock, status=status, looks=[{"checks": [check_figures()]}])
    assert ask(client, query) == verdict


def test_stale_measurements_and_experiments_hold(engine: Engine, clock: datetime) -> None:
    add_rollout(engine, clock, looks=[{}])
    for hours, verdict in ((2, "advance"), (5, "hold")):
        with open_client(engine, clock + hours * HOUR) as client:
            client.headers["authorization"] = f"Bearer {TOKEN}"
            assert ask(client) == verdict
    with transaction(engine) as connection:
        connection.execute(update(Rollout).values(kind="experiment"))
    with open_client(engine, clock + HOUR) as client:
        client.headers["authorization"] = f"Bearer {TOKEN}"
        assert ask(client) == "hold"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \u00e4",
    ],
)
def test_a_wrong_token_is_refused(
    engine: Engine, clock: datetime, header: str, client: TestClient[Any]
) -> None:
    add_rollout(engine, clock, looks=[{}])
    for path in (f"/api/rollouts/{MODEL}/verdict", "/api/rollouts/unknown/verdict"):
        headers = {"authorization": header.encode("latin-1")}
        assert client.get(path, headers=headers).status_code == 401  # type: ignore[arg-type]


@pytest.mark.parametrize("token", ["", "short"])
def test_without_a_long_token_there_are_no_verdicts(
    engine: Engine, clock: datetime, token: str
) -> None:
    with open_client(engine, clock, token) as client:
        for bearer in (token, ""):
            headers = {"authorization": f"Bearer {bearer}"}
            response = client.get(f"/api/rollouts/{MODEL}/verdict", headers=headers)
            assert response.status_code == 503
            assert "DRIFTWARDEN_VERDICT_TOKEN" in response.json()["detail"]


def test_unknown_models_and_values_are_refused(client: TestClient[Any]) -> None:
    path = "/api/rollouts/verdict"
    assert client.get(path, params={"model": "org/name 100%"}).status_code == 200
    for query, status in (
        ({"model": "unknown"}, 404),
        ({}, 404),
        ({"model": MODEL, "percent": "5%"}, 400),
        ({"model": MODEL, "version": "\u0665"}, 400),
        ({"model": MODEL, "wanted": "all"}, 400),
    ):
        assert client.get(path, params=query).status_code == status, query


def test_http_status_gives_the_requested_verdict(
    client: TestClient[Any], engine: Engine, clock: datetime
) -> None:
    add_rollout(engine, clock, looks=[{}])
    path = f"/api/rollouts/{MODEL}/verdict"
    for query, status in (
        ("wanted=advance&percent=5", 200),
        ("wanted=advance&percent=25", 409),
        ("wanted=advance", 409),
        ("wanted=revert", 409),
    ):
        assert client.get(f"{path}?{query}").status_code == status, query
    with transaction(engine) as connection:
        connection.execute(update(Rollout).values(status="reverted"))
    assert client.get(f"{path}?wanted=revert").status_code == 200


def test_examples_ask_for_verdicts_that_exist(
    client: TestClient[Any], engine: Engine, clock: datetime
) -> None:
    """The addresses in deploy/ are those of the endpoint, and its verdicts are theirs."""
    template = yaml.safe_load((DEPLOY / "argo-rollouts/analysis-template.yaml").read_text())
    (metric,) = template["spec"]["metrics"]
    web = metric["provider"]["web"]
    assert web["headers"][0]["value"].startswith("Bearer ")
    rollout = yaml.safe_load((DEPLOY / "argo-rollouts/rollout.yaml").read_text())
    stages = [
        {item["name"]: item["value"] for item in step["analysis"]["args"]}
        for step in rollout["spec"]["strategy"]["canary"]["steps"]
        if "analysis" in step
    ]
    assert [stage["percent"] for stage in stages] == ["25", "50", "100"]

    def path_of(address: str, values: dict[str, str]) -> str:
        filled = re.sub(r"\{\{args\.(\w+)\}\}", lambda match: values[match[1]], address)
        return filled[filled.index("/api/") :]

    paths = [path_of(web["url"], stage) for stage in stages]
    conditions = metric["successCondition"], metric["failureCondition"]
    assert conditions == ('result == "advance"', 'result == "revert"')
    add_rollout(engine, clock, looks=[{}])
    assert [client.get(path).json()["verdict"] for path in paths] == ["wait"] * 3
    with transaction(engine) as connection:
        connection.execute(update(Rollout).values(weight_percent=50))
    verdicts = [client.get(path).json()["verdict"] for path in paths]
    assert verdicts == ["advance", "advance", "wait"]

    proxy = (DEPLOY / "flagger/verdict-proxy.yaml").read_text()
    (target,) = re.findall(r"proxy_pass https://[^/]+(/api/\S+);", proxy)
    canary = yaml.safe_load((DEPLOY / "flagger/canary.yaml").read_text())
    assert canary["spec"]["analysis"]["stepWeights"] == [25]
    statuses = {}
    for hook in canary["spec"]["analysis"]["webhooks"]:
        wanted, model, arguments = re.findall(r"\.ml/(\w+)/(\w+)\??(.*)", hook["url"])[0]
        path = target.replace("$wanted", wanted).replace("$model", model)
        statuses[hook["type"]] = client.get(path.replace("$args", arguments)).status_code
    assert statuses == {"confirm-traffic-increase": 200, "confirm-promotion": 409, "rollback": 409}
