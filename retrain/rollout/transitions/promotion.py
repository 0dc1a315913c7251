"""Promotion of a version, and the step back, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.audit_log import append_entry
from monitor.store.training import registry as versions
from monitor.store.training.registry import VersionRow, lock_model
from retrain.evaluation.gate_result import require_promotable
from retrain.identity.verification import find_change, require_unchanged
from retrain.registry.four_eyes import Approval, require_other_account
from retrain.registry.reasons import require_sentence
from retrain.registry.stages import move_stage, roll_back
from retrain.registry.taints import require_untainted_version
from retrain.rollout.rows import rollouts as store
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.transitions.open_rollout import end_command
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import complete
from retrain.rollout.weights import want_weights


def promote_version(
    connection: Connection,
    version: VersionRow,
    now: datetime,
    *,
    by: str,
    reason: str,
    without_gate: bool = False,
    accept_taint: str = "",
    approval: Approval = "one",
) -> None:
    """Move a version to production with all traffic; the rollout of this version is completed.

    With ``without_gate`` it needs no gate result that permits it, but a sentence as reason and,
    where ``approval`` (``retrain.approval``) is "two", somebody who neither trained nor evaluated
    it. ``accept_taint`` is why a version that learned from an erased end user may serve; empty: it
    may not.

    Raises:
        WorkflowError: It has no gate result that permits it, it is not what was registered, the
            reason is no sentence, somebody else has to promote it, it learned from an erased end
            user, or another version's rollout is open.
    """
    lock_model(connection, version.model)
    version = versions.version_by_id(connection, version.id)
    current = store.open_rollout(connection, version.model, lock=True)
    if current is not None and current.version_id != version.id:
        raise WorkflowError(
            f"{version.model}: the {current.kind} of version {current.version} is "
            f"{current.status}; revert it first: {end_command(current)}",
            code="rollout_running",
        )
    if without_gate:
        reason = require_sentence(reason, "a promotion without a gate result")
        deeds = require_other_account(connection, version, by, approval)
        details = {"reason": reason, "did": deeds}
        append_entry(connection, now, by, "gate.waived", f"model_versions/{version.id}", details)
        reason = f"without a gate result: {reason}"
    else:
        require_promotable(connection, version)
    require_unchanged(connection, version, now)
    if version.stage != "production":
        require_untainted_version(connection, version, now, by=by, accept=accept_taint)
    if current is not None:
        complete(connection, current, now, by=by, reason=reason)
        return
    move_stage(connection, version.id, "production", changed_by=by, reason=reason, now=now)
    want_weights(connection, version.model, stable_id=version.id, by=by, reason=reason, now=now)


@dataclass(frozen=True)
class RollBack:
    """The changes of a step back."""

    #: The version that has all traffic by the rows.
    version: VersionRow
    #: The rollout that was open, and is reverted; ``None``: none was, and the version is the one
    #: that served before.
    reverted: RolloutRow | None = None


def roll_back_version(
    connection: Connection,
    model: str,
    now: datetime,
    *,
    by: str,
    reason: str,
    above: int = 0,
    serves_already: bool = False,
) -> RollBack:
    """Revert the open rollout, or return to the version before.

    ``serves_already`` says that the gateway has returned to it, so that the rows only follow.

    Raises:
        WorkflowError: There is no version before, or it is not what was registered. One without a
            record is returned to, which the reason says.
    """
    lock_model(connection, model)
    current = store.open_rollout(connection, model, lock=True)
    if current is not None:
        stable_id = current.stable_version_id
        after = revert_rollout(connection, current.id, now, by=by, reason=reason, above=above)
        return RollBack(versions.version_by_id(connection, stable_id), after)
    previous = versions.previous_production(connection, model)
    if previous is not None and not serves_already:
        change = find_change(connection, previous, now)
        if change is not None and change.kind != "not_recorded":
            require_unchanged(connection, previous, now)
        if change is not None:
            reason = f"{reason} (without a digest of its weights)"
    restored = roll_back(connection, model, changed_by=by, reason=reason, now=now)
    want_weights(
        connection, model, stable_id=restored.id, by=by, reason=reason, now=now, above=above
    )
    return RollBack(restored)
