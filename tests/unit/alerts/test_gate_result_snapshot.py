"""Snapshots of Slack messages of candidate evaluations, as text."""

from datetime import UTC, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.messages.gate_result import gate_result_message
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from tests.support.retrain.candidates import check, make_results

NOW = datetime(2026, 11, 9, 9, 30, tzinfo=UTC)
ALERTS = Alerts(public_url="https://drift.example/")
CHECKS = (check("first"), check("second", "undecided"), check("third", "failed"))

#: The outcome of an evaluation: what its row holds.
CASES: dict[str, dict[str, Any]] = {
    "promote": {"gate_result": "promote", "results": make_results("promote")},
    "reject": {"gate_result": "reject", "results": make_results("reject", checks=CHECKS)},
    "reject_with_next_step": {
        "gate_result": "reject",
        "results": make_results("reject", next_step="lora on small (about 8.0 GiB)"),
    },
    "undecided": {
        "gate_result": "undecided",
        "results": make_results("undecided", checks=CHECKS[:2]),
    },
    "awaiting_ratings": {"status": "awaiting_ratings", "results": make_results("promote")},
    "failed": {"status": "failed", "error": "support.jsonl: 404"},
    "many_checks": {
        "gate_result": "promote",
        "results": make_results("promote", checks=[check(f"check {n}") for n in range(14)]),
    },
}


def row(**values: Any) -> CandidateEvaluationRow:
    fields: dict[str, Any] = {
        "id": 3, "version_id": 2, "model": "desk", "version": 2, "stage": "candidate",
        "training_run_id": 5, "status": "succeeded", "launcher": "subprocess", "handle": None,
        "work_dir": "runs/run-00005", "request": {"origin": "evaluation.yaml"},
        "file_digest": f"sha256:{'a' * 64}", "dataset_digests": {"support": "b" * 64},
        "attempts": 1, "next_attempt_at": NOW, "results": None, "gate_result": None,
        "error": None, "termination_error": None, "planned_by": "driftwarden",
        "created_at": NOW, "started_at": NOW, "finished_at": NOW, "approved_by": None,
        "approved_reason": None, "approved_at": None,
    }  # fmt: skip
    return CandidateEvaluationRow(**{**fields, **values})


@pytest.mark.parametrize("case", CASES)
def test_gate_result_message_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    payload = gate_result_message(row(**CASES[case]), ALERTS)
    text = render_text(payload["blocks"])
    assert f"{text}\n\n--- as a notification ---\n\n{payload['text']}" == snapshot
