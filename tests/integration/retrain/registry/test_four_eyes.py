"""Four eyes: accounts that trained or evaluated a version, and those that may approve it."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from monitor.accounts.registration import create_user
from monitor.store.engine import transaction
from monitor.store.review.decisions import confirm_decision, save_decision
from monitor.store.tables import AuditEntry, CandidateEvaluation
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
from monitor.store.training.registry import VersionRow, version_by_id
from retrain.evaluation.gate_result import approve
from retrain.registry.four_eyes import Approval, deeds_of, describe_approval
from retrain.registry.stages import register_version
from retrain.rollout.transitions.promotion import promote_version
from retrain.training.runs import plan_run
from retrain.training.start_requests import request_start
from tests.support.refusals import refusal
from tests.support.retrain.candidates import MODEL, evaluated, make_serving
from tests.support.retrain.desks.run_desk import RECIPE
from tests.support.retrain.weights import record_without_files
from tests.support.review.review_world import make_world

WHY = "The two lost items have wrong reference answers."


class Bank:
    """Leads and a candidate that ``trainer`` planned, and ``evaluator`` evaluated."""

    def __init__(self, engine: Engine, now: datetime, folder: Path) -> None:
        self.engine, self.now, self.folder = engine, now, folder
        make_serving(engine, now)
        with transaction(engine) as connection:
            for name, role in (
                ("Lea", "lead"), ("Max", "lead"), ("Ida", "admin"), ("Ada", "reviewer"),
            ):  # fmt: skip
                create_user(connection, name, "correct horse battery", role, now)

    def candidate(self, *, trainer: str, evaluator: str) -> tuple[VersionRow, int]:
        with transaction(self.engine) as connection:
            run = plan_run(
                connection, model=MODEL, recipe=RECIPE, work_dir=self.folder, now=self.now,
                planned_by=trainer,
            )  # fmt: skip
            version = register_version(
                connection, model=MODEL, adapter_path=f"runs/{run}", adapter_digest="d",
                lineage={}, now=self.now, training_run_id=run,
                identity=record_without_files(self.now),
            )  # fmt: skip
            row = evaluated(connection, version, self.now, "undecided")
            connection.execute(
                update(CandidateEvaluation)
                .where(CandidateEvaluation.id == row.id)
                .values(planned_by=evaluator)
            )
            return version_by_id(connection, version), row.id

    def approve(self, evaluation: int, by: str, approval: Approval, reason: str = WHY) -> None:
        with transaction(self.engine) as connection:
            approve(connection, evaluation, by=by, reason=reason, now=self.now, approval=approval)

    def promote(self, version: VersionRow, by: str, approval: Approval, reason: str = WHY) -> None:
        with transaction(self.engine) as connection:
            promote_version(
                connection, version, self.now, by=by, reason=reason, without_gate=True,
                approval=approval,
            )  # fmt: skip

    def deeds(self, version: VersionRow, name: str) -> tuple[str, ...]:
        with transaction(self.engine) as connection:
            return deeds_of(connection, version, name)

    def entries(self, action: str) -> list[tuple[str, dict[str, object]]]:
        with transaction(self.engine) as connection:
            rows = connection.execute(
                select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == action)
            ).all()
        return [(row.actor, row.details) for row in rows]


@pytest.fixture
def bank(any_engine: Engine, clock: datetime, tmp_path: Path) -> Bank:
    return Bank(any_engine, clock, tmp_path)


@pytest.mark.parametrize(
    ("trainer", "evaluator", "by", "deeds"),
    [
        ("Lea", "Lea", "Lea", ("trained", "evaluated")),
        ("Lea", "Max", "lea", ("trained",)),
        ("Max", "Lea", "Lea", ("evaluated",)),
        ("root (sudo: lea)", "Max", "Lea", ("trained",)),
    ],
)
def test_own_version_is_not_approved_where_two_are_wanted(
    bank: Bank, trainer: str, evaluator: str, by: str, deeds: tuple[str, ...]
) -> None:
    version, evaluation = bank.candidate(trainer=trainer, evaluator=evaluator)
    assert bank.deeds(version, by) == deeds
    with refusal("four_eyes", match=f"{by} {' and '.join(deeds)} it.*: .*Ida") as refused:
        bank.approve(evaluation, by, "two")
    assert "Ada" not in str(refused.value), "she is no lead"
    with refusal("four_eyes"):
        bank.promote(version, by, "two")
    assert (bank.entries("evaluation.approved"), bank.entries("gate.waived")) == ([], [])
    bank.approve(evaluation, "Ida", "two")
    with transaction(bank.engine) as connection:
        assert candidate_evaluation_by_id(connection, evaluation).may_roll_out
    assert bank.entries("evaluation.approved") == [("Ida", {"reason": WHY, "did": []})]


def test_one_account_is_enough_by_default_and_recorded(bank: Bank) -> None:
    version, evaluation = bank.candidate(trainer="Lea", evaluator="Lea")
    bank.approve(evaluation, "Lea", "one")
    did = {"reason": WHY, "did": ["trained", "evaluated"]}
    assert bank.entries("evaluation.approved") == [("Lea", did)]
    with transaction(bank.engine) as connection:
        note = describe_approval(connection, version)
    assert note == f"approved by Lea, who trained and evaluated it: {WHY}"
    bank.promote(version, "Lea", "one")
    assert bank.entries("gate.waived") == [("Lea", did)]


def test_a_promotion_without_the_gate_by_another_passes(bank: Bank) -> None:
    version, _ = bank.candidate(trainer="Lea", evaluator="driftwarden")
    bank.promote(version, "Max", "two")
    with transaction(bank.engine) as connection:
        assert version_by_id(connection, version.id).stage == "production"


def test_refusal_without_another_lead_names_none(bank: Bank) -> None:
    _, evaluation = bank.candidate(trainer="Lea", evaluator="Max")
    with transaction(bank.engine) as connection:
        plan = "run.start_requested"
        from monitor.store.audit_log import append_entry

        append_entry(connection, bank.now, "Ida", plan, "training_runs/1")
    with refusal("four_eyes", match="no other lead"):
        bank.approve(evaluation, "Lea", "two")


@pytest.mark.parametrize("reason", [".", "ok", "fine fine fine fine fine fine"])
def test_less_than_a_sentence_neither_approves_nor_promotes(bank: Bank, reason: str) -> None:
    version, evaluation = bank.candidate(trainer="Lea", evaluator="Lea")
    with refusal("no_sentence"):
        bank.approve(evaluation, "Max", "one", reason)
    with refusal("no_sentence"):
        bank.promote(version, "Max", "one", reason)


def test_starting_resuming_confirming_and_registering_are_training(
    bank: Bank, clock: datetime
) -> None:
    world = make_world(bank.engine, clock, n=8, users=False)
    with transaction(bank.engine) as connection:
        decision = save_decision(
            connection, world.batch_id, MODEL, recommendation="retrain", inputs={}, now=clock
        )
        confirm_decision(connection, decision.id, "Conny", clock)
        run = plan_run(
            connection, model=MODEL, recipe=RECIPE, work_dir=bank.folder, now=clock,
            decision_id=decision.id,
        )  # fmt: skip
        version = register_version(
            connection, model=MODEL, adapter_path="w", adapter_digest="d", lineage={}, now=clock,
            training_run_id=run, by="Rosa",
        )  # fmt: skip
        row = version_by_id(connection, version)
    assert [bank.deeds(row, name) for name in ("Conny", "Rosa", "driftwarden", "Lea")] == [
        ("trained",), ("trained",), (), (),
    ]  # fmt: skip
    planned, _ = bank.candidate(trainer="Lea", evaluator="driftwarden")
    with transaction(bank.engine) as connection:
        request_start(connection, planned.training_run_id or 0, clock, by="Max")
    assert [bank.deeds(planned, name) for name in ("Lea", "Max", "Ida")] == [
        ("trained",), ("trained",), (),
    ]  # fmt: skip
