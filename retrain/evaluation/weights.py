"""Weights of an evaluation's systems: compared at its start, before and after they are loaded."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from monitor.errors import ModelError, TrainingError
from monitor.store.engine import transaction
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    CANDIDATE,
    INCUMBENT,
    SYSTEM_NAMES,
    GateCheck,
)
from monitor.store.training.registry import (
    VersionRow,
    production_version,
    save_identity,
    version_by_adapter_path,
    version_by_id,
)
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.evaluation.request import EvaluationRequest, as_request
from retrain.identity.record import take_identity
from retrain.identity.verification import compare, find_change, read_states, verify_version


def versions_compared(connection: Connection, row: CandidateEvaluationRow) -> dict[str, VersionRow]:
    """Return the candidate and, where one serves, the incumbent of an evaluation, by system."""
    matches = {CANDIDATE: version_by_id(connection, row.version_id)}
    incumbent = as_request(row.request).incumbent
    if incumbent is not None:
        place = incumbent.adapter or incumbent.base
        version = production_version(connection, row.model)
        if version is None or version.adapter_path != place:  # another one serves meanwhile
            version = version_by_adapter_path(connection, row.model, place)
        if version is not None:
            matches[INCUMBENT] = version
    return matches


def describe_changes(engine: Engine, row: CandidateEvaluationRow, now: datetime) -> str:
    """Return what differs from the records of an evaluation's versions; empty: nothing.

    A version without a record gets one by the evaluation.
    """
    with transaction(engine) as connection:
        versions = versions_compared(connection, row)
    changes = {
        system: verify_version(engine, version.id, now)
        for system, version in versions.items()
        if version.identity is not None
    }
    return "; ".join(
        f"the {SYSTEM_NAMES[system]}, {row.model} version {versions[system].version}: {change.text}"
        for system, change in changes.items()
        if change is not None
    )


def recorded_identities(
    connection: Connection, row: CandidateEvaluationRow
) -> dict[str, WeightsIdentity]:
    """Return the records of an evaluation's versions, by system."""
    return {
        system: version.identity
        for system, version in versions_compared(connection, row).items()
        if version.identity is not None
    }


def store_identities(
    connection: Connection, row: CandidateEvaluationRow, result: Mapping[str, Any]
) -> None:
    """Record what an evaluation's child has loaded, of versions without a record."""
    taken = msgspec.convert(result.get("identities", {}), dict[str, WeightsIdentity])
    for system, version in versions_compared(connection, row).items():
        if version.identity is None and system in taken:
            save_identity(connection, version.id, taken[system])


def weights_checks(
    connection: Connection, row: CandidateEvaluationRow, now: datetime
) -> list[GateCheck]:
    """Return an undecided check where a rated candidate is not what was evaluated."""
    change = find_change(connection, version_by_id(connection, row.version_id), now)
    if change is None:
        return []
    required = "the weights that were evaluated; restore them and approve, or evaluate again"
    return [GateCheck("unchanged weights", "undecided", change.text, required, code="weights")]


class LoadedWeights:
    """The weights that an evaluation's child loads: those recorded, from first to last response."""

    def __init__(self, request: EvaluationRequest, now: datetime) -> None:
        """Compare with the records; digest a system that has none.

        Raises:
            TrainingError: A file differs.
        """
        self.identities = dict(request.identities)
        for system, source in ((CANDIDATE, request.candidate), (INCUMBENT, request.incumbent)):
            if source is not None and system not in self.identities:
                with suppress(ModelError):  # who loads it says what is wrong
                    self.identities[system] = take_identity(source, now)
        #: Size, inode and time of change of each file.
        self.states = read_states(self.identities.values())
        self._compare(now)

    def require_unchanged(self, now: datetime) -> None:
        """Require that no file was written since, not even with the same content.

        Raises:
            TrainingError: One was, so nobody knows which content was loaded.
        """
        states = read_states(self.identities.values())
        written = [path for path, state in self.states.items() if states[path] != state]
        if written:
            raise TrainingError(
                f"written while the evaluation read it: {', '.join(written)}; evaluate again",
                code="weights_changed",
            )
        self._compare(now)

    def _compare(self, now: datetime) -> None:
        for system, identity in self.identities.items():
            change = compare(identity, now).change
            if change is not None:
                raise TrainingError(
                    f"the {SYSTEM_NAMES[system]}: {change.text}", code=f"weights_{change.kind}"
                )
