"""Weaker rules of a model: refused, or planned with a reason that stays with the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.alerts.messages.gate_result import gate_result_message
from monitor.daemon.candidate_evaluations import CandidateEvaluations
from monitor.settings import Alerts, Settings
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, OutboxMessage
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    candidate_evaluation_by_id,
    mark_running,
    weaker_rules_of,
)
from monitor.store.training.candidate_results import GateCheck
from monitor.store.training.registry import version_by_id
from retrain.evaluation.gate_result import approve, conclude
from retrain.evaluation.lifecycle import plan_evaluation
from retrain.evaluation.request import EvaluationRequest, as_request, request_for
from retrain.evaluation.rules.preparation import earlier_items
from retrain.registry.stages import promote
from tests.support.refusals import refusal
from tests.support.retrain.candidates import (
    MODEL,
    PLAN,
    make_candidate,
    make_results,
    make_serving,
    write_plan,
)
from tests.support.retrain.fake_launcher import FakeLauncher

STRICT = PLAN.replace("exact_match", "exact_match, f1")
WHY = "the metric counts words that nobody reads"


@dataclass(frozen=True)
class Registry:
    """A model whose first candidate was evaluated by two metrics."""

    engine: Engine
    folder: Path
    now: datetime

    def add(self) -> int:
        """Add a candidate."""
        return make_candidate(self.engine, self.folder, self.now)[0]

    def plan(self, version: int, content: str, **reasons: str) -> CandidateEvaluationRow:
        """Plan an evaluation of a version by a file's content."""
        file = write_plan(self.folder, content)
        settings = Settings(model={"name": MODEL})
        with transaction(self.engine) as connection:
            row = version_by_id(connection, version)
            request = request_for(connection, row, settings, file, **reasons)
            planned = plan_evaluation(connection, row, request, by="lea", now=self.now)
            return candidate_evaluation_by_id(connection, planned)

    def evaluate(
        self,
        version: int,
        content: str,
        result: Any = "undecided",
        checks: Sequence[GateCheck] = (),
        **reasons: str,
    ) -> int:
        """Evaluate a version by a file's content; return the id of the evaluation."""
        row = self.plan(version, content, **reasons)
        weaker = as_request(row.request).weaker_rules
        with transaction(self.engine) as connection:
            mark_running(connection, row.id, {"number": 1}, self.now)
            values = {"checks": tuple(checks)} if checks else {}
            results = make_results(result, weaker_rules=weaker, **values)
            conclude(connection, candidate_evaluation_by_id(connection, row.id), results, self.now)
        return row.id


@pytest.fixture
def registry(any_engine: Engine, clock: datetime, tmp_path: Path) -> Registry:
    make_serving(any_engine, clock)
    return Registry(any_engine, tmp_path, clock)


def requested(row: CandidateEvaluationRow) -> EvaluationRequest:
    return as_request(row.request)


def test_another_version_gets_no_weaker_rules_without_a_reason(registry: Registry) -> None:
    first = registry.evaluate(registry.add(), STRICT)
    second = registry.add()
    with refusal("weaker_evaluation", match="f1.*--weaker-because"):
        registry.plan(second, PLAN)
    with refusal("weaker_evaluation", match="f1"):
        registry.plan(second, PLAN, weaker_because="  ")
    with refusal("no_sentence"):
        registry.plan(second, PLAN, weaker_because="wrong metric")
    row = registry.plan(second, PLAN, weaker_because=WHY)
    (entry,) = requested(row).weaker_rules
    assert (entry.evaluation, entry.reason, entry.by) == (first, WHY, "lea")
    assert entry.rules == ("support: no metric f1",)
    with transaction(registry.engine) as connection:
        details = connection.execute(
            select(AuditEntry.details).where(
                AuditEntry.action == "evaluation.planned",
                AuditEntry.subject == f"candidate_evaluations/{row.id}",
            )
        ).scalar_one()
    assert (details["weaker_because"], details["weaker_rules"]) == (WHY, [str(entry)])


def test_equal_rules_of_another_version_need_no_reason(registry: Registry) -> None:
    first = registry.evaluate(registry.add(), STRICT)
    row = registry.plan(registry.add(), STRICT)
    assert requested(row).weaker_rules == ()
    assert requested(row).model_evaluation_before == first
    with transaction(registry.engine) as connection:
        earlier = earlier_items(connection, requested(row))
    assert earlier is not None
    assert earlier.dataset_digests == {"support": "0" * 64}


