"""Descriptors and metrics, their coverage, fixed rules, and what the windows could have shown."""

from typing import Literal

import msgspec

CoverageKind = Literal["metric", "field", "task_type"]
RuleOutcome = Literal["kept", "broken", "undecided"]


class NumericAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """A descriptor of prompts or responses, or a metric, compared with the baseline."""

    name: str
    side: Literal["prompt", "response", "metric"]
    #: +1: higher is better, -1: lower is better, 0: neither.
    direction: Literal[-1, 0, 1]
    #: Of metrics, as ``drift.units`` names it; shown after the means.
    unit: str = ""
    n_reference: int
    n_current: int
    reference_mean: float
    current_mean: float
    #: Standardized difference (Cliff's delta), in [-1, 1], with its 95% interval.
    effect_size: float
    effect_lower: float | None = None
    effect_upper: float | None = None
    #: Relative change of the mean, with its 95% interval; ``None`` where the baseline's mean is not
    #: significantly different from 0.
    relative_change: float | None
    relative_change_lower: float | None
    relative_change_upper: float | None
    p_value: float
    #: Adjusted for the number of descriptors, or of metrics (Benjamini-Hochberg).
    adjusted_p_value: float
    #: Of metrics: worse than the baseline by ``alert_threshold`` or more, and the interval excludes
    #: no change. Descriptors of responses alarm as part of the output family, those of prompts
    #: never.
    degraded: bool


class FallenCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A metric, field or task type that exchanges of the window have no longer, or far fewer."""

    kind: CoverageKind
    #: Of the metric or task type, or the key of the field: ``user``, ``task_type``, ``response``,
    #: ``context``.
    name: str
    #: Exchanges with a value.
    n_reference: int
    n_current: int
    #: Their shares of the exchanges: of the baseline's on the window's days of the week, with the
    #: window's mix of task types.
    share_reference: float
    share_current: float
    #: Values of a metric that are texts.
    n_texts: int = 0


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed rule (``drift.rules``), of the window alone."""

    rule: str
    #: ``broken`` where the interval lies beyond the bound, ``kept`` where it lies within,
    #: ``undecided`` where it holds the bound or there is none.
    outcome: RuleOutcome
    #: A share or a quantile of the exchanges, or a mean, with its 95% interval; ``None``: no value,
    #: or no limit.
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    #: Exchanges with a value.
    n_values: int = 0
    #: Why there is no interval; empty where there is one.
    reason: str = ""


class DetectableShare(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest drifted share of the prompts with which four of five windows alarm.

    Of windows of these sizes and end users, at these levels.
    """

    #: ``new_topic``: one narrow topic. ``scattered``: prompts that resemble each other no more than
    #: the rest.
    kind: Literal["new_topic", "scattered"]
    #: ``None``: even three in five alarm in fewer windows.
    share: float | None
    #: Its 95% interval: the Monte Carlo error of the search.
    lower: float
    upper: float
    #: Whether it was simulated on these prompts; else it is interpolated in a table that was made
    #: on CLINC150 (docs/benchmarks.md).
    is_simulated: bool
