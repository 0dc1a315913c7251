"""Settings of the MLflow mirror, and the content of its requests."""

import base64
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from monitor.errors import ConfigurationError, RemoteServiceError
from monitor.settings import Mlflow, Secrets, default_settings
from retrain.registry.mlflow_mirror import MlflowMirror

PRIVATE = "http://mlflow.internal:5000"


def test_no_address_is_no_mirror() -> None:
    assert MlflowMirror.build(Mlflow(), Secrets()) is None


def test_tracking_address_without_http_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="https://"):
        default_settings(retrain={"mlflow": {"tracking_url": "databricks"}})


@pytest.mark.parametrize(
    "secrets",
    [
        {"mlflow_tracking_token": SecretStr("t")},
        {"mlflow_tracking_username": "u", "mlflow_tracking_password": SecretStr("p")},
    ],
)
def test_credentials_are_never_sent_in_the_clear(secrets: dict[str, Any]) -> None:
    assert MlflowMirror.build(Mlflow(tracking_url=PRIVATE), Secrets()) is not None
    with pytest.raises(ConfigurationError, match="https://"):
        MlflowMirror.build(Mlflow(tracking_url=PRIVATE), Secrets(**secrets))


@pytest.mark.parametrize(
    ("secrets", "sent"),
    [
        ({}, None),
        ({"mlflow_tracking_token": SecretStr("t")}, "Bearer t"),
        (
            {"mlflow_tracking_username": "u", "mlflow_tracking_password": SecretStr("p")},
            "Basic " + base64.b64encode(b"u:p").decode(),
        ),
    ],
)
def test_mlflow_request_carries_the_configured_credentials(
    secrets: dict[str, Any], sent: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[httpx.Request] = []

    def response(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401, json={"message": "who are you?"})

    client = httpx.Client
    transport = httpx.MockTransport(response)
    monkeypatch.setattr(
        httpx, "Client", lambda **values: client(base_url=values["base_url"], transport=transport)
    )
    mirror = MlflowMirror.build(Mlflow(tracking_url="https://mlflow.example"), Secrets(**secrets))
    assert mirror is not None
    with pytest.raises(RemoteServiceError, match=r"/version \(401\): who are you\?"):
        mirror.check()
    assert seen[0].headers.get("Authorization") == sent
