"""Stages of model versions and their transitions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.training import registry as store
from monitor.store.training.baseline_plans import plan_baseline
from monitor.store.training.candidate_results import StratumScore
from monitor.store.training.registry import ScoreRow, VersionRow
from monitor.store.training.weights_identity import WeightsIdentity
from monitor.stored_words import Words
from retrain.registry.taints import inherit_taints, lineage_note

#: Allowed transitions: stage -> next stages.
TRANSITIONS = Words(
    {
        "candidate": frozenset({"canary", "production", "rejected", "archived"}),
        "canary": frozenset({"candidate", "production", "rejected", "archived"}),
        "production": frozenset({"archived"}),
        "archived": frozenset({"production"}),
        "rejected": frozenset({"candidate"}),
    },
    lambda _: frozenset(),
)


def register_version(
    connection: Connection,
    *,
    model: str,
    adapter_path: str,
    adapter_digest: str,
    lineage: dict[str, Any],
    now: datetime,
    parent_id: int | None = None,
    training_run_id: int | None = None,
    identity: WeightsIdentity | None = None,
    by: str = SYSTEM,
) -> int:
    """Register a candidate, once per run, with the taints of its weights; return its id."""
    if training_run_id is not None:
        existing = store.version_of_run(connection, training_run_id)
        if existing is not None:
            return existing.id
    version_id = store.insert_version(
        connection,
        model=model,
        stage="candidate",
        parent_id=parent_id,
        training_run_id=training_run_id,
        adapter_path=adapter_path,
        adapter_digest=adapter_digest,
        lineage=lineage,
        created_at=now,
        identity=identity,
    )
    details: dict[str, Any] = {"model": model, "adapter_digest": adapter_digest}
    taints = inherit_taints(connection, version_id, training_run_id, now)
    if taints:
        store.add_lineage_taints(connection, version_id, [lineage_note(taint) for taint in taints])
        details["tainted"] = True
    append_entry(
        connection,
        now,
        by,
        "version.registered",
        f"model_versions/{version_id}",
        details,
    )
    return version_id


def move_stage(
    connection: Connection,
    version_id: int,
    stage: str,
    *,
    changed_by: str,
    reason: str,
    now: datetime,
) -> None:
    """Move a version to a stage; a new production version archives its predecessor.

    The same transaction plans the new version's drift baseline. Moving a version to its current
    stage changes nothing.

    Raises:
        NotFoundError: The version does not exist.
        WorkflowError: The transition is not allowed.
    """
    version = store.version_by_id(connection, version_id, lock=True)
    if version.stage == stage:
        return
    if stage not in TRANSITIONS[version.stage]:
        advice = f"allowed: {', '.join(sorted(TRANSITIONS[version.stage]))}"
        if version.stage == "rejected" and version.training_run_id is not None:
            advice = (
                "evaluate it again with a reason, on its page or by driftwarden retrain evaluate "
                f"{version.training_run_id} --reason WHY"
            )
        raise WorkflowError(
            f"{version.model} version {version.version} is {version.stage} and can't become "
            f"{stage!r}; {advice}",
            code="stage_transition",
        )
    moves = [(version, stage, reason)]
    if stage == "production":
        serving = store.production_version(connection, version.model)
        if serving is not None:
            moves.insert(0, (serving, "archived", f"followed by version {version.version}"))
        plan_baseline(connection, version.model, version_id, now)
    for row, to, why in moves:
        store.set_stage(connection, row, to, changed_by=changed_by, reason=why, changed_at=now)
    for row, to, why in moves:
        append_entry(
            connection,
            now,
            changed_by,
            "version.moved",
            f"model_versions/{row.id}",
            {"from": row.stage, "to": to, "reason": why},
        )


def promote(
    connection: Connection, version_id: int, *, changed_by: str, reason: str, now: datetime
) -> None:
    """Move a version to production. See :func:`move_stage`."""
    move_stage(connection, version_id, "production", changed_by=changed_by, reason=reason, now=now)


def roll_back(
    connection: Connection, model: str, *, changed_by: str, reason: str, now: datetime
) -> VersionRow:
    """Return the version that served before to production; ``WorkflowError`` without one."""
    store.lock_model(connection, model)
    previous = store.previous_production(connection, model)
    if previous is None:
        raise WorkflowError(
            f"{model}: no earlier version served, so there is nothing to roll back to",
            code="no_earlier_version",
        )
    move_stage(connection, previous.id, "production", changed_by=changed_by, reason=reason, now=now)
    return store.version_by_id(connection, previous.id)


def store_scores(
    connection: Connection,
    version_id: int,
    benchmark: str,
    scores: Sequence[StratumScore],
    now: datetime,
) -> None:
    """Store a version's scores on a benchmark; replace earlier scores."""
    rows = [
        ScoreRow(benchmark, s.stratum, s.metric, s.value, s.lower, s.upper, s.n) for s in scores
    ]
    store.save_scores(connection, version_id, benchmark, rows, now)
