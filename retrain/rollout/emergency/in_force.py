"""Weights that are in force now: read at the gateway, and reverts that no row has yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.errors import DriftwardenError
from retrain.rollout.apply import describe
from retrain.rollout.emergency.journal import JournalEntry, pending_entries
from retrain.rollout.gateways.protocol import Applied, Gateway
from retrain.rollout.rows.weights import WeightsRow
from retrain.rollout.weights import as_weights


@dataclass(frozen=True)
class InForce:
    """A model's weights at the gateway now, and the reverts of the journal."""

    #: Whether the gateway can tell its weights.
    is_read: bool
    #: ``None``: the gateway has none of the model, or could not be read.
    applied: Applied | None = None
    #: Why it could not be read.
    error: str = ""
    #: Reverts that no row has yet.
    reverts: Sequence[JournalEntry] = ()

    @property
    def text(self) -> str:
        """The weights of the gateway, or why they are not known."""
        return f"can't be read now: {self.error}" if self.error else describe(self.applied)

    def contradict(self, wanted: WeightsRow | None, started_at: datetime | None) -> str:
        """Return why wanted weights are not known to be in force; empty: nothing contradicts.

        ``started_at`` is when the open rollout started: an earlier revert is not of it.
        """
        if wanted is None:
            return ""
        parts = []
        if self.error:
            parts.append(f"the gateway {self.text}")
        elif self.is_read and not (self.applied and self.applied.matches(as_weights(wanted))):
            parts.append(f"the gateway has {self.text}")
        parts += [
            f"{entry.by} reverted {entry.at:%Y-%m-%d %H:%M} UTC without the database, which the "
            f"leader has not recorded yet: {entry.reason}"
            for entry in self.reverts
            if started_at is not None and started_at <= entry.at
        ]
        return "; ".join(parts)


def read_in_force(gateway: Gateway, journal: Path, model: str) -> InForce:
    """Read the weights of a model at the gateway, and its reverts in the journal."""
    reverts = [entry for _, entry in pending_entries(journal) if entry.model == model]
    if not gateway.capabilities.reads_weights:
        return InForce(False, reverts=reverts)
    try:
        return InForce(True, gateway.read(model), reverts=reverts)
    except DriftwardenError as error:
        return InForce(True, error=str(error), reverts=reverts)
