"""Reasons for which a pipeline fails: drift, also within a segment, a guarded metric, a rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import InputError
from monitor.rendering.excerpts import excerpt

METRIC = "metric:"
ALLOWED = "drift, segment, rule, or metric:NAME"


@dataclass(frozen=True)
class FailOn:
    """The kinds of findings that decide the exit status."""

    drift: bool = True
    #: Drift within a segment; part of ``drift``, too.
    segment: bool = False
    rule: bool = True
    #: Names of guarded metrics.
    metrics: tuple[str, ...] = ()


def parse_fail_on(values: Sequence[str], *, has_rules: bool, has_segments: bool) -> FailOn:
    """Return what a pipeline fails on; without values on drift, and on rules where there are any.

    Raises:
        InputError: A value is none of those allowed, or there is no rule or segment to fail on.
    """
    for value in values:
        is_metric = value.startswith(METRIC) and value != METRIC
        if value not in {"drift", "segment", "rule"} and not is_metric:
            raise InputError(
                f"--fail-on {excerpt(value, 60)}: unknown; give {ALLOWED}", code="unknown_fail_on"
            )
    if "rule" in values and not has_rules:
        raise InputError(
            "--fail-on rule: there is no rule; give --rule, or set drift.rules",
            code="nothing_to_fail_on",
        )
    if "segment" in values and not has_segments:
        raise InputError(
            "--fail-on segment: there are no segments; give --by", code="nothing_to_fail_on"
        )
    if not values:
        return FailOn()
    metrics = [value.removeprefix(METRIC) for value in values if value.startswith(METRIC)]
    return FailOn(
        drift="drift" in values,
        segment="segment" in values,
        rule="rule" in values,
        metrics=tuple(dict.fromkeys(metrics)),
    )
