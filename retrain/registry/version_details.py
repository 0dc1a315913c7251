"""Details of a version, and differences between two versions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from monitor.errors import TrainingError
from monitor.store.training import registry as store
from monitor.store.training.baseline_plans import BaselinePlanRow, latest_baseline_plan
from monitor.store.training.registry import ScoreRow, StageChangeRow, VersionRow
from monitor.store.training.runs import RunRow, run_by_id
from retrain.run_folder import RunFolder, read_json


@dataclass(frozen=True)
class VersionDetails:
    """A version with its origin, scores and changes of stage."""

    version: VersionRow
    #: The version that it continued from.
    parent: VersionRow | None
    #: The run that trained it; ``None`` for a version registered by hand.
    run: RunRow | None
    #: The data card of the run; empty if the run folder is missing.
    card: dict[str, Any]
    scores: list[ScoreRow]
    moves: list[StageChangeRow]
    #: The plan for its drift baseline, from its last promotion.
    baseline: BaselinePlanRow | None


@dataclass(frozen=True)
class Difference:
    """A field with different values in two versions; an empty text: absent."""

    #: ``recipe``, ``data`` or ``lineage``.
    section: str
    name: str
    first: str
    second: str


def describe_version(connection: Connection, version: VersionRow) -> VersionDetails:
    """Return the details of a version from the database and its run's folder."""
    run = (
        None if version.training_run_id is None else run_by_id(connection, version.training_run_id)
    )
    parent = (
        None if version.parent_id is None else store.version_by_id(connection, version.parent_id)
    )
    return VersionDetails(
        version=version,
        parent=parent,
        run=run,
        card={} if run is None else _card_of(run),
        scores=store.scores_of(connection, version.id),
        moves=store.stage_changes(connection, version.id),
        baseline=latest_baseline_plan(connection, version.id),
    )


def differences(first: VersionDetails, second: VersionDetails) -> list[Difference]:
    """Return the differences in recipe, data and lineage."""
    sections = (
        ("recipe", _recipe(first), _recipe(second)),
        ("data", flatten(first.card), flatten(second.card)),
        ("lineage", _lineage(first), _lineage(second)),
    )
    return [
        Difference(section, name, single.get(name, ""), other.get(name, ""))
        for section, single, other in sections
        for name in dict.fromkeys([*single, *other])
        if single.get(name, "") != other.get(name, "")
    ]


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested JSON to dotted names and text values.

    Example:
        >>> flatten({"versions": {"trl": "1.16"}, "n": 3})
        {'versions.trl': '1.16', 'n': '3'}
    """
    matches: dict[str, str] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            matches |= flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            matches[f"{prefix}{name}"] = text
    return matches


def _recipe(facts: VersionDetails) -> dict[str, str]:
    return {} if facts.run is None else flatten(facts.run.recipe)


def _lineage(facts: VersionDetails) -> dict[str, str]:
    version = facts.version
    own = {
        "adapter": version.adapter_path,
        "adapter_digest": version.adapter_digest,
        "parent": "" if facts.parent is None else f"version {facts.parent.version}",
        "training_run": "" if facts.run is None else str(facts.run.id),
        "decision": "" if facts.run is None else str(facts.run.decision_id or ""),
    }
    return own | flatten(version.lineage)


def _card_of(run: RunRow) -> dict[str, Any]:
    try:
        return read_json(RunFolder(Path(run.work_dir)).card) or {}
    except (OSError, TrainingError):
        return {}
