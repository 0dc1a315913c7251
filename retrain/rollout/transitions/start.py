"""Start of a rollout or experiment, in the caller's transaction."""

import secrets
import shlex
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.settings import Settings
from monitor.store.training import registry as versions
from monitor.store.training.registry import VersionRow
from monitor.stored_words import Words
from retrain.evaluation.gate_result import require_gate_passed
from retrain.registry.stages import move_stage
from retrain.registry.taints import require_untainted_version
from retrain.rollout.plan import make_plan, plan_as_json
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.steps import take_step
from retrain.rollout.transitions.open_rollout import require_no_open_rollout, want_present_weights
from retrain.rollout.transitions.recorded_weights import require_unchanged_versions

#: What a user may do with a version, by the stage that it has instead of ``candidate``.
_ADVICE = Words(
    {
        "canary": "it is in a rollout; see its page, or `driftwarden rollout status`",
        "production": "it is in production",
        "archived": "it served before; promote it on its page, or by `driftwarden models promote`",
        "rejected": "evaluate it again on its page, or by "
        "`driftwarden retrain evaluate {run} --reason WHY`",
    },
    lambda _: "a newer release has set its stage",
)


def start_rollout(
    connection: Connection,
    version_id: int,
    settings: Settings,
    now: datetime,
    *,
    by: str,
    reason: str = "",
    accept_taint: str = "",
) -> RolloutRow:
    """Make a candidate the canary, with the wanted weight of the first stage.

    ``accept_taint`` is why a version that learned from an erased end user may serve; empty: it may
    not.

    Raises:
        WorkflowError: The version is no candidate, has not passed the gates against the serving
            version, or learned from an erased end user; no version serves yet; a rollout or
            experiment of the model is open; or the files of a version are not those of its record.
    """
    version = versions.version_by_id(connection, version_id, lock=True)
    serving = require_start(connection, version)
    require_untainted_version(connection, version, now, by=by, accept=accept_taint)
    plan = make_plan(settings)
    percent = plan.weight(0)
    reason = reason or f"rollout starts at {percent}%"
    return split_traffic(
        connection,
        version,
        serving,
        kind="rollout",
        percent=percent,
        settings=plan_as_json(plan),
        by=by,
        reason=reason,
        now=now,
    )


def require_start(connection: Connection, version: VersionRow) -> VersionRow:
    """Require that a rollout of a version can start now; return the version in production.

    Taints are not looked at: a user may accept them.

    Raises:
        WorkflowError: See :func:`start_rollout`.
    """
    name = f"{version.model} version {version.version}"
    require_no_open_rollout(connection, version.model)
    if version.stage != "candidate":
        advice = _ADVICE[version.stage].format(run=version.training_run_id or "RUN")
        raise WorkflowError(
            f"{name} is {version.stage} and can't be rolled out: {advice}",
            code="not_candidate",
        )
    serving = versions.production_version(connection, version.model)
    if serving is None:
        raise WorkflowError(
            f"{version.model}: no version serves yet; promote this version on its "
            f"page, or by driftwarden models promote {version.version} --model "
            f"{shlex.quote(version.model)}",
            code="no_stable_version",
        )
    require_gate_passed(connection, version)
    return serving


def split_traffic(
    connection: Connection,
    version: VersionRow,
    serving: VersionRow,
    *,
    kind: Literal["rollout", "experiment"],
    percent: int,
    settings: dict[str, Any],
    by: str,
    reason: str,
    now: datetime,
) -> RolloutRow:
    """Start a rollout or an experiment: the version is the canary, with a wanted weight.

    ``settings`` holds the plan, and the design of an experiment.

    Raises:
        WorkflowError: The files of a version are not those of its record.
    """
    require_unchanged_versions(connection, version, serving, now)
    rollout = take_step(
        connection,
        None,
        "started",
        by=by,
        now=now,
        reason=reason,
        kind=kind,
        model=version.model,
        version_id=version.id,
        stable_version_id=serving.id,
        stage=0,
        weight_percent=percent,
        stage_started_at=now,
        settings=settings,
        seed=secrets.randbits(31),
    )
    move_stage(connection, version.id, "canary", changed_by=by, reason=reason, now=now)
    want_present_weights(connection, rollout, by, reason, now)
    return rollout
