"""Fixed rules, checked on the current side alone: each by an interval, never by its estimate."""

import math
from collections.abc import Sequence

import numpy as np

from monitor.settings.rules import UNITS, Rule, parse_rule
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import RuleOutcome, RuleResult
from monitor.windows.gate.rule_values import RuleValues, ValueSource
from monitor.windows.gate.unit_intervals import (
    MIN_UNITS,
    UnitInterval,
    mean_interval,
    quantile_interval,
    share_interval,
)


def check_rules(
    rules: Sequence[str], window: Exchanges, *, has_responses: bool
) -> tuple[RuleResult, ...]:
    """Return the results of rules, in their order; a rule that stands twice has one.

    Args:
        rules: As :func:`parse_rule` takes them.
        window: The current side, all exchanges.
        has_responses: Whether any has a response, if only an empty one.
    """
    source = ValueSource(window, has_responses=has_responses)
    return tuple(
        _check(parse_rule(text), source, window.end_users) for text in dict.fromkeys(rules)
    )


def _check(rule: Rule, source: ValueSource, end_users: Sequence[str]) -> RuleResult:
    source_values = source.find(rule)
    if isinstance(source_values, str):
        return RuleResult(rule=rule.text, outcome="undecided", reason=source_values)
    known = np.isfinite(source_values.values)
    n_values = int(known.sum())
    values = RuleValues(source_values.values[known], source_values.statistic)
    users = (
        [end_users[row] for row in np.flatnonzero(known).tolist()]
        if len(end_users)
        else [""] * n_values
    )
    interval = _interval(rule, values, users)
    if isinstance(interval, str):
        return RuleResult(rule=rule.text, outcome="undecided", n_values=n_values, reason=interval)
    return RuleResult(
        rule=rule.text,
        outcome=_outcome(rule, interval),
        estimate=interval.estimate,
        lower=interval.lower if math.isfinite(interval.lower) else None,
        upper=interval.upper if math.isfinite(interval.upper) else None,
        n_values=n_values,
    )


def _interval(rule: Rule, finite: RuleValues, users: Sequence[str]) -> UnitInterval | str:
    """Return the interval of a rule, or why it has none."""
    values, statistic = finite.values, finite.statistic
    if not len(values):
        return "no exchange has a value"
    if rule.is_percent and (values.min() < 0.0 or values.max() > 1.0):
        return "values lie outside 0 to 1, so it is no share; write the number without %"
    if statistic.startswith("p"):
        return quantile_interval(values, users, int(statistic[1:]) / 100)
    if np.isin(values, (0.0, 1.0)).all() and rule.statistic[0] not in UNITS:
        return share_interval(values, users)
    if not statistic:
        return f"it is no share; write {rule.name}_mean, {rule.name}_p50 or {rule.name}_p95"
    return mean_interval(values, users) or f"a mean needs {MIN_UNITS} end users"


def _outcome(rule: Rule, interval: UnitInterval) -> RuleOutcome:
    lower, upper, bound = interval.lower, interval.upper, rule.bound
    is_kept, is_broken = {
        "<": (upper < bound, lower >= bound),
        "<=": (upper <= bound, lower > bound),
        ">": (lower > bound, upper <= bound),
        ">=": (lower >= bound, upper < bound),
    }[rule.operator]
    return "kept" if is_kept else "broken" if is_broken else "undecided"
