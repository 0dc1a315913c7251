"""Start and stop of experiments, each in the caller's transaction."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.settings import Settings
from monitor.store.training import registry as versions
from retrain.evaluation.gate_result import require_gate_passed
from retrain.registry.taints import require_untainted_version
from retrain.rollout.experiments.design import ExperimentDesign, design_as_json, select_checks
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.measurement.starting_point import learn_starting_point
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.plan import RolloutPlan, plan_as_json
from retrain.rollout.rows import rollouts as store
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.transitions.open_rollout import require_no_open_rollout
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.start import split_traffic


def start_experiment(
    connection: Connection,
    version_id: int,
    settings: Settings,
    now: datetime,
    *,
    by: str,
    design: ExperimentDesign,
    share: int = 50,
    reason: str = "",
    accept_taint: str = "",
) -> RolloutRow:
    """Start an experiment of a candidate, the treatment, with the serving version, the control.

    The treatment gets ``share`` percent of the traffic, 1 to 99. ``accept_taint`` is why a version
    that learned from an erased end user may serve; empty: it may not.

    Raises:
        WorkflowError: The version is no candidate that passed the gates, or learned from an erased
            end user; no version serves; a
            rollout or experiment of the model is open; or a metric is unknown.
    """
    version = versions.version_by_id(connection, version_id, lock=True)
    name = f"{version.model} version {version.version}"
    require_no_open_rollout(connection, version.model)
    serving = versions.production_version(connection, version.model)
    if version.stage != "candidate" or serving is None:
        raise WorkflowError(
            f"{name} is {version.stage}, and {'one' if serving else 'no'} version serves; an "
            "experiment compares a candidate with the serving version",
            code="not_candidate",
        )
    require_gate_passed(connection, version)
    require_untainted_version(connection, version, now, by=by, accept=accept_taint)
    plan = RolloutPlan(
        stages=(share, 100),
        min_dwell=settings.rollout.min_dwell,
        max_hold=settings.rollout.max_hold,
        holdback=0,
        holdback_time=settings.rollout.holdback_time,
    )
    subject = Subject.before_start(version, serving, plan, now)
    select_checks(design, learn_starting_point(connection, subject, settings).checks)
    reason = reason or f"experiment at {share}%"
    return split_traffic(
        connection,
        version,
        serving,
        kind="experiment",
        percent=share,
        settings=plan_as_json(plan) | design_as_json(design),
        by=by,
        reason=reason,
        now=now,
    )


def require_sticky(gateway: Gateway) -> None:
    """Require a gateway that keeps each user with one version.

    Where weights are only recorded, whoever splits the traffic has to do so.

    Raises:
        WorkflowError: It draws each request anew.
    """
    if gateway.capabilities.reads_weights and not gateway.capabilities.sticky:
        raise WorkflowError(
            f"rollout.gateway {gateway.name!r} draws a version for each request, but an experiment "
            "compares users; let it keep users with a version (Envoy: rollout.envoy.user_header; "
            "LiteLLM: session_affinity), or start a rollout",
            code="not_sticky",
        )


def stop_experiment(
    connection: Connection, model: str, now: datetime, *, by: str, reason: str
) -> RolloutRow:
    """End an experiment: all traffic goes to the control; the treatment is a candidate again.

    Raises:
        NotFoundError: No experiment of the model is open.
        WorkflowError: There is no reason.
    """
    current = store.open_rollout(connection, model)
    if current is None or current.kind != "experiment":
        raise NotFoundError(f"{model}: no experiment is open", code="no_experiment")
    return revert_rollout(connection, current.id, now, by=by, reason=reason)
