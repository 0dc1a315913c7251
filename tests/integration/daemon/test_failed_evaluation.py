"""A window that can't be evaluated is told, with its reason and without texts."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select, update

from monitor.alerts.messages.mrkdwn import render_text
from monitor.daemon.cycle import Cycle
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, EmbeddingBlock, OutboxMessage
from tests.support.traffic.stored_traffic import NEW_TOPIC, TOPICS, store_traffic

WEEK = timedelta(weeks=1)


def test_a_truncated_vector_block_is_told_once(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock, 300, seed=1, baseline=True)
    store_traffic(any_engine, clock, 200, seed=2)
    now = clock + WEEK + timedelta(hours=1)
    with transaction(any_engine) as connection:
        newest = connection.execute(select(func.max(EmbeddingBlock.id))).scalar_one()
        block = update(EmbeddingBlock).where(EmbeddingBlock.id == newest)
        connection.execute(block.values(prompt_vectors=b"\x00\x01"))
    cycle = Cycle.build(any_engine, Settings(), Secrets(), now)
    for hours in range(3):
        cycle.evaluate(now + timedelta(hours=hours))
        cycle.advance(now + timedelta(hours=hours))
    with transaction(any_engine) as connection:
        statuses = connection.execute(select(DriftEvaluation.status)).scalars().all()
        (payload,) = connection.execute(select(OutboxMessage.payload)).scalars()
    assert statuses == ["failed"]
    text = render_text(payload["blocks"])
    assert "2 Nov" in text
    assert "driftwarden check" in text
    assert not [topic for topic in (*TOPICS, NEW_TOPIC) if topic in text]
