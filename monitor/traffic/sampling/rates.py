"""Sampling rates by model and task type."""

from monitor.settings import Settings


class SamplingRates:
    """Sampling rates: the most specific rule wins, ``monitoring.sample_rate`` is the default.

    A rule for a task type of any model takes precedence over one for any task type of a model.
    """

    def __init__(self, settings: Settings) -> None:
        self._default = settings.monitoring.sample_rate
        self._rules = {(rule.model, rule.task_type): rule.rate for rule in settings.traffic.rates}

    @property
    def highest(self) -> float:
        """The highest rate: the share of records to decode at least."""
        return max(self._default, *self._rules.values(), 0.0)

    def rate_for(self, model: str, task_type: str) -> float:
        """Return the rate of a model's task type."""
        for rule in ((model, task_type), (None, task_type), (model, None)):
            if rule in self._rules:
                return self._rules[rule]
        return self._default
