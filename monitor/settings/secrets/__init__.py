"""Secrets: environment variables, or the files that these name."""

from monitor.settings.secrets.variables import (
    Secrets,
    channel_secret,
    channel_variable,
    is_secret_variable,
    load_secrets,
    probe_key,
    secret_variables,
)

__all__ = [
    "Secrets",
    "channel_secret",
    "channel_variable",
    "is_secret_variable",
    "load_secrets",
    "probe_key",
    "secret_variables",
]
