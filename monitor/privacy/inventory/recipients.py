"""Places outside the database to which the settings send personal data."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from monitor.settings import Sections, Settings
from monitor.settings.secrets.database_url import hide_password


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service that gets personal data."""

    #: Key of the settings.
    setting: str
    #: Host or name, without a secret.
    address: str
    gets: str
    #: Only of this model; empty: of all.
    model: str = ""


def find_recipients(settings: Sections) -> list[Recipient]:
    """Return the configured services that get personal data, each once."""
    recipients = list(_shared(settings))
    of_models = [(model.model.name, list(_of_model(model))) for model in settings.by_model]
    common = [
        recipient
        for recipient in (of_models[0][1] if of_models else ())
        if all(recipient in of_model for _, of_model in of_models)
    ]
    recipients += common
    for name, own in of_models:
        recipients += [
            msgspec.structs.replace(recipient, model=name)
            for recipient in own
            if recipient not in common
        ]
    return recipients


def _shared(settings: Sections) -> Iterator[Recipient]:
    yield Recipient(
        "database.url", hide_password(settings.database.url), "all tables of this inventory"
    )
    yield Recipient(
        "kafka.bootstrap_servers",
        settings.kafka.bootstrap_servers,
        "nothing; the records come from there, and stay there for the topic's own retention",
    )
    if settings.web.oidc.issuer:
        yield Recipient(
            "web.oidc.issuer", settings.web.oidc.issuer, "sign-ins of staff; nothing of end users"
        )


def _of_model(settings: Settings) -> Iterator[Recipient]:
    quotes = "messages about drift, which quote redacted excerpts of prompts and responses"
    if settings.alerts.channel:
        yield Recipient("alerts.channel", f"Slack channel {settings.alerts.channel}", quotes)
    for name, channel in settings.alerts.channels.items():
        where = _host(channel.url) or channel.channel or "the address in its secret"
        yield Recipient(f"alerts.channels.{name}", f"{channel.kind}: {where}", quotes)
    retrain = settings.retrain
    if retrain.judge.url:
        yield Recipient(
            "retrain.judge.url",
            _host(retrain.judge.url),
            "prompts and responses that are compared, of benchmarks and of rollouts",
        )
    if retrain.previous.url:
        yield Recipient("retrain.previous.url", _host(retrain.previous.url), "items of benchmarks")
    if settings.probes.url:
        yield Recipient("probes.url", _host(settings.probes.url), "items of benchmarks")
    if retrain.launcher == "ray":
        yield Recipient("retrain.ray.address", _host(retrain.ray.address), "training data")
    if retrain.launcher == "kubernetes":
        yield Recipient(
            "retrain.kubernetes.claim",
            f"volume claim {retrain.kubernetes.claim} of Kubernetes",
            "training data",
        )
    if retrain.mlflow.tracking_url:
        yield Recipient(
            "retrain.mlflow.tracking_url",
            _host(retrain.mlflow.tracking_url),
            "figures and digests of versions; no texts",
        )


def _host(url: str) -> str:
    """Return scheme, host and port of an address, without user and path, which may be secret."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
