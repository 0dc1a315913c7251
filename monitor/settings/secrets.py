"""Secrets, read from the environment."""

import os
import re

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Secrets(BaseSettings):
    """The secrets; read from the environment only, never from a file.

    The text below a field is its description in docs/reference/settings.md.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    slack_bot_token: SecretStr = SecretStr("")
    """Bot token of the Slack app, `xoxb-...`. Empty: incidents are not posted."""
    slack_app_token: SecretStr = SecretStr("")
    """App-level token for Socket Mode, `xapp-...`. Empty: messages have no buttons."""
    slack_api_url: str = "https://slack.com/api/"
    """Address of Slack's Web API, for a proxy or a test server."""
    kafka_sasl_username: str = ""
    """User name for `SASL_*`."""
    kafka_sasl_password: SecretStr = SecretStr("")
    """Password for `SASL_*`."""
    driftwarden_session_key: SecretStr = SecretStr("")
    """Secret of the web page's form tokens. Empty: generated once and stored in the database."""
    driftwarden_oidc_client_secret: SecretStr = SecretStr("")
    """The client's secret at the provider of `[web.oidc]`. Empty: a public client, PKCE alone."""
    driftwarden_verdict_token: SecretStr = SecretStr("")
    """Token that Argo Rollouts and Flagger show, 20 characters or more. Empty: no verdicts."""
    judge_api_key: SecretStr = SecretStr("")
    """Key of the judge's endpoint. Empty: requests carry none."""
    previous_system_api_key: SecretStr = SecretStr("")
    """Key of the endpoint of `[retrain.previous]`. Empty: requests carry none."""
    rollout_probe_key: SecretStr = SecretStr("")
    """Bearer token of the probes that a gateway's versions get. Empty: probes carry none."""
    litellm_api_key: SecretStr = SecretStr("")
    """Master key of the LiteLLM proxy of `[rollout.litellm]`, or a key of a proxy admin."""
    vllm_api_key: SecretStr = SecretStr("")
    """Key of the replicas of `[rollout.vllm]`. Empty: requests carry none."""
    probes_api_key: SecretStr = SecretStr("")
    """Key of the endpoints of `[probes]`; that of one model: `PROBES_NAME_API_KEY`. Empty: none."""
    ray_auth_token: SecretStr = SecretStr("")
    """Token of the Ray cluster of `[retrain.ray]`. Empty: requests carry none."""
    kubernetes_token: SecretStr = SecretStr("")
    """Token for the API servers of Kubernetes. Empty: the token of the daemon's pod."""
    mlflow_tracking_token: SecretStr = SecretStr("")
    """Token for the server of `[retrain.mlflow]`. Empty: user name and password, or none."""
    mlflow_tracking_username: str = ""
    """User name for the server of `[retrain.mlflow]`."""
    mlflow_tracking_password: SecretStr = SecretStr("")
    """Password for the server of `[retrain.mlflow]`."""


def channel_variable(channel: str) -> str:
    """Return the variable with the secret of a channel of alerts."""
    return f"ALERTS_{channel.upper()}_SECRET"


def channel_secret(channel: str) -> str:
    """Return the secret of a channel of alerts; empty where it is not set."""
    return os.environ.get(channel_variable(channel), "")


def probe_variable(model: str) -> str:
    """Return the variable with the key of the live endpoint of one model."""
    name = re.sub(r"[^A-Z0-9]+", "_", model.upper()).strip("_")
    return f"PROBES_{name}_API_KEY"


def load_secrets() -> Secrets:
    """Read the secrets from the environment."""
    return Secrets()
