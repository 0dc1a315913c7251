"""Observations of rollouts from decoded exchanges."""

from datetime import datetime

from monitor.descriptors.response_measures import measure_response
from monitor.settings import Rollout
from monitor.store.traffic.position import Position
from monitor.traffic.exchange import Exchange
from monitor.traffic.sampling.observation_plan import Observed
from retrain.rollout.rows.observations import ObservationRow


def observation_row(
    exchange: Exchange,
    observed: Observed,
    settings: Rollout,
    *,
    position: Position,
    received_at: datetime,
) -> ObservationRow:
    """Return the row of an observed exchange.

    The exchange is redacted; one whose texts are withheld is observed without them.
    """
    withheld = exchange.withheld
    return ObservationRow(
        rollout_id=observed.rollout_id,
        position=position,
        exchange_id=exchange.exchange_id,
        occurred_at=exchange.occurred_at,
        received_at=received_at,
        model=exchange.model,
        arm=observed.arm,
        task_type=exchange.task_type,
        end_user=exchange.end_user,
        inclusion_probability=observed.inclusion_probability,
        prompt="" if withheld else exchange.prompt,
        response="" if withheld else exchange.response,
        measures=measure_response(
            None if withheld else exchange.response,
            exchange.attributes,
            latency_field=settings.latency_field,
            error_field=settings.error_field,
        ),
    )
