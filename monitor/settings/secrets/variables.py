"""Secrets, read from environment variables and from the files that these name."""

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from monitor.settings.secrets.files import DATABASE_URL, read_variable

if TYPE_CHECKING:
    from monitor.settings.configuration import Sections


class Secrets(BaseSettings):
    """The secrets; of the environment, never of config.toml.

    Each is a variable ``X``, or the content of the file that ``X_FILE`` names. The text below a
    field is its description in docs/reference/settings.md.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read variables by :func:`read_variable`, as all secrets are read."""
        return init_settings, _Variables(settings_cls)

    driftwarden_database_password: SecretStr = SecretStr("")
    """Password of the user in `database.url`, where the address has none."""

    driftwarden_debug: str = ""
    """`1`: the log has the messages of all errors, which may quote the traffic. For your own
    machine: refused unless the database is SQLite or on loopback. Empty or `0`: classes only."""

    slack_bot_token: SecretStr = SecretStr("")
    """Bot token of the Slack app, `xoxb-...`. Empty: incidents are not posted."""
    slack_app_token: SecretStr = SecretStr("")
    """App-level token for Socket Mode, `xapp-...`. Empty: messages have no buttons."""
    slack_api_url: str = "https://slack.com/api/"
    """Address of Slack's Web API, for a proxy or a test server."""
    heartbeat_secret: SecretStr = SecretStr("")
    """What takes the place of `{secret}` in `alerts.heartbeat_url`."""
    kafka_sasl_username: str = ""
    """User name for `SASL_*`."""
    kafka_sasl_password: SecretStr = SecretStr("")
    """Password for `SASL_*`."""
    kafka_oauth_token: SecretStr = SecretStr("")
    """Token for `OAUTHBEARER`. In a file, it is read again for each connection."""
    kafka_ssl_key_password: SecretStr = SecretStr("")
    """Password of `kafka.ssl_keyfile`. Empty: the key is not encrypted."""
    driftwarden_backup_key: SecretStr = SecretStr("")
    """Key that seals backups, 32 characters or more: one that was altered is refused. Empty: the
    seal shows damage only."""
    driftwarden_session_key: SecretStr = SecretStr("")
    """Secret of the web page's form tokens. Empty: generated once and stored in the database."""
    driftwarden_user_id_key: SecretStr = SecretStr("")
    """Keys of end users' pseudonyms, the newest first, commas between them; 32 characters or more
    each. Empty: one is generated once and stored in the database."""
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


class _Variables(PydanticBaseSettingsSource):
    """Variables with the names of the fields, in capitals or not."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return the value of a field, its key, and that it is a text."""
        environment = {name.upper(): value for name, value in os.environ.items()}
        return read_variable(field_name.upper(), environment), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the fields that are set."""
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value}


def channel_variable(channel: str) -> str:
    """Return the variable with the secret of a channel of alerts."""
    return f"ALERTS_{channel.upper()}_SECRET"


def channel_secret(channel: str) -> str:
    """Return the secret of a channel of alerts; empty where it is not set."""
    return read_variable(channel_variable(channel))


def probe_variable(model: str) -> str:
    """Return the variable with the key of the live endpoint of one model."""
    name = re.sub(r"[^A-Z0-9]+", "_", model.upper()).strip("_")
    return f"PROBES_{name}_API_KEY"


def probe_key(model: str) -> str:
    """Return the key of the live endpoint of one model; empty where it has none of its own."""
    return read_variable(probe_variable(model))


def secret_variables(sections: "Sections") -> Iterator[str]:
    """Yield the variables of all secrets that a configuration may have."""
    yield DATABASE_URL
    yield from (name.upper() for name in Secrets.model_fields)
    yield from map(channel_variable, sections.alerts.all_channels)
    yield from map(probe_variable, sections.names.listed)


#: Variables whose names hold the name of a channel or of a model.
_NAMED = re.compile(r"ALERTS_\w+_SECRET|PROBES_\w+_API_KEY")
#: Variables from which PostgreSQL's client takes a password.
_OF_LIBPQ = frozenset({"PGPASSWORD", "PGPASSFILE"})


def is_secret_variable(name: str) -> bool:
    """Return whether a variable holds a secret of driftwarden, or names the file with one."""
    name = name.upper().removesuffix("_FILE")
    return (
        name in {DATABASE_URL, *_OF_LIBPQ}
        or name.lower() in Secrets.model_fields
        or _NAMED.fullmatch(name) is not None
    )


def load_secrets() -> Secrets:
    """Read the secrets from the environment and from the files that it names.

    Raises:
        ConfigurationError: A secret is set twice, or a file can't be used.
    """
    return Secrets()
