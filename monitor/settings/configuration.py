"""The configuration, and the settings of a model that follow from it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from monitor.errors import UnknownModelError
from monitor.settings.alerts import Alerts
from monitor.settings.drift import Drift
from monitor.settings.evaluation_file import read_monitoring
from monitor.settings.kafka import Kafka
from monitor.settings.models.names import ModelNames, index_names
from monitor.settings.models.table import ModelName, ModelSection, ModelTable, inherit
from monitor.settings.monitoring import Database, Embedding, Monitoring, Probes
from monitor.settings.privacy import Privacy
from monitor.settings.redaction import Redaction
from monitor.settings.retention import Retention
from monitor.settings.retrain import Retrain
from monitor.settings.review import Review
from monitor.settings.secrets.environment import Environment
from monitor.settings.traffic import Traffic
from monitor.settings.web import Web
from monitor.statistics.alarm_levels import AlarmLevels
from retrain.rollout.settings import Rollout

#: The model of a configuration that lists none.
DEFAULT_MODEL = "assistant"


class Sections(BaseSettings):
    """The sections of config.toml, one attribute each: of one model, or inherited by all."""

    model_config = SettingsConfigDict(
        env_prefix="DRIFTWARDEN_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    monitoring: Monitoring = Monitoring()
    database: Database = Database()
    kafka: Kafka = Kafka()
    traffic: Traffic = Traffic()
    redaction: Redaction = Redaction()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    embedding: Embedding = Embedding()
    drift: Drift = Drift()
    alerts: Alerts = Alerts()
    review: Review = Review()
    web: Web = Web()
    retrain: Retrain = Retrain()
    rollout: Rollout = Rollout()
    probes: Probes = Probes()

    @model_validator(mode="after")
    def _links_lead_to_the_web_server(self) -> Self:
        if not self.alerts.public_url:
            # The sections are frozen for readers; here they are still being built.
            self.__dict__["alerts"] = self.alerts.model_copy(update={"public_url": self.web.url})
        return self

    @property
    def alarm_levels(self) -> AlarmLevels:
        """Return the levels of the tests of a window."""
        return self.drift.levels(self.monitoring.drift_detection)

    @property
    def names(self) -> ModelNames:
        """Return the listed models by the names of the traffic."""
        raise NotImplementedError

    @property
    def by_model(self) -> "tuple[Settings, ...]":
        """Return the settings of each listed model."""
        raise NotImplementedError

    def is_watched(self, model: str) -> bool:
        """Return whether a model is watched: it is listed, or all models are."""
        return self.monitoring.unlisted_models == "watch" or model in self.names.listed

    def settings_of(self, model: str) -> "Settings":
        """Return the settings of a model; one that isn't listed inherits all."""
        raise NotImplementedError


class Settings(Sections):
    """The settings of one model."""

    model: ModelSection = ModelSection()

    @property
    def names(self) -> ModelNames:
        """Return the model by the names of the traffic."""
        return index_names(((self.model.name, self.model.aliases),))

    @property
    def by_model(self) -> "tuple[Settings, ...]":
        """Return the settings of each listed model: these."""
        return (self,)

    def settings_of(self, model: str) -> "Settings":
        """Return the settings of a model; one that isn't listed has only its name of its own."""
        if model == self.model.name:
            return self
        return self.model_copy(update={"model": ModelSection(name=model)})


class Configuration(Sections):
    """The settings of config.toml and the environment: models, and the sections they inherit."""

    models: dict[ModelName, ModelTable] = {DEFAULT_MODEL: ModelTable()}

    #: Source of each key that is not a default, by its dotted name.
    sources: ClassVar[Mapping[str, str]] = {}
    #: Values of ``[monitoring]`` in evaluation.yaml; they override config.toml.
    _monitoring_overrides: ClassVar[dict[str, str | float]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, evaluation.yaml, config.toml."""
        evaluation = InitSettingsSource(
            settings_cls, init_kwargs={"monitoring": cls._monitoring_overrides}
        )
        if cls.model_config.get("toml_file") is None:
            return init_settings, Environment(settings_cls), evaluation
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, Environment(settings_cls), evaluation, file

    @property
    def names(self) -> ModelNames:
        """Return the models by the names of the traffic."""
        return index_names(tuple((name, table.aliases) for name, table in self.models.items()))

    @property
    def by_model(self) -> tuple[Settings, ...]:
        """Return the settings of each listed model."""
        return tuple(self._listed.values())

    def settings_of(self, model: str) -> Settings:
        """Return the settings of a model; one that isn't listed has those of all models.

        Raises:
            ValidationError: A key of the model is unknown, or a value isn't allowed.
        """
        return self._listed.get(model) or self._resolve(model, ModelTable())

    @cached_property
    def _listed(self) -> dict[str, Settings]:
        # Once: a model may have an evaluation file, and the daemon asks every few seconds.
        return {model: self._resolve(model, table) for model, table in self.models.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as this class: that of a loaded file can't be, and all values are there."""
        return object.__new__, (Configuration,), self.__getstate__()

    def __copy__(self) -> Self:
        """Return a copy that resolves its models anew: it may have other sections."""
        copied = super().__copy__()
        copied.__dict__.pop("_listed", None)
        return copied

    def _resolve(self, model: str, table: ModelTable) -> Settings:
        sections = {name: getattr(self, name) for name in Sections.model_fields}
        evaluation = table.retrain.get("evaluation")
        if evaluation:
            monitoring, _problem = read_monitoring(Path(evaluation))
            sections["monitoring"] = inherit(sections["monitoring"], monitoring.overrides())
        for name, overrides in table.overrides().items():
            sections[name] = inherit(sections[name], overrides)
        most = self.false_alarms_of_each
        if most is not None and model in self.models:
            drift = sections["drift"]
            smaller = min(most, drift.false_alarms_a_year)
            sections["drift"] = inherit(drift, {"false_alarms_a_year": smaller})
        return Settings(model=table.section(model), **sections)

    @model_validator(mode="after")
    def _lists_default_models(self) -> "Configuration":
        unlisted = sorted(set(self.web.oidc.default_models) - set(self.models))
        if unlisted:
            raise ValueError(f"web.oidc.default_models: {unlisted[0]!r} is not a listed model")
        return self

    @property
    def false_alarms_of_each(self) -> float | None:
        """Return the largest budget of a model by the limit of all; ``None`` without a limit."""
        limit = self.monitoring.false_alarms_a_year
        return limit / len(self.models) if limit else None

    def only(self, model: str | None = None) -> Settings:
        """Return the settings of a model, which need not be named where there is one.

        An alias names its model.

        Raises:
            UnknownModelError: The model isn't listed, or there are several and none is named.
        """
        if model is None and len(self.models) == 1:
            model = next(iter(self.models))
        resolved = None if model is None else self.names.resolve(model)
        if resolved is None:
            raise UnknownModelError(model, tuple(self.models))
        return self.settings_of(resolved)
