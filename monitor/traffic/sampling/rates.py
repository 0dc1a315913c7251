"""The sampling rate of each model and task type."""

from monitor.settings import Settings


class SamplingRates:
    """Looks rates up: the most specific rule wins, and ``monitoring.sample_rate`` is the last.

    A task type is narrower than a model: a rule for a task of any model comes before one for any
    task of a model.
    """

    def __init__(self, settings: Settings) -> None:
        self._default = settings.monitoring.sample_rate
        self._rules = {(rule.model, rule.task_type): rule.rate for rule in settings.traffic.rates}

    @property
    def highest(self) -> float:
        """Return the highest rate: what has to be decoded at least."""
        return max(self._default, *self._rules.values(), 0.0)

    def rate_for(self, model: str, task_type: str) -> float:
        """Return the rate of a task type of a model."""
        for rule in ((model, task_type), (None, task_type), (model, None)):
            if rule in self._rules:
                return self._rules[rule]
        return self._default
