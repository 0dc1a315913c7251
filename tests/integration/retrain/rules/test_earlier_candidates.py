"""Candidates of a model on the same items, counted by the parent of an evaluation."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.training.candidate_results import CandidateResults, GateCheck, ItemPlace
from monitor.store.training.registry import version_by_id
from retrain.evaluation.lifecycle import plan_evaluation, poll_evaluation, start_evaluation
from retrain.evaluation.request import request_for
from retrain.run_folder import RunFolder
from tests.support.retrain.candidates import (
    MODEL,
    make_candidate,
    make_results,
    make_serving,
    write_plan,
    write_results,
)
from tests.support.retrain.fake_launcher import FakeLauncher


def compared(p_better: float, *items: str, outcome: str = "passed") -> CandidateResults:
    """Return what the child of a candidate on some new items says."""
    return make_results(
        "promote" if outcome == "passed" else "undecided",
        p_better=p_better,
        checks=(GateCheck("better", outcome, "0.5 -> 0.6", "p <= 0.025", code="better"),),
        places=(ItemPlace("support", "new", {}, {item: item for item in items}),),
    )


@dataclass
class Desk:
    """A model whose candidates are evaluated by children with known results."""

    engine: Engine
    folder: Path
    now: datetime
    launcher: FakeLauncher = field(default_factory=FakeLauncher)

    def add(self) -> int:
        """Add a candidate."""
        return make_candidate(self.engine, self.folder, self.now)[0]

    def evaluate(self, version: int, results: CandidateResults) -> tuple[str | None, str]:
        """Evaluate a version; return the gate result and what check 1 says."""
        settings = Settings(model={"name": MODEL})
        with transaction(self.engine) as connection:
            row = version_by_id(connection, version)
            request = request_for(connection, row, settings, write_plan(self.folder))
            evaluation = plan_evaluation(connection, row, request, by="lea", now=self.now)
        start_evaluation(self.engine, evaluation, self.launcher, self.now)
        number = len(self.launcher.submitted)
        folder: RunFolder = self.launcher.submitted[-1]
        write_results(folder, results)
        self.launcher.end(number, {"status": "succeeded", "evaluation_id": evaluation})
        state = poll_evaluation(self.engine, evaluation, self.launcher, self.now)
        assert state.row.results is not None, state.row.error
        return state.row.gate_result, state.row.results.checks[0].observed


@pytest.fixture
def desk(any_engine: Engine, clock: datetime, tmp_path: Path) -> Desk:
    make_serving(any_engine, clock)
    return Desk(any_engine, tmp_path, clock)


def test_the_lucky_one_of_many_is_not_promoted(desk: Desk) -> None:
    for _ in range(2):
        result, text = desk.evaluate(desk.add(), compared(0.4, "a", "b", outcome="undecided"))
    assert result == "undecided"
    assert "1 earlier candidate " in text
    lucky = desk.add()
    result, text = desk.evaluate(lucky, compared(0.02, "a", "b", "c"))
    assert (result, "2 earlier candidates not better on 2 of these 3 items" in text) == (
        "undecided", True,
    )  # fmt: skip
    # Evaluated again it counts no more than before.
    result, text = desk.evaluate(lucky, compared(0.004, "a", "b", "c"))
    assert (result, "2 earlier candidates" in text) == ("promote", True)


def test_renewed_items_and_better_candidates_leave_the_level(desk: Desk) -> None:
    desk.evaluate(desk.add(), compared(0.4, "a", outcome="undecided"))
    assert desk.evaluate(desk.add(), compared(0.02, "b", "c")) == ("promote", "0.5 -> 0.6")
    assert desk.evaluate(desk.add(), compared(0.02, "b", "c")) == ("promote", "0.5 -> 0.6")
