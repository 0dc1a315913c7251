"""Rejection of a candidate by a user: what is refused, what it ends, what lifts it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry
from monitor.store.training import candidate_evaluations as evaluations
from monitor.store.training.registry import stage_changes, version_by_id
from retrain.evaluation.gate_result import conclude
from retrain.registry.rejection import reject_version
from retrain.registry.stages import move_stage
from retrain.rollout.automatic_start import start_automatically
from retrain.rollout.transitions.start import start_rollout
from tests.support.refusals import refusal
from tests.support.retrain.candidates import awaiting_ratings, evaluated, make_results, planned
from tests.support.retrain.rollout_desk import RolloutDesk

NOWHERE = Path("nowhere")
LATER = timedelta(minutes=1)


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    return RolloutDesk(engine, clock)


def reject(desk: RolloutDesk, version_id: int, reason: str = "more errors") -> None:
    with transaction(desk.engine) as connection:
        row = version_by_id(connection, version_id)
        reject_version(connection, row, desk.now, by="lea", reason=reason)


def stage(desk: RolloutDesk, version_id: int) -> str:
    with transaction(desk.engine) as connection:
        return version_by_id(connection, version_id).stage


def test_reverted_version_is_rejected_and_starts_nothing(desk: RolloutDesk) -> None:
    rollout = desk.start()
    desk.action = "revert"
    desk.run_hours(2)
    version = rollout.version_id
    assert stage(desk, version) == "candidate"
    reject(desk, version)
    with transaction(desk.engine) as connection:
        change = stage_changes(connection, version)[-1]
        entry = connection.execute(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (change.to_stage, change.changed_by, change.reason) == ("rejected", "lea", "more errors")
    assert (entry.action, entry.actor, entry.subject) == (
        "version.moved", "lea", f"model_versions/{version}",
    )  # fmt: skip
    assert start_automatically(desk.engine, desk.settings, desk.now) is None
    with refusal("not_candidate", WorkflowError), transaction(desk.engine) as connection:
        start_rollout(connection, version, desk.settings, desk.now, by="lea")


def test_only_candidates_are_rejected(desk: RolloutDesk) -> None:
    canary = desk.start().version_id
    rejected, archived = desk.register(), desk.register()
    with transaction(desk.engine) as connection:
        for version, target in ((rejected, "rejected"), (archived, "archived")):
            move_stage(connection, version, target, changed_by="x", reason="x", now=desk.now)
    for version in (canary, desk.serving, rejected, archived):
        before = stage(desk, version)
        with refusal("not_candidate", WorkflowError):
            reject(desk, version)
        assert stage(desk, version) == before


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_rejection_needs_a_reason(desk: RolloutDesk, reason: str) -> None:
    version = desk.register()
    with refusal("no_reason", WorkflowError):
        reject(desk, version, reason)
    assert stage(desk, version) == "candidate"


@pytest.mark.parametrize("make", [planned, awaiting_ratings])
def test_rejection_waits_for_an_evaluation(desk: RolloutDesk, make) -> None:
    version = desk.register()
    with transaction(desk.engine) as connection:
        make(connection, version, desk.now, folder=NOWHERE)
    with refusal("evaluation_not_finished", WorkflowError):
        reject(desk, version)
    assert stage(desk, version) == "candidate"


def test_only_a_later_evaluation_lifts_a_rejection(desk: RolloutDesk) -> None:
    version = desk.register()
    with transaction(desk.engine) as connection:
        earlier = planned(connection, version, desk.now, NOWHERE)
        evaluations.mark_running(connection, earlier.id, {"number": 1}, desk.now)
        desk.now += LATER
        # By another process, while the evaluation ran.
        move_stage(connection, version, "rejected", changed_by="lea", reason="x", now=desk.now)
        conclude(connection, earlier, make_results(), desk.now + LATER)
    assert stage(desk, version) == "rejected"
    desk.now += 2 * LATER
    with transaction(desk.engine) as connection:
        evaluated(connection, version, desk.now)
    assert stage(desk, version) == "candidate"
