"""Settings of sampling and decoding."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.setting_types.durations import Duration
from monitor.setting_types.field_types import FieldPath, NamedPath, Probability, Section


class TaskRate(Section):
    """The sampling rate of a model, of a task type, or of a task type of a model."""

    #: ``None``: any.
    model: str | None = None
    #: ``None``: any; the empty text: exchanges without a task type.
    task_type: str | None = None
    rate: Probability

    @model_validator(mode="after")
    def _names_something(self) -> "TaskRate":
        if self.model is None and self.task_type is None:
            raise ValueError(
                "no model and no task type; name one, monitoring.sample_rate applies to the rest"
            )
        return self


class TrafficJoin(Section):
    """Joining of requests and responses that are separate records."""

    enabled: bool = False
    timeout: Duration = timedelta(hours=1)


class TrafficFields(Section):
    """Paths of the format `mapped` into the JSON of a record, such as `input.text`."""

    prompt: FieldPath = ""
    response: FieldPath = ""
    id: FieldPath = ""
    timestamp: FieldPath = ""
    model: FieldPath = ""
    task_type: FieldPath = ""
    user: FieldPath = ""
    feedback: FieldPath = ""
    metadata: tuple[NamedPath, ...] = ()

    @model_validator(mode="after")
    def _names_a_prompt(self) -> "TrafficFields":
        if not self.prompt and any(value for _, value in self):
            raise ValueError("fields.prompt must be set where other fields are")
        return self


class Traffic(Section):
    """Sampling and decoding of records."""

    format: Literal["auto", "plain", "openai", "litellm", "opentelemetry", "mapped"] = "auto"
    id_header: str = ""
    version_header: str = ""
    user_header: str = ""
    sample_by: Literal["record", "exchange"] = "record"
    rates: tuple[TaskRate, ...] = ()
    tracestate_threshold: Literal["honour", "ignore"] = "honour"
    min_samples_per_task_type: Annotated[int, Field(ge=0, le=1000)] = 0
    task_type_search_rate: Probability = 1.0
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 512
    flush_interval: Duration = timedelta(seconds=5)
    max_record_bytes: Annotated[int, Field(ge=1024)] = 8_000_000
    max_text_characters: Annotated[int, Field(ge=100)] = 100_000
    max_age: Duration = timedelta(days=365)
    withheld_texts: tuple[str, ...] = ("redacted-by-litellm",)
    prompts_only: bool = False
    join: TrafficJoin = TrafficJoin()
    fields: TrafficFields = TrafficFields()

    @model_validator(mode="after")
    def _check_rates_differ(self) -> "Traffic":
        named = [(rule.model, rule.task_type) for rule in self.rates]
        for model, task_type in named:
            if named.count((model, task_type)) > 1:
                raise ValueError(
                    f"rates names the model {model or '(any)'!r} with the task type "
                    f"{'(any)' if task_type is None else task_type!r} more than once"
                )
        return self

    @model_validator(mode="after")
    def _joins_something(self) -> "Traffic":
        if self.prompts_only and self.join.enabled:
            raise ValueError("prompts_only stores no responses; set join.enabled = false with it")
        return self

    @model_validator(mode="after")
    def _mapped_has_fields(self) -> "Traffic":
        if self.format == "mapped" and not self.fields.prompt:
            raise ValueError('format = "mapped" needs traffic.fields.prompt')
        return self
