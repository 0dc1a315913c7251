"""Snapshots of the report of a candidate evaluation, as the terminal prints it."""

from collections.abc import Callable

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.settings import Gates
from monitor.store.training.candidate_results import CandidateResults
from retrain.evaluation.gates.candidate_checks import apply_gates
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.report import report_lines
from tests.support.retrain.candidates import make_results
from tests.support.retrain.scored_benchmarks import benchmark, items, scored

NEW, OLD = items(100, "new"), items(200, "old")
SUITE = benchmark([*NEW, *OLD], metrics=["exact_match"])


def responses(n_right_new: int, n_right_old: int) -> list[ItemScore]:
    right = np.r_[np.arange(100) < n_right_new, np.arange(200) < n_right_old].astype(float)
    return scored([*NEW, *OLD], exact_match=right)


def evaluated(candidate: list[ItemScore], **policy: object) -> CandidateResults:
    systems = {"candidate": candidate, "incumbent": responses(40, 182), "base": responses(0, 20)}
    return apply_gates(
        (SUITE,),
        {system: {SUITE.name: scores} for system, scores in systems.items()},
        Gates(**policy),  # type: ignore[arg-type]
        np.random.default_rng(0),
    )


RESULTS: dict[str, Callable[[], CandidateResults]] = {
    "promote": lambda: evaluated(responses(80, 180)),
    "reject": lambda: evaluated(responses(80, 150)),
    "undecided": lambda: evaluated(responses(42, 182)),
    "point_gate": lambda: evaluated(responses(80, 174), gate="point"),
    "with_next_step_and_judge": lambda: make_results(
        "reject", next_step="lora on small", judge_agreement="agreement with raters on 24 items"
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_report_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(report_lines(RESULTS[case]())) == snapshot
