"""Values that a rule is about: a descriptor or a metric of each exchange of one side."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors import describe
from monitor.descriptors.catalogue import descriptors_of
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import join_names
from monitor.settings.rules import Rule, RuleSide
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.metrics import count_values, metric_values
from monitor.windows.comparison.numeric_columns import faults_of

#: Metrics that a reason names.
NAMED = 12


@dataclass(frozen=True)
class RuleValues:
    """The values of a name, and what the rule says of them."""

    #: ``[n]``, NaN where an exchange has none.
    values: NDArray[np.float64]
    #: ``mean``, ``p95``, or empty.
    statistic: str


class ValueSource:
    """The names that rules may have, with their values in one side; each is computed once."""

    def __init__(self, window: Exchanges, *, has_responses: bool) -> None:
        self._window = window
        self._has_responses = has_responses
        self._metrics = count_values(window.attributes)
        self._known: dict[tuple[str, str], NDArray[np.float64] | None] = {}

    def find(self, rule: Rule) -> RuleValues | str:
        """Return the values of a rule, or why there are none.

        A name with an end such as ``_p95`` is first sought as a whole.
        """
        for name, statistic in ((rule.name, ""), rule.statistic):
            for side in (rule.side,) if rule.side else ("response", "prompt", "metric"):
                values = self._values(side, name)
                if values is not None:
                    return RuleValues(values, statistic)
        return self._missing(rule)

    def _values(self, side: RuleSide | str, name: str) -> NDArray[np.float64] | None:
        key = side, name
        if key not in self._known:
            self._known[key] = self._read(side, name)
        return self._known[key]

    def _read(self, side: str, name: str) -> NDArray[np.float64] | None:
        window = self._window
        if side == "metric":
            has_values = self._metrics[name] > 0
            return metric_values(window.attributes, [name])[name] if has_values else None
        if side == "response" and not self._has_responses:
            return None
        texts = window.responses if side == "response" else window.prompts
        for descriptor in descriptors_of("response" if side == "response" else "prompt"):
            if rule_name(descriptor.name) == name:
                return describe(texts, descriptor.function)
        if side == "response":
            for fault, read in faults_of(window).items():
                if rule_name(fault) == name:
                    return read()
        return None

    def _missing(self, rule: Rule) -> str:
        name = excerpt(rule.name, 60)
        if not self._has_responses and rule.side in {"", "response"}:
            of_responses = {rule_name(name) for name in response_names()}
            if {rule.name, rule.statistic[0]} & of_responses:
                return "the current side has no responses"
        metrics = [f"`{excerpt(metric, 40)}`" for metric in sorted(self._metrics)[:NAMED]]
        return f"`{name}` is no descriptor, and the current side has no metric of that name; " + (
            f"its metrics: {join_names(metrics)}" if metrics else "it has no metrics"
        )


def rule_name(name: str) -> str:
    """Return the name of a descriptor in rules.

    Example:
        >>> rule_name("length in tokens"), rule_name("non-letter share"), rule_name("cut off")
        ('length', 'non_letter_share', 'cut_off')
    """
    short = re.split(r" in | than | \(", name)[0]
    return re.sub(r"[ -]", "_", short)


def response_names() -> list[str]:
    """Return the names of the descriptors of responses that a rule may have."""
    return [*(entry.name for entry in descriptors_of("response")), *faults_of(Exchanges())]
