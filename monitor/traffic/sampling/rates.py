"""Sampling rates by model and task type."""

from monitor.settings import Sections
from monitor.settings.models.names import ModelNames


class SamplingRates:
    """Sampling rates: the most specific rule wins, ``monitoring.sample_rate`` is the default.

    A rule for a task type of any model takes precedence over one for any task type of a model.
    """

    def __init__(self, settings: Sections) -> None:
        self._default = settings.monitoring.sample_rate
        # The evaluation file of a model may set its rate.
        own: dict[tuple[str | None, str | None], float] = {
            (of_model.model.name, None): of_model.monitoring.sample_rate
            for of_model in settings.by_model
            if of_model.monitoring.sample_rate != self._default
        }
        rules = {
            (self._model_of(rule.model, settings.names), rule.task_type): rule.rate
            for rule in settings.traffic.rates
        }
        self._rules = {**own, **rules}

    @staticmethod
    def _model_of(name: str | None, names: ModelNames) -> str | None:
        return name if name is None else names.resolve(name) or name

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
