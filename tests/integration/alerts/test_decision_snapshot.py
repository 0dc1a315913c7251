"""Snapshots of Slack messages of decisions and of a model's age, as text."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.messages.decision import decision_message
from monitor.alerts.messages.model_age import announce_model_age
from monitor.rendering.mrkdwn import render_text
from monitor.review.decision.decisions import decide
from monitor.settings import Alerts, Review
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.review.items import batch_by_id
from tests.support.retrain.candidates import MODEL, make_serving
from tests.support.review.review_world import make_world
from tests.support.review.settled_items import JUDGEMENT, KNOWLEDGE, RIGHT, Told, settle

ALERTS = Alerts(public_url="https://drift.example/")

#: What reviewers find in the first items, and the review's settings.
CASES: dict[str, tuple[list[Told | None], Review]] = {
    "retrain": ([JUDGEMENT] * 20, Review(min_drifted_gold=3)),
    "too_little_gold": ([JUDGEMENT] * 20, Review(min_drifted_gold=500)),
    "fix_context": ([KNOWLEDGE] * 20, Review()),
    "fix_guidelines": (
        [Told("accept", "reject", "reject", "tone", "yes")] * 20,
        Review(min_agreement=0.8),
    ),
    "keep": ([], Review()),
    "missing_reviews": ([None] * 30, Review()),
}


@pytest.mark.parametrize("case", CASES)
def test_decision_message_snapshot(
    engine: Engine, clock: datetime, case: str, snapshot: SnapshotAssertion
) -> None:
    verdicts, review = CASES[case]
    world = make_world(engine, clock)
    with transaction(engine) as connection:
        settle(
            connection, world.batch_id, (world.users["Ada"], world.users["Ben"]),
            lambda number, _item: verdicts[number] if number < len(verdicts) else RIGHT, clock,
        )  # fmt: skip
        decision = decide(connection, world.batch_id, review, clock)
        batch = batch_by_id(connection, world.batch_id)
    payload = decision_message(decision, batch, ALERTS)
    text = render_text(payload["blocks"])
    assert f"{text}\n\n--- as a notification ---\n\n{payload['text']}" == snapshot


def test_model_age_message_snapshot(
    engine: Engine, clock: datetime, snapshot: SnapshotAssertion
) -> None:
    make_serving(engine, clock)
    now = clock + timedelta(days=200)
    with transaction(engine) as connection:
        assert announce_model_age(connection, MODEL, timedelta(days=180), now, ALERTS)
        (message,) = list_messages(connection)
    assert render_text(message.payload["blocks"]) == snapshot
