"""Settings of the models: what one has of its own, and what it inherits."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from monitor.setting_types.field_types import Section
from monitor.settings.models.names import is_pattern
from retrain.rollout.settings import GATEWAY_KEYS

S = TypeVar("S", bound=Section)

#: Sections that a model may override, with the keys that it may not; the reason follows.
OVERRIDABLE: Mapping[str, Mapping[str, str]] = {
    "monitoring": {
        "sample_rate": "sampling is decided once for all models; use [[traffic.rates]] with model",
        "false_alarms_a_year": "it limits all models together; set drift.false_alarms_a_year",
        "unlisted_models": "it is about models that are not listed",
    },
    "drift": {},
    "alerts": {
        "public_url": "all models share one web page",
        "digest": "one message has all models",
        "heartbeat_url": "it is the daemon's, not a model's",
        **dict.fromkeys(
            ("channels", "routes", "fallback"),
            "set it in [alerts]; a route names the models that it is about",
        ),
    },
    "review": dict.fromkeys(
        ("lease", "audit_share"), "the reviewers of all models share one queue"
    ),
    "retrain": {
        **dict.fromkeys(("ray", "kubernetes"), "the jobs of all models run there"),
        "mlflow": "one server mirrors all models",
        "max_resumptions": "the runs of all models are watched together",
    },
    "rollout": {
        **dict.fromkeys(
            GATEWAY_KEYS,
            "one gateway has the traffic of all models",
        ),
        "journal": "one folder has the journal of all models",
    },
    "probes": {},
}
#: Sections of the daemon, with the reason why a model has none of its own.
SHARED = {
    "database": "the daemon has one database",
    "kafka": "the daemon reads one topic",
    "traffic": "records are decoded and sampled before their model is known",
    "redaction": "texts are redacted alike for all models",
    "privacy": "an end user may use several models",
    "retention": "periods are those of the database",
    "embedding": "one encoder embeds the traffic of all models",
    "web": "all models share one web page",
}


def _check_name(name: str) -> str:
    if not name.strip():
        raise ValueError("a model has a name")
    if is_pattern(name):
        raise ValueError("a pattern is an alias; name the model without * and ?")
    return name


ModelName = Annotated[str, AfterValidator(_check_name)]
Alias = Annotated[str, Field(min_length=1)]
#: Keys of a section that differ for a model; nested as in config.toml.
Overrides = dict[str, Any]


class ModelSection(Section):
    """A monitored model."""

    #: As in the traffic; its other names are aliases.
    name: str = "assistant"
    aliases: tuple[Alias, ...] = ()
    system_prompt: str = ""
    version_field: str = "model_version"


class ModelTable(Section):
    """A monitored model, with the keys of other sections that differ for it."""

    aliases: tuple[Alias, ...] = ()
    system_prompt: str = ""
    version_field: str = "model_version"
    monitoring: Overrides = {}  # noqa: RUF012 - pydantic copies it
    drift: Overrides = {}  # noqa: RUF012 - pydantic copies it
    alerts: Overrides = {}  # noqa: RUF012 - pydantic copies it
    review: Overrides = {}  # noqa: RUF012 - pydantic copies it
    retrain: Overrides = {}  # noqa: RUF012 - pydantic copies it
    rollout: Overrides = {}  # noqa: RUF012 - pydantic copies it
    probes: Overrides = {}  # noqa: RUF012 - pydantic copies it

    def section(self, name: str) -> ModelSection:
        """Return what the model has of its own, with its name."""
        return ModelSection(
            name=name,
            aliases=self.aliases,
            system_prompt=self.system_prompt,
            version_field=self.version_field,
        )

    def overrides(self) -> dict[str, dict[str, Any]]:
        """Return the keys that differ, by section."""
        return {name: getattr(self, name) for name in OVERRIDABLE}


def refused_key(section: str, key: str) -> str:
    """Return why a model can't override a key; empty where it can."""
    return OVERRIDABLE.get(section, {}).get(key, "")


def inherit(section: S, overrides: Mapping[str, Any]) -> S:
    """Return a section with some keys replaced; ``ValidationError`` where one is refused."""
    if not overrides:
        return section
    return type(section).model_validate(_merge(section.model_dump(), overrides))


def _merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overrides.items():
        inner = merged.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[key] = _merge(inner, value)
        else:
            merged[key] = value
    return merged
