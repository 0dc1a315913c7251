"""Versions of a model that the registry knows, by the labels of the traffic; the one in service."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.store.tables import DriftEvaluation, ModelVersion, ReviewBatch, StageChange
from monitor.store.training.versions.version_labels import version_labels


@dataclass(frozen=True)
class Departure:
    """The end of a version's time in production."""

    version: int
    at: datetime


@dataclass(frozen=True)
class KnownVersions:
    """The versions of a model, and which one serves.

    The registry names the version in production. Where the newest window's responses have a label
    that the registry doesn't know, or where nothing is in production, the traffic names it.
    """

    #: Version by each label that the traffic may have for it.
    by_label: Mapping[str, int]
    #: The first version in production, which served before it was registered.
    first: int | None
    #: Name of the version that serves; empty where neither registry nor traffic names one.
    serving: str
    #: Id of the stage change by which it came into production; 0 for the first version, and where
    #: the registry doesn't name it.
    promotion_id: int
    #: By the id of its stage change, in order.
    departures: Mapping[int, Departure]

    def name(self, label: str) -> str:
        """Return the name of a version: its number, or the traffic's label of an unknown one.

        A response without a label was counted before the first promotion: it is of the first one.
        """
        number = self.by_label.get(label, self.first if not label else None)
        return label if number is None else str(number)

    def number(self, name: str) -> int | None:
        """Return the version's number; ``None``: the registry doesn't know it."""
        return self.by_label.get(name)

    def departure(self, name: str, promotion_id: int) -> Departure | None:
        """Return when a version left production after a promotion; ``None`` where it has not."""
        return next(
            (
                departure
                for change, departure in self.departures.items()
                if change > promotion_id and departure.version == self.number(name)
            ),
            None,
        )


def known_versions(connection: Connection, model: str) -> KnownVersions:
    """Return the versions of a model that the registry knows, and the one that serves."""
    return known_versions_of(connection, {model})[model]


def known_versions_of(connection: Connection, models: Collection[str]) -> dict[str, KnownVersions]:
    """Return the known versions of each of some models, by a fixed number of statements."""
    versions, changes = defaultdict(list), defaultdict(list)
    for row in connection.execute(
        select(ModelVersion.model, ModelVersion.version, ModelVersion.stage).where(
            ModelVersion.model.in_(models)
        )
    ):
        versions[row.model].append(row)
    for change in connection.execute(
        select(
            ModelVersion.model,
            StageChange.id,
            ModelVersion.version,
            StageChange.from_stage,
            StageChange.to_stage,
            StageChange.changed_at,
        )
        .join(ModelVersion, StageChange.version_id == ModelVersion.id)
        .where(ModelVersion.model.in_(models))
        .order_by(StageChange.id)
    ):
        changes[change.model].append(change)
    labels = _newest_labels(connection, models)
    return {
        model: _known(model, versions[model], changes[model], labels.get(model, ""))
        for model in models
    }


def _known(
    model: str, versions: Sequence[Any], changes: Sequence[Any], label: str
) -> KnownVersions:
    by_label = {
        label: row.version for row in versions for label in version_labels(model, row.version)
    }
    production = next((row.version for row in versions if row.stage == "production"), None)
    promotions = [row for row in changes if row.to_stage == "production"]
    first = promotions[0].version if promotions else production
    serving, promotion_id = str(by_label.get(label, label)), 0
    if production is not None and (not label or label in by_label):
        serving = str(production)
        promotion_id = promotions[-1].id if len(promotions) > 1 else 0
    return KnownVersions(
        by_label=by_label,
        first=first,
        serving=serving,
        promotion_id=promotion_id,
        departures={
            row.id: Departure(row.version, row.changed_at)
            for row in changes
            if row.from_stage == "production"
        },
    )


def _newest_labels(connection: Connection, models: Collection[str]) -> dict[str, str]:
    """Return the traffic's label of most responses at the end of each newest reviewed window."""
    place = func.row_number().over(
        partition_by=ReviewBatch.model,
        order_by=(DriftEvaluation.window_end.desc(), ReviewBatch.id.desc()),
    )
    ranked = (
        select(ReviewBatch.id, place.label("place"))
        .join(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .where(ReviewBatch.model.in_(models))
        .subquery()
    )
    statement = (
        select(ReviewBatch.model, ReviewBatch.design)
        .join(ranked, ranked.c.id == ReviewBatch.id)
        .where(ranked.c.place == 1)
    )
    return {
        row.model: str((row.design or {}).get("serving", ""))
        for row in connection.execute(statement)
    }
