"""Taints: weights that learned from an erased end user are not used again unnoticed."""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.training import registry as versions
from monitor.store.training.registry import VersionRow
from monitor.store.training.runs import RunRow, run_by_id
from monitor.store.training.taints import (
    TaintRow,
    add_taint,
    tainted_runs,
    taints_of_run,
    taints_of_version,
)

#: Action of the audit entry where somebody accepts a taint.
ACCEPTED = "taint.accepted"


def taints_of_lineage(connection: Connection, version: VersionRow) -> list[TaintRow]:
    """Return the taints of a version, of its run, and of the versions that it continued from."""
    known: list[TaintRow] = []
    seen: set[int] = set()
    current: VersionRow | None = version
    while current is not None and current.id not in seen:
        seen.add(current.id)
        known += taints_of_version(connection, current.id, current.training_run_id)
        known += _taints_of_place(connection, current.adapter_path)
        parent = (
            None
            if current.parent_id is None
            else versions.version_by_id(connection, current.parent_id)
        )
        current = parent if parent is not None and continues_from(current, parent) else None
    return known


def taints_of_start(connection: Connection, run: RunRow) -> list[TaintRow]:
    """Return the taints of a run, and of the weights that its recipe starts from."""
    known = taints_of_run(connection, run.id)
    for place in (run.recipe.get("start_adapter"), run.recipe.get("base")):
        if not place:
            continue
        known += _taints_of_place(connection, str(place))
        version = versions.version_by_adapter_path(connection, run.model, str(place))
        if version is not None:
            known += taints_of_lineage(connection, version)
    return known


def continues_from(version: VersionRow, parent: VersionRow) -> bool:
    """Return whether a version started from its parent's weights.

    A version may name as its parent the version in production at the time, although it was trained
    from the base model.
    """
    lineage = version.lineage
    return bool(lineage.get("parent_adapter")) or lineage.get("base") == parent.adapter_path


def require_untainted_version(
    connection: Connection, version: VersionRow, now: datetime, *, by: str, accept: str
) -> None:
    """Require that a version learned from no erased end user, or that somebody accepts it.

    ``accept`` is why the taint is accepted; empty: it is not.

    Raises:
        WorkflowError: The version is tainted.
    """
    known = taints_of_lineage(connection, version)
    name = f"{version.model} version {version.version}"
    _require(connection, known, name, f"model_versions/{version.id}", now, by=by, accept=accept)


def require_untainted_run(
    connection: Connection, run: RunRow, now: datetime, *, by: str, accept: str
) -> None:
    """Raise ``WorkflowError`` for a tainted run that is to be resumed, unless it is accepted."""
    known = taints_of_run(connection, run.id)
    name, subject = f"training run {run.id}", f"training_runs/{run.id}"
    _require(connection, known, name, subject, now, by=by, accept=accept)


def inherit_taints(
    connection: Connection, version_id: int, training_run_id: int | None, now: datetime
) -> list[TaintRow]:
    """Taint a new version like its run and the weights it continued from; return its taints."""
    version = versions.version_by_id(connection, version_id)
    known = taints_of_lineage(connection, version)
    if training_run_id is not None:
        known += taints_of_start(connection, run_by_id(connection, training_run_id))
    for taint in known:
        direct = training_run_id is not None and taint.run_id == training_run_id
        add_taint(
            connection,
            taint.erasure_id,
            version.model,
            "trained_on" if direct and taint.cause == "trained_on" else "continued",
            now,
            version_id=version_id,
        )
    return taints_of_version(connection, version_id, None)


def lineage_note(taint: TaintRow) -> dict[str, Any]:
    """Return what the lineage of a version says about a taint."""
    return {
        "since": taint.tainted_at.isoformat(),
        "cause": taint.cause,
        "erasure": taint.erasure_id,
    }


def _taints_of_place(connection: Connection, place: str) -> list[TaintRow]:
    """Return the taints of the runs in whose folder weights lie: checkpoints and adapters."""
    if not place or "://" in place:
        return []
    path = Path(place).resolve()
    known = []
    for taint in tainted_runs(connection):
        if taint.run_id is not None:
            folder = Path(run_by_id(connection, taint.run_id).work_dir).resolve()
            if path.is_relative_to(folder):
                known.append(taint)
    return known


def _require(
    connection: Connection,
    known: list[TaintRow],
    name: str,
    subject: str,
    now: datetime,
    *,
    by: str,
    accept: str,
) -> None:
    if not known:
        return
    if not accept.strip():
        raise WorkflowError(
            f"{name} learned from an end user who was erased on "
            f"{min(taint.tainted_at for taint in known):%Y-%m-%d}, and weights can't forget; "
            "train a new run from earlier weights, without this end user's data, or accept it with "
            "a reason: --accept-taint WHY",
            code="tainted",
        )
    details = {
        "reason": accept.strip(),
        "erasures": sorted({taint.erasure_id for taint in known}),
    }
    append_entry(connection, now, by, ACCEPTED, subject, details)
