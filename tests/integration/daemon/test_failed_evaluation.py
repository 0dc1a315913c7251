"""A window that can't be evaluated is told, with its reason and without texts."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, update
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from monitor.daemon.cycle import Cycle
from monitor.drift import layout
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Secrets, Settings
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, EmbeddingBlock, Incident, OutboxMessage
from monitor.telemetry import REGISTRY
from monitor.windows import evaluation
from tests.support.traffic.stored_traffic import NEW_TOPIC, TOPICS, store_traffic

WEEK, HOUR = timedelta(weeks=1), timedelta(hours=1)


NEWEST_END = "driftwarden_newest_evaluated_window_end_timestamp_seconds"
CAUSE = "evaluation_failed"
FAILED = "driftwarden_evaluations_failed_total"
ASSISTANT = {"model": "assistant"}


def test_a_truncated_vector_block_is_reported_once(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Message, metrics and log tell the failure; the earlier window stays the newest one."""
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    monkeypatch.setattr(layout, "N_STEPS", 5)
    store_traffic(any_engine, clock, 300, seed=1, baseline=True)
    store_traffic(any_engine, clock, 200, seed=2)
    store_traffic(any_engine, clock + WEEK, 200, seed=3)
    first, now = clock + WEEK + HOUR, clock + 2 * WEEK + HOUR
    with transaction(any_engine) as connection:
        newest = connection.execute(select(func.max(EmbeddingBlock.id))).scalar_one()
        vectors = select(EmbeddingBlock.prompt_vectors).where(EmbeddingBlock.id == newest)
        whole = connection.execute(vectors).scalar_one()
        block = update(EmbeddingBlock).where(EmbeddingBlock.id == newest)
        connection.execute(block.values(prompt_vectors=b"\x00\x01"))
    cycle = Cycle.build(any_engine, Settings(), Secrets(), first)
    cycle.evaluate(first)
    failed_before = REGISTRY.get_sample_value(FAILED, ASSISTANT) or 0.0
    with capture_logs(processors=[merge_contextvars]) as log:
        for hours in (0, 2, 4):
            cycle.evaluate(now + hours * HOUR)
            cycle.advance(now + hours * HOUR)
            cycle.watch(now + hours * HOUR)
            cycle.publish_gauges(now + hours * HOUR)
    with transaction(any_engine) as connection:
        statuses = connection.execute(
            select(DriftEvaluation.status).order_by(DriftEvaluation.window_end)
        ).scalars()
        (payload,) = connection.execute(
            select(OutboxMessage.payload).join(Incident).where(Incident.cause == CAUSE)
        ).scalars()
    assert list(statuses) == ["done", "failed"]
    text = render_text(payload["blocks"])
    assert "9 Nov" in text
    assert "driftwarden check" in text
    assert not [topic for topic in (*TOPICS, NEW_TOPIC) if topic in text]
    assert REGISTRY.get_sample_value(NEWEST_END, ASSISTANT) == (clock + WEEK).timestamp()
    assert REGISTRY.get_sample_value(FAILED, ASSISTANT) == failed_before + 3
    failures = [entry for entry in log if entry["event"] == "evaluation_failed"]
    assert len(failures) == 3
    started = [entry for entry in log if entry["event"] == "evaluation_started"]
    assert {entry["evaluation"] for entry in failures} == {started[0]["evaluation"]}
    assert {entry["window_start"] for entry in failures} == {(clock + WEEK).isoformat()}
    with transaction(any_engine) as connection:
        connection.execute(block.values(prompt_vectors=whole))
    cycle.evaluate(now + 6 * HOUR)
    cycle.watch(now + 6 * HOUR)
    with transaction(any_engine) as connection:
        (incident,) = list_incidents(connection, cause=CAUSE)
    assert incident.status == "resolved"
