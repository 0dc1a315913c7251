"""Examples in deploy/: fields that their tools know, and what driftwarden's defaults say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.settings import Rollout

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
#: Names of the fields that Argo Rollouts 1.8 and Flagger 1.40 know, of the parts that are used.
METRIC = {
    "name", "interval", "initialDelay", "count", "successCondition", "failureCondition",
    "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit",
    "provider",
}  # fmt: skip
WEB = {"method", "url", "headers", "timeoutSeconds", "jsonPath", "jsonBody", "insecure"}
CANARY = {
    "stableService", "canaryService", "abortScaleDownDelaySeconds", "trafficRouting", "steps",
}  # fmt: skip
ANALYSIS = {"interval", "threshold", "stepWeights", "metrics", "webhooks"}
WEBHOOK = {"name", "type", "url", "timeout", "metadata", "muteAlert", "disableTLS", "retries"}
STAGES = list(Rollout().stages)


def documents(*parts: str) -> list[dict[str, Any]]:
    text = DEPLOY.joinpath(*parts).read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def metric() -> dict[str, Any]:
    (template,) = documents("argo-rollouts", "analysis-template.yaml")
    assert ("argoproj.io/v1alpha1", "AnalysisTemplate") == (
        template["apiVersion"],
        template["kind"],
    )
    (listed,) = template["spec"]["metrics"]
    return dict(listed)


def test_argo_asks_the_verdict_endpoint_with_a_token() -> None:
    assert set(metric()) <= METRIC
    web = metric()["provider"]["web"]
    assert set(web) <= WEB
    assert "/api/rollouts/{{args.model}}/verdict?percent={{args.percent}}" in web["url"]
    assert [{"key": "Authorization", "value": "Bearer {{args.token}}"}] == web["headers"]
    assert "{$.verdict}" == web["jsonPath"]


@pytest.mark.parametrize(
    ("verdict", "measurement"),
    [("advance", "success"), ("revert", "failure"), ("hold", "inconclusive"), ("", "inconclusive")],
)
def test_argo_takes_each_verdict_as_one_measurement(verdict: str, measurement: str) -> None:
    conditions = {
        "success": metric()["successCondition"],
        "failure": metric()["failureCondition"],
    }
    results = [
        name for name, condition in conditions.items() if condition == f'result == "{verdict}"'
    ]
    assert [measurement] == (results or ["inconclusive"])


def test_argo_waits_for_hold_and_outage_without_end() -> None:
    """No count ends the analysis: one without an advance never ends successful."""
    assert "count" not in metric()
    assert (0, 1) == (metric()["failureLimit"], metric()["consecutiveSuccessLimit"])
    assert metric()["inconclusiveLimit"] > 10_000
    assert metric()["consecutiveErrorLimit"] > 10_000


def test_argo_steps_are_the_stages() -> None:
    (rollout,) = documents("argo-rollouts", "rollout.yaml")
    canary = rollout["spec"]["strategy"]["canary"]
    assert set(canary) <= CANARY
    weights = [step["setWeight"] for step in canary["steps"] if "setWeight" in step]
    questions = [
        {argument["name"]: argument["value"] for argument in step["analysis"]["args"]}["percent"]
        for step in canary["steps"]
        if "analysis" in step
    ]
    assert STAGES[:-1] == weights
    assert [str(percent) for percent in STAGES[1:]] == questions
    assert ["setWeight", "analysis"] * 3 == [next(iter(step)) for step in canary["steps"]]


def test_flagger_asks_before_each_step_and_for_reverts() -> None:
    (canary,) = documents("flagger", "canary.yaml")
    analysis = canary["spec"]["analysis"]
    assert set(analysis) <= ANALYSIS
    # A webhook doesn't say which weight it asks for: an advance would count for all later steps.
    assert len(analysis["stepWeights"]) == 1
    assert all(set(webhook) <= WEBHOOK for webhook in analysis["webhooks"])
    questions = {webhook["type"]: webhook["url"].split("/")[3] for webhook in analysis["webhooks"]}
    assert questions == {
        "confirm-traffic-increase": "advance",
        "confirm-promotion": "advance",
        "rollback": "revert",
    }


def test_flagger_proxy_takes_its_token_from_a_secret() -> None:
    kinds = {document["kind"]: document for document in documents("flagger", "verdict-proxy.yaml")}
    assert {"ConfigMap", "Deployment", "Service"} == set(kinds)
    template = kinds["ConfigMap"]["data"]["default.conf.template"]
    assert "/api/rollouts/$model/verdict?wanted=$wanted" in template
    assert 'Authorization "Bearer ${VERDICT_TOKEN}"' in template
    (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable for variable in container["env"]}
    assert "secretKeyRef" in variables["VERDICT_TOKEN"]["valueFrom"]


def test_envoy_example_has_the_names_of_the_defaults() -> None:
    settings = Rollout().envoy
    (configuration,) = documents("envoy", "envoy.yaml")
    admin = configuration["admin"]["address"]["socket_address"]
    assert settings.admin == (f"http://{admin['address']}:{admin['port_value']}",)
    (listener,) = configuration["static_resources"]["listeners"]
    port = listener["address"]["socket_address"]["port_value"]
    assert settings.listeners == (f"http://127.0.0.1:{port}",)
    routes = json.loads((DEPLOY / "envoy" / "routes.json").read_text(encoding="utf-8"))
    (resource,) = routes["resources"]
    assert settings.route_name == resource["name"]
    assert settings.route_name in (DEPLOY / "envoy" / "envoy.yaml").read_text(encoding="utf-8")
