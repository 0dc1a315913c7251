"""Gate results in Slack: each sent once, through the outbox, to a local server."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.channels import only
from monitor.alerts.messages.gate_result import announce_gate_results
from monitor.alerts.outbox import deliver_due
from monitor.rendering.mrkdwn import MAX_BLOCKS, MAX_SECTION_CHARACTERS, render_text
from monitor.settings import Alerts, default_configuration
from monitor.store.engine import transaction
from monitor.store.tables import CandidateEvaluation
from tests.integration.alerts.test_incidents import sender_for
from tests.services.slack import CHANNEL, FakeSlack, slack  # noqa: F401 - a fixture
from tests.support.retrain.candidates import MODEL, check, evaluated, make_candidate

NEXT_STEP = "Try QLoRA on a larger base."
ALERTS = Alerts(channel=CHANNEL, public_url="https://drift.example")


def announce(engine: Engine, now: datetime) -> int:
    with transaction(engine) as connection:
        return announce_gate_results(connection, MODEL, now, ALERTS)


@pytest.mark.parametrize(
    ("decision", "title", "step"),
    [
        ("promote", "🟢 Promote: desk version 1", "driftwarden models promote 1 --model desk"),
        ("reject", "🔴 Rejected: desk version 1", NEXT_STEP),
        ("undecided", "⚪ Undecided: desk version 1", "driftwarden retrain approve 1 --reason WHY"),
    ],
)
def test_verdict_is_reported_once_with_its_reasons(
    any_engine: Engine,
    clock: datetime,
    tmp_path: Path,
    slack: FakeSlack,  # noqa: F811
    decision: str,
    title: str,
    step: str,
) -> None:
    version, _ = make_candidate(any_engine, tmp_path, clock)
    outcome = {"promote": "passed", "reject": "failed"}.get(decision, "undecided")
    hostile = check("a <!channel> & more", outcome)
    with transaction(any_engine) as connection:
        row = evaluated(
            connection, version, clock, decision, checks=(check("first"), hostile),
            next_step=NEXT_STEP,
        )  # fmt: skip
    assert announce(any_engine, clock) == 1
    assert announce(any_engine, clock) == 0
    settings = default_configuration(alerts=ALERTS)
    channels = only(sender_for(slack), settings=settings)
    assert deliver_due(any_engine, channels, clock) == 1
    (message,) = slack.parents
    assert message.blocks[0]["text"]["text"] == title
    text = render_text(message.blocks)
    mark = {"promote": "✓", "reject": "✗", "undecided": "?"}[decision]
    assert f"{mark} a <!channel> & more: 0.90 -> 0.95; required: p <= 0.05" in text
    assert "<!channel>" not in str(message.blocks)
    assert step in text
    assert f"(https://drift.example/candidate-evaluations/{row.id})" in text
    assert len(slack.messages) == 1


def test_long_message_keeps_slacks_limits(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    from monitor.alerts.messages.gate_result import gate_result_message

    version, _ = make_candidate(any_engine, tmp_path, clock)
    checks = tuple(check(f"check {n} {'x' * 400}") for n in range(60))
    with transaction(any_engine) as connection:
        row = evaluated(connection, version, clock, checks=checks)
    payload = gate_result_message(row, ALERTS)
    assert len(payload["blocks"]) <= MAX_BLOCKS
    assert all(
        len(block["text"]["text"]) <= MAX_SECTION_CHARACTERS
        for block in payload["blocks"]
        if block["type"] == "section"
    )
    assert "and 48 more" in render_text(payload["blocks"])


def test_message_has_no_figures_during_blind_ratings(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    from monitor.alerts.messages.gate_result import gate_result_message
    from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id

    version, _ = make_candidate(any_engine, tmp_path, clock)
    with transaction(any_engine) as connection:
        row = evaluated(connection, version, clock)
        connection.execute(
            update(CandidateEvaluation).values(
                status="awaiting_ratings", gate_result=None, finished_at=None
            )
        )
        waiting = candidate_evaluation_by_id(connection, row.id)
    text = render_text(gate_result_message(waiting, ALERTS)["blocks"])
    assert text.startswith("🔵")
    assert "desk version 1" in text
    assert "0.9" not in text
    assert "/human-evaluations" in text
    assert announce(any_engine, clock) == 1


def test_old_gate_result_is_not_announced(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    version, _ = make_candidate(any_engine, tmp_path, clock)
    with transaction(any_engine) as connection:
        evaluated(connection, version, clock)
    assert announce(any_engine, clock + timedelta(days=8)) == 0
