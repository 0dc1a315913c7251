"""The situation of a rollout: its rows as of now, as page, messages and programs describe it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from monitor.store.leadership import current_lease
from monitor.store.training.registry import version_by_id
from retrain.rollout.rows.events import RolloutEventRow, list_events
from retrain.rollout.rows.looks import Look, newest_look
from retrain.rollout.rows.measured_hours import measurement_of
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import WeightsRow, weights_of_rollout


@dataclass(frozen=True)
class RolloutSituation:
    """The rows of a rollout or experiment at a time."""

    rollout: RolloutRow
    #: Number of the version that it is compared with.
    stable: int
    #: Weights wanted by it, the oldest first.
    weights: Sequence[WeightsRow]
    #: The newest look.
    look: Look | None
    #: The oldest first.
    events: Sequence[RolloutEventRow]
    #: Whether a replica leads: without one, weights are not applied and nothing is looked at.
    has_leader: bool
    now: datetime
    #: Metric with a direction that has no check -> why; empty before the first look.
    not_compared: Mapping[str, str] = field(default_factory=dict)
    #: Stage of the version now; after the end it may be another than the rollout left it in.
    version_stage: str = "candidate"
    #: Why the wanted weights are not known to be in force, where gateway and journal were read now.
    not_in_force: str = ""

    @property
    def wanted(self) -> WeightsRow | None:
        """The weights wanted now."""
        return self.weights[-1] if self.weights else None

    @property
    def confirmed(self) -> WeightsRow | None:
        """The newest weights that the gateway has confirmed."""
        return next((row for row in reversed(self.weights) if row.confirmed_at), None)

    @property
    def is_confirmed(self) -> bool:
        """Whether the gateway has the wanted weights."""
        row = self.wanted
        confirmed = row is not None and row.confirmed_at is not None and not row.error
        return confirmed and not self.not_in_force

    @property
    def is_waited(self) -> bool:
        """Whether it waits for its advance checks: not in the holdback, nor after the end."""
        return self.rollout.is_open and self.rollout.status != "holdback"

    @property
    def last_event(self) -> RolloutEventRow | None:
        """The newest event."""
        return self.events[-1] if self.events else None

    def last(self, *events: str) -> RolloutEventRow | None:
        """Return the newest event of some kinds."""
        return next((row for row in reversed(self.events) if row.event in events), None)


def load_situation(connection: Connection, rollout: RolloutRow, now: datetime) -> RolloutSituation:
    """Return the situation of a rollout."""
    lease = current_lease(connection)
    return RolloutSituation(
        rollout=rollout,
        stable=version_by_id(connection, rollout.stable_version_id).version,
        weights=weights_of_rollout(connection, rollout.id),
        look=newest_look(connection, rollout.id),
        events=list_events(connection, rollout.id),
        has_leader=lease is not None and lease.held,
        now=now,
        not_compared=(measurement_of(connection, rollout.id) or {}).get("not_compared", {}),
        version_stage=version_by_id(connection, rollout.version_id).stage,
    )
