"""The volume of traffic and what a site has set: the input of the capacity model."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from monitor.errors import InputError
from monitor.settings import Configuration, Embedding
from monitor.statistics.alarm_levels import Schedule
from retrain.rollout.rows.observed_rollout import arm_rates

DAY_SECONDS = 86_400.0
WEEK_DAYS = 7.0
#: Share of a CPU core, or of a time, that the plan uses: the rest is for restarts and bursts.
TARGET_LOAD = 0.6
SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
MAX_NUMBER = 1e18

DatabaseKind = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of a rollout: the share of a model's traffic that is observed, and for how long."""

    share: float
    days: float


@dataclass(frozen=True, kw_only=True)
class Load:
    """Traffic, settings and machines. Equally large models share the traffic."""

    requests_per_day: float
    prompt_tokens: float = 400.0
    response_tokens: float = 300.0
    #: Mean size of a record; ``None``: by the tokens.
    record_bytes: float | None = None
    #: Requests of the busiest hour, over those of a mean hour.
    peak: float = 2.0
    sample_rate: float = 0.05
    n_models: int = 1
    window: Schedule = "weekly"
    looks_per_day: float = 24.0
    #: Level of the test of the prompts.
    level: float
    min_drifted_share: float
    min_samples: int
    max_evaluation_seconds: float = 3600.0
    #: Exchanges of each baseline; ``None``: as many as a window has, up to the largest that the
    #: daemon makes.
    baseline_exchanges: float | None = None
    #: Retention periods in days; ``None``: for ever, which is sized for a year.
    exchange_days: float | None = None
    dead_letter_days: float | None = 30.0
    observation_days: float | None = 30.0
    #: Share of the sampled records that can't be read.
    dead_letter_share: float = 0.001
    #: Of one rollout of one model.
    stages: tuple[Stage, ...] = ()
    #: Whether a header tells the version, so that a rollout decodes only what it observes.
    has_version_header: bool = False
    #: Settings that the model leaves out, each with what it does.
    left_out: tuple[str, ...] = ()
    #: Review items of a window, of all models together.
    review_items: float = 100.0
    audit_share: float = 0.10
    #: Share of the items on which two reviewers disagree.
    disagreement_share: float = 0.15
    minutes_per_review: float = 2.0
    database: DatabaseKind = "postgresql"
    database_cores: float = 16.0
    database_disk_bytes: float = 10e12
    cores_per_replica: float = 2.0
    #: Cores that the site gives ingest, all replicas together.
    ingest_cores: float = 64.0
    #: Partitions of the topic; ``None``: as many as are needed.
    partitions: int | None = None
    #: Tokens a second that one GPU embeds; ``None``: the CPU embeds.
    gpu_tokens_per_second: float | None = None
    #: Complete dumps that are kept.
    backups: int = 7

    @property
    def window_days(self) -> float:
        """Days of a window."""
        return WEEK_DAYS if self.window == "weekly" else 1.0

    @property
    def sampled_per_day(self) -> float:
        """Sampled exchanges of a day, of all models."""
        return self.requests_per_day * self.sample_rate

    @property
    def window_exchanges(self) -> float:
        """Sampled exchanges of a window of one model."""
        return self.sampled_per_day * self.window_days / self.n_models

    @property
    def peak_per_second(self) -> float:
        """Records a second in the busiest hour."""
        return self.requests_per_day / DAY_SECONDS * self.peak

    @property
    def stored_days(self) -> float:
        """Days of exchanges that the database holds: a year where retention is unlimited."""
        return 365.0 if self.exchange_days is None else self.exchange_days

    @property
    def largest_observed_share(self) -> float:
        """The largest share of a model's traffic that a stage observes."""
        return max((stage.share for stage in self.stages), default=0.0)


