"""Rollouts of versions whose files lie in folders and are recorded."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.daemon.conditions.watch import watch_conditions
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.engine import transaction
from monitor.store.training.registry import VersionRow, version_by_number
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.identity import verification
from retrain.identity.record import take_identity
from tests.support.present import utc_now
from tests.support.retrain.rollout_desk import RolloutDesk
from tests.support.retrain.weights import adapter_on_base, write_adapter

MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WEIGHTS = "adapter_model.safetensors"


def later() -> datetime:
    """Return a time later than each file by more than a tick of the file system's clock."""
    return utc_now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)


@dataclass
class RecordedDesk(RolloutDesk):
    """A desk with an adapter and its base on disk for each version."""

    folder: Path = field(kw_only=True)

    def register(self, *, gates: bool = True, identity: WeightsIdentity | None = None) -> int:
        """Write the files of the next version, and register it."""
        number = len(list(self.folder.glob("v*"))) + 1
        source = adapter_on_base(self.folder / f"v{number}", seed=number)
        return super().register(gates=gates, identity=identity or take_identity(source, self.now))

    def adapter(self, number: int) -> Path:
        """Return the folder of a version's adapter."""
        return self.folder / f"v{number}" / "adapter"

    def swap(self, number: int) -> None:
        """Overwrite a version's weights with others."""
        write_adapter(self.folder / "other", seed=99)
        (self.adapter(number) / WEIGHTS).write_bytes((self.folder / "other" / WEIGHTS).read_bytes())

    def restore(self, number: int) -> None:
        """Write a version's weights again."""
        base = str(self.folder / f"v{number}" / "base")
        write_adapter(self.adapter(number), seed=number, base_model_name_or_path=base)

    def add_what_is_harmless(self, number: int) -> None:
        """Add a card, and replace the weights by a copy of equal bytes."""
        folder = self.adapter(number)
        (folder / "README.md").write_text("# A card")
        copy = folder / "copy.tmp"
        copy.write_bytes((folder / WEIGHTS).read_bytes())
        copy.replace(folder / WEIGHTS)

    def verify(self, after: timedelta = MINUTE) -> None:
        """Run the leader's jobs that compare files and open incidents, after some time."""
        self.now += after
        self.daemon.verify([self.settings], self.now)
        watch_conditions(self.engine, self.settings, [self.settings], self.now, started_at=LONG_AGO)
        self.apply()

    def incidents(self, cause: str = "weights_changed") -> list[IncidentRow]:
        """Return the incidents of a cause."""
        with transaction(self.engine) as connection:
            return list_incidents(connection, cause=cause)

    def version(self, number: int) -> VersionRow:
        """Return a version."""
        with transaction(self.engine) as connection:
            return version_by_number(connection, self.model, number)


def recorded_desk(engine: Engine, folder: Path) -> RecordedDesk:
    """Return a desk whose version 1 serves."""
    return RecordedDesk(engine, later(), folder=folder)


def note_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the names of the files that comparisons read, in the list that is returned."""
    names: list[str] = []
    original = verification.read_file

    def noting(folder: Path, name: str, base: str = "") -> object:
        names.append(name)
        return original(folder, name, base)

    monkeypatch.setattr(verification, "read_file", noting)
    return names
