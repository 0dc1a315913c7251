"""Automatic start of the rollout of a version that passed the gates."""

from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import WorkflowError
from monitor.settings import Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.training.candidate_evaluations import latest_succeeded_evaluation
from monitor.store.training.registry import list_versions, lock_model
from retrain.rollout.rows.rollouts import (
    RolloutRow,
    newest_rollout_of_version,
    open_rollout,
)
from retrain.rollout.transitions.start import start_rollout


def start_automatically(engine: Engine, settings: Settings, now: datetime) -> RolloutRow | None:
    """Start the rollout of a model's newest version where it passed the gates, and return it.

    A version that was rolled out since its last evaluation does not start again: a revert is final
    until it is evaluated again, or a user starts it.
    """
    model = settings.model.name
    with transaction(engine) as connection:
        lock_model(connection, model)
        versions = list_versions(connection, model)
        if not versions or versions[0].stage != "candidate" or open_rollout(connection, model):
            return None
        newest = versions[0]
        evaluation = latest_succeeded_evaluation(connection, newest.id)
        if evaluation is None or not evaluation.may_roll_out:
            return None
        former = newest_rollout_of_version(connection, newest.id)
        decided_at = evaluation.approved_at or evaluation.finished_at
        if former is not None and (decided_at is None or decided_at <= former.started_at):
            return None
        try:
            reason = f'gate result {evaluation.gate_result}, rollout.start = "automatic"'
            return start_rollout(connection, newest.id, settings, now, by=SYSTEM, reason=reason)
        except WorkflowError:  # nothing serves yet, or another version serves since
            return None