def test_a_reason_stays_until_a_version_is_promoted_by_it(registry: Registry) -> None:
    """Otherwise a second evaluation by the same file would hide it from the promotion."""
    registry.evaluate(registry.add(), STRICT)
    second = registry.add()
    registry.evaluate(second, PLAN, weaker_because=WHY)
    third = registry.add()
    registry.evaluate(third, PLAN)
    with transaction(registry.engine) as connection:
        (entry,) = weaker_rules_of(connection, third)
    assert (entry.rules, entry.reason) == (("support: no metric f1",), WHY)
    assert requested(registry.plan(registry.add(), STRICT)).weaker_rules == ()
    with transaction(registry.engine) as connection:
        promote(connection, third, changed_by="lea", reason="better", now=registry.now)
    assert requested(registry.plan(registry.add(), PLAN)).weaker_rules == ()


def test_an_evaluation_without_an_item_hides_it_from_none(registry: Registry) -> None:
    """Otherwise a second evaluation by the thinned file would pass; an approved one counts."""
    first = registry.evaluate(registry.add(), PLAN)
    missing = GateCheck("every item is there", "undecided", "", "", code="kept_items")
    version = registry.add()
    thinned = registry.evaluate(version, PLAN, checks=(missing,))
    again = requested(registry.plan(registry.add(), PLAN))
    assert again.model_evaluation_before == first
    assert requested(registry.plan(version, PLAN)).evaluation_before == 0
    with transaction(registry.engine) as connection:
        approve(connection, thinned, by="ben", reason=WHY, now=registry.now)
    assert requested(registry.plan(registry.add(), PLAN)).model_evaluation_before == thinned


def test_the_message_of_a_gate_result_has_the_reason(registry: Registry) -> None:
    strict = registry.evaluate(registry.add(), STRICT)
    weaker = registry.evaluate(registry.add(), PLAN, weaker_because=WHY)
    with transaction(registry.engine) as connection:
        rows = [candidate_evaluation_by_id(connection, number) for number in (strict, weaker)]
    messages = [str(gate_result_message(row, Alerts())) for row in rows]
    assert [WHY in message for message in messages] == [False, True]


def test_a_rejected_version_keeps_its_rules(registry: Registry) -> None:
    version = registry.add()
    registry.evaluate(version, STRICT, "reject")
    reasons = {"reason": "the metric was wrong", "weaker_because": WHY}
    with refusal("weaker_evaluation", match="train a new version"):
        registry.plan(version, PLAN, **reasons)
    with refusal("weaker_evaluation", match="--move-items"):
        registry.plan(version, STRICT, reason="again", move_because="another taxonomy")
    assert requested(registry.plan(version, STRICT, reason="again")).weaker_rules == ()


def test_an_undecided_version_gets_weaker_rules_with_a_reason(registry: Registry) -> None:
    """Its own last rules count, too, where those of another version are weaker."""
    version = registry.add()
    registry.evaluate(version, STRICT)
    registry.evaluate(registry.add(), PLAN, weaker_because=WHY)
    with refusal("weaker_evaluation", match="f1"):
        registry.plan(version, PLAN)
    rules = requested(registry.plan(version, PLAN, weaker_because=WHY)).weaker_rules
    assert {entry.evaluation for entry in rules} == {1}


def test_the_daemon_tells_once_that_a_file_asks_for_less(registry: Registry) -> None:
    registry.evaluate(registry.add(), STRICT)
    second = registry.add()
    file = write_plan(registry.folder, PLAN)
    settings = Settings(model={"name": MODEL}, retrain={"evaluation": str(file)})
    launcher = FakeLauncher()
    for _ in range(3):
        steps = CandidateEvaluations(registry.engine, settings, lambda _name: launcher)
        list(steps.steps(registry.now))
    with transaction(registry.engine) as connection:
        row = candidate_evaluation_by_id(connection, 2)
        messages = connection.execute(
            select(OutboxMessage.payload).where(OutboxMessage.dedupe_key == "verdict:2:failed")
        ).scalars().all()  # fmt: skip
    assert (row.version_id, row.status) == (second, "failed")
    assert "--weaker-because" in (row.error or "")
    assert len(messages) == 1
    assert "no metric f1" in str(messages[0])
    assert launcher.tasks == []
    assert registry.plan(second, STRICT).status == "planned"
