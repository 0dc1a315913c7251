"""The versions that a model's endpoint should serve, by the registry and the traffic weights."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from monitor.settings import Settings
from monitor.store.tables import Rollout, TrafficWeights
from monitor.store.training.registry import (
    VersionRow,
    production_version,
    stage_changes,
    version_by_id,
)

#: Time that a recorded change may need to arrive: by weights that a gateway confirmed, by others.
CONFIRMED_GRACE, UNCONFIRMED_GRACE = timedelta(hours=1), timedelta(hours=24)


@dataclass(frozen=True)
class Serving:
    """The versions that get traffic."""

    #: The stable version; ``None``: the model has no registered version.
    stable: VersionRow | None
    #: The version that rolls out, if it gets traffic.
    canary: VersionRow | None
    #: When the stable version or its share last changed; ``None``: not recorded.
    since: datetime | None
    #: Whether the weights were read back from the gateway.
    is_confirmed: bool = False

    @property
    def grace(self) -> timedelta:
        """The time after a recorded change in which responses of before are expected."""
        return CONFIRMED_GRACE if self.is_confirmed else UNCONFIRMED_GRACE

    @property
    def is_mixed(self) -> bool:
        """Whether two versions get traffic."""
        return self.canary is not None

    def version_of(self, role: str) -> VersionRow | None:
        """Return the version of a role."""
        return self.canary if role == "canary" else self.stable


def read_serving(connection: Connection, settings: Settings, now: datetime) -> Serving:
    """Return the versions that a model's endpoint should serve."""
    model = settings.model.name
    stable = production_version(connection, model)
    moved = [] if stable is None else stage_changes(connection, stable.id)
    since = max((m.changed_at for m in moved if m.to_stage == "production"), default=None)
    newest = connection.execute(
        select(
            TrafficWeights.stable_version_id,
            TrafficWeights.canary_version_id,
            TrafficWeights.canary_percent,
            TrafficWeights.created_at,
            TrafficWeights.confirmed_at,
        )
        .where(TrafficWeights.model == model)
        .order_by(TrafficWeights.generation.desc())
        .limit(2)
    ).all()
    if not newest:
        open_rollout = connection.execute(
            select(Rollout.version_id, Rollout.stage_started_at).where(
                Rollout.model == model, Rollout.finished_at.is_(None), Rollout.weight_percent > 0
            )
        ).one_or_none()
        if open_rollout is None:
            return Serving(stable, None, since)
        rolling = version_by_id(connection, open_rollout.version_id)
        return Serving(stable, rolling, open_rollout.stage_started_at)
    weights = newest[0]
    changed_at = weights.confirmed_at or weights.created_at
    canary_id = weights.canary_version_id if weights.canary_percent else None
    if weights.confirmed_at is None and now - weights.created_at < UNCONFIRMED_GRACE and newest[1:]:
        # The gateway may still split by the weights before.
        before = newest[1]
        canary_id = canary_id or (before.canary_version_id if before.canary_percent else None)
    stable_id = weights.stable_version_id
    if weights.canary_percent == 100 and weights.confirmed_at is not None and canary_id:
        stable_id = canary_id
    served = version_by_id(connection, stable_id)
    canary = None if canary_id in {None, stable_id} else version_by_id(connection, canary_id)
    changed_at = changed_at if since is None else max(since, changed_at)
    # Without a gateway a row is confirmed by being there.
    is_read = weights.confirmed_at is not None and settings.rollout.gateway != "none"
    return Serving(served, canary, changed_at, is_read)