def parse_number(text: str, option: str) -> float:
    """Parse a positive number such as ``250000``, ``1e6``, ``100M`` or ``10G``.

    Raises:
        InputError: It isn't one (code ``not_a_number``), or is not above 0 or too large
            (``out_of_range``).
    """
    match = re.fullmatch(r"\s*([+-]?[\d_.]+(?:[eE][+-]?\d+)?)\s*([kMGT]?)\s*", text)
    try:
        number = float(match[1]) * SUFFIXES[match[2]] if match else math.nan
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise InputError(
            f"{option} is not a number: {text!r}; write it such as 250000, 1e6, 100M or 10G "
            "(k, M, G and T are thousands, millions, billions and trillions)",
            code="not_a_number",
        )
    if not 0.0 < number <= MAX_NUMBER:
        raise InputError(
            f"{option} is out of range: {text}; give a number above 0 and up to {MAX_NUMBER:g}",
            code="out_of_range",
        )
    return number


def load_of(configuration: Configuration, options: Mapping[str, Any]) -> Load:
    """Return the load of a configuration; options win.

    ``options`` are fields of :class:`Load`, with ``requests_per_day``.

    Raises:
        InputError: A value is not finite (code ``out_of_range``), or makes no sense with another
            (``bad_combination``).
    """
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name} is not finite: {value}; give a number", code="out_of_range")
    of_models = configuration.by_model
    first, retention = of_models[0], configuration.retention
    window = options.get("window", first.monitoring.drift_detection)
    n_models = options.get("n_models", len(of_models))
    items = float(sum(settings.review.weekly_budget for settings in of_models))
    values: dict[str, Any] = {
        "sample_rate": first.monitoring.sample_rate,
        "n_models": n_models,
        "window": window,
        "looks_per_day": {"hourly": 24.0, "daily": 1.0, "off": 0.0}[first.monitoring.large_changes],
        "level": first.drift.levels(window).input,
        "min_drifted_share": first.drift.min_drifted_share,
        "min_samples": first.drift.min_samples,
        "max_evaluation_seconds": first.monitoring.max_evaluation_time.total_seconds(),
        "exchange_days": _days(retention.exchanges),
        "dead_letter_days": _days(retention.dead_letters),
        "observation_days": _days(retention.observations),
        "stages": _stages(configuration),
        "has_version_header": bool(configuration.traffic.version_header)
        and not configuration.traffic.join.enabled,
        "left_out": tuple(_left_out(configuration)),
        "review_items": items * n_models / len(of_models),
        "audit_share": first.review.audit_share,
        "database": re.split(r"[+:]", configuration.database.url)[0],
    }
    load = Load(**(values | dict(options)))
    if load.requests_per_day < load.n_models:
        raise InputError(
            f"fewer requests than models: {load.requests_per_day:g} a day of {load.n_models} "
            "models; give more requests, or fewer models",
            code="bad_combination",
        )
    return load


def _days(period: timedelta | None) -> float | None:
    return None if period is None else period.total_seconds() / DAY_SECONDS


def _left_out(configuration: Configuration) -> Iterator[str]:
    traffic, of_models = configuration.traffic, configuration.by_model
    if traffic.rates:
        yield "traffic.rates: all traffic has monitoring.sample_rate here"
    if traffic.min_samples_per_task_type:
        yield "traffic.min_samples_per_task_type: decodes records beside the sample"
    if traffic.join.enabled:
        yield "traffic.join: each half is a row that is stored and deleted"
    if configuration.redaction.presidio:
        yield "redaction.presidio: takes longer than all else that ingest does"
    if configuration.embedding.model != Embedding().model:
        yield "embedding.model: the constants are those of the default encoder"
    if len({settings.monitoring for settings in of_models}) > 1:
        yield "monitoring of single models: all have the settings of the first"


def _stages(configuration: Configuration) -> tuple[Stage, ...]:
    rollout = configuration.rollout
    stages = []
    for percent in rollout.stages:
        # At 100% the stable version keeps its holdback.
        weight, dwell = float(percent), rollout.min_dwell
        if percent == 100:
            weight, dwell = 100.0 - rollout.holdback, rollout.holdback_time
        rates = arm_rates(weight, rollout.canary_rate, rollout.stable_per_canary)
        share = weight / 100 * rates["canary"] + (1 - weight / 100) * rates["stable"]
        stages.append(Stage(share=share, days=dwell.total_seconds() / DAY_SECONDS))
    return tuple(stages)
