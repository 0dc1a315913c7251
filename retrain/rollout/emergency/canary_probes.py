"""Probes of canaries with traffic: one that does not respond loses its traffic."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.errors import WorkflowError
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.rows.weights import WeightsRow
from retrain.rollout.transitions.revert import revert_rollout

PROBE_EVERY = timedelta(seconds=30)
#: Failed probes in a row after which a canary is reverted.
MAX_FAILED = 2

log = get_logger(__name__)


@dataclass
class CanaryProbes:
    """Regular probes of the canaries, by model; another leader begins to count anew."""

    engine: Engine
    gateway: Gateway
    _probed_at: dict[str, datetime] = field(default_factory=dict)
    _failed: dict[tuple[str, int], int] = field(default_factory=dict)

    def check(self, row: WeightsRow, now: datetime) -> bool:
        """Probe the canary of confirmed weights where it is due; return whether it was reverted.

        A failure counts only while the stable version responds to the same probe.
        """
        if row.canary is None or row.rollout_id is None or not self.gateway.capabilities.probes:
            return False
        if now - self._probed_at.get(row.model, now - PROBE_EVERY) < PROBE_EVERY:
            return False
        self._probed_at[row.model] = now
        key = row.model, row.canary
        result = self.gateway.probe(row.model, row.canary)
        if result.ok or not self.gateway.probe(row.model, row.stable).ok:
            self._failed.pop(key, None)
            return False
        self._failed[key] = self._failed.get(key, 0) + 1
        log.warning(
            "canary_probe_failed", model=row.model, version=row.canary, detail=result.detail
        )
        if self._failed[key] < MAX_FAILED:
            return False
        reason = f"version {row.canary} failed {MAX_FAILED} probes in a row: {result.detail}"
        with transaction(self.engine) as connection:
            try:
                revert_rollout(connection, row.rollout_id, now, by=SYSTEM, reason=reason)
            except WorkflowError:  # it has ended meanwhile
                return False
        return True
