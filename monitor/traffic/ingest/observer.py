"""Observation of a batch's exchanges for rollouts and experiments."""

from datetime import datetime

from monitor.settings import Sections
from monitor.store.traffic.daily_counts import SampledCount
from monitor.store.traffic.position import Position
from monitor.traffic.exchange import Exchange
from monitor.traffic.observation import observation_row
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor
from monitor.traffic.sampling.design import SamplingDesign
from monitor.traffic.sampling.observation_plan import (
    ObservationPlan,
    Observed,
    UnknownLabel,
    header_text,
)
from monitor.traffic.sampling.sampler import Draw
from retrain.rollout.rows.observations import LabelKey, ObservationRow


class Observer:
    """Observer of one batch."""

    def __init__(
        self, settings: Sections, design: SamplingDesign, redactor: Redactor | None
    ) -> None:
        self._settings = settings
        self._redactor = redactor
        self._design = design
        self.rows: list[ObservationRow] = []
        #: Exchanges of models in rollout whose label names neither version.
        self.labels: dict[LabelKey, SampledCount] = {}

    def decide(self, record: RawRecord, exchange: Exchange) -> Observed | None:
        """Return how an exchange of a record is observed; ``None``: it isn't."""
        plan = record.plan
        if plan is None or exchange.model not in plan.models:
            return None
        draw = self._design.upstream_of(self._design.upstream(record), exchange.exchange_id)
        # Headers come first here too, so that both decisions are about the same version and user.
        user = plan.user_header and header_text(record.headers, plan.user_header)
        label = header_text(record.headers, plan.version_header)
        return self._decide(
            plan,
            exchange,
            user or exchange.end_user,
            draw,
            label=label if plan.is_decided_by_header else None,
        )

    def decide_joined(
        self, plan: ObservationPlan, exchange: Exchange, draw: Draw
    ) -> Observed | None:
        """Return how an exchange of two halves is observed; ``None``: it isn't."""
        # Both halves were read: what earlier stages left out, they left out of both arms.
        return self._decide(
            plan, exchange, exchange.end_user, Draw(draw.randomness, 0, draw.probability)
        )

    def add(
        self, exchange: Exchange, observed: Observed, position: Position, received_at: datetime
    ) -> None:
        """Add an observed exchange, which is redacted."""
        settings = self._settings.settings_of(exchange.model).rollout
        self.rows.append(
            observation_row(
                exchange, observed, settings, position=position, received_at=received_at
            )
        )

    def _decide(
        self,
        plan: ObservationPlan,
        exchange: Exchange,
        user: str,
        draw: Draw,
        *,
        label: str | None = None,
    ) -> Observed | None:
        """Return how an exchange is observed; ``label``: that of the header that decided."""
        decided = plan.decide(
            exchange.model,
            exchange.attributes,
            user,
            occurred_at=exchange.occurred_at,
            draw=draw,
            label=label,
        )
        if not isinstance(decided, UnknownLabel):
            return decided
        read = draw.inclusion_probability
        if label is not None:  # of records whose header names neither version the sample is decoded
            read = self._design.sample_probability(draw)
        # A client may have written it.
        name = decided.label if self._redactor is None else self._redactor.redact(decided.label)
        key = LabelKey(decided.rollout_id, name)
        self.labels[key] = self.labels.get(key, SampledCount()) + SampledCount(1, 1.0 / read)
        return None
