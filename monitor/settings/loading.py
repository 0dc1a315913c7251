"""Loading of config.toml and the environment into frozen settings."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from monitor.errors import ConfigurationError
from monitor.settings.alerts import Alerts
from monitor.settings.drift import Drift
from monitor.settings.evaluation_file import read_plan
from monitor.settings.field_types import Section
from monitor.settings.kafka import Kafka
from monitor.settings.monitoring import Database, Embedding, ModelSection, Monitoring
from monitor.settings.redaction import Redaction
from monitor.settings.renamed_keys import RENAMED_KEYS
from monitor.settings.retention import Retention
from monitor.settings.retrain import Retrain, Rollout
from monitor.settings.review import Review
from monitor.settings.traffic import Traffic
from monitor.settings.web import Web
from monitor.statistics.alarm_levels import AlarmLevels

DEFAULT_FILE = Path("config.toml")


class Settings(BaseSettings):
    """All settings, one attribute per section."""

    model_config = SettingsConfigDict(
        env_prefix="DRIFTWARDEN_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    model: ModelSection = ModelSection()
    monitoring: Monitoring = Monitoring()
    database: Database = Database()
    kafka: Kafka = Kafka()
    traffic: Traffic = Traffic()
    redaction: Redaction = Redaction()
    retention: Retention = Retention()
    embedding: Embedding = Embedding()
    drift: Drift = Drift()
    alerts: Alerts = Alerts()
    review: Review = Review()
    web: Web = Web()
    retrain: Retrain = Retrain()
    rollout: Rollout = Rollout()

    #: Values of ``[monitoring]`` in evaluation.yaml; they override config.toml.
    _monitoring_overrides: ClassVar[dict[str, str | float]] = {}

    @property
    def alarm_levels(self) -> AlarmLevels:
        """Return the levels of the tests of a window."""
        return self.drift.levels(self.monitoring.drift_detection)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, evaluation.yaml, config.toml."""
        evaluation = InitSettingsSource(
            settings_cls, init_kwargs={"monitoring": cls._monitoring_overrides}
        )
        if cls.model_config.get("toml_file") is None:
            return init_settings, env_settings, evaluation
        return init_settings, env_settings, evaluation, TomlConfigSettingsSource(settings_cls)


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Load the settings.

    Args:
        path: The configuration file; ``None``: ``config.toml`` in the working directory if it
            exists, else the defaults.
        **overrides: Whole sections, for tests and the demo.

    Raises:
        ConfigurationError: A key is unknown or renamed, or a value isn't allowed. The message has
            one line per problem: the key, the value and what is allowed.
    """
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{path}: no such configuration file")
    return _build(path or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None), overrides)


def default_settings(**overrides: Any) -> Settings:
    """Return the defaults with the overrides of the environment, without reading a file.

    Raises:
        ConfigurationError: A variable or an argument isn't allowed.
    """
    return _build(None, overrides)


def _build(file: Path | None, overrides: dict[str, Any]) -> Settings:
    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        settings = FromFile(**overrides)
        if not settings.retrain.evaluation:
            return settings
        plan = read_plan(Path(settings.retrain.evaluation))

        class WithEvaluation(FromFile):
            _monitoring_overrides = plan.production_monitoring.overrides()

        return WithEvaluation(**overrides)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}{_toml_hint(error)}") from None
    except ValidationError as error:
        origin = str(file) if file else "configuration"
        raise ConfigurationError(
            "\n".join(f"{origin}: {_explain(problem)}" for problem in error.errors())
        ) from None


def _toml_hint(error: tomllib.TOMLDecodeError) -> str:
    """Return what to do where a section stands twice, as dotted keys and as a table."""
    if not re.search("Cannot declare|Cannot mutate|Cannot overwrite", str(error)):
        return ""
    return (
        "; a section is either a [table] or dotted keys such as kafka.topic = ..., not both, and "
        "no key stands twice"
    )


def _explain(problem: Any) -> str:
    """Return one line about a problem: the key, its value, and what is allowed."""
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key, value = ".".join(location), problem["input"]
    if problem["type"] != "extra_forbidden":
        return f"{key} = {value!r}: {problem['msg'].removeprefix('Value error, ')}"
    if key in RENAMED_KEYS:
        renamed = RENAMED_KEYS[key]
        return f"{key} = {value!r}: renamed; write {renamed.name} = {renamed.convert(value)}"
    known = _known_keys(location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{key} = {value!r}: unknown key{hint} Known here: {', '.join(known)}"


def all_sections() -> dict[str, type[Section]]:
    """Return the sections of config.toml by name: ``traffic``, ``traffic.join``."""
    sections: dict[str, type[Section]] = {}

    def add(name: str, annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            sections[name] = annotation
            for key, field in annotation.model_fields.items():
                add(f"{name}.{key}", field.annotation)

    for name, field in Settings.model_fields.items():
        add(name, field.annotation)
    return sections


def _known_keys(section: list[str]) -> list[str]:
    fields = Settings.model_fields
    for name in section:
        if name not in fields:
            break
        annotation = fields[name].annotation
        candidates = [annotation, *get_args(annotation)]
        inner = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None
        )
        if inner is None:
            break
        fields = inner.model_fields
    return sorted(fields)
