"""Secrets, read from the environment."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Secrets(BaseSettings):
    """The secrets; read from the environment only, never from a file."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    slack_bot_token: SecretStr = SecretStr("")
    slack_api_url: str = "https://slack.com/api/"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    driftwarden_session_key: SecretStr = SecretStr("")
    driftwarden_oidc_client_secret: SecretStr = SecretStr("")
    judge_api_key: SecretStr = SecretStr("")
    ray_auth_token: SecretStr = SecretStr("")
    kubernetes_token: SecretStr = SecretStr("")
    mlflow_tracking_token: SecretStr = SecretStr("")
    mlflow_tracking_username: str = ""
    mlflow_tracking_password: SecretStr = SecretStr("")


def load_secrets() -> Secrets:
    """Read the secrets from the environment."""
    return Secrets()
