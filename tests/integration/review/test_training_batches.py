"""Batches whose gold training runs learn from: of windows, and of exchanges that leads chose."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from monitor.store.engine import transaction
from monitor.store.review.training_batches import batches_of_decision, batches_of_runs
from monitor.store.tables import Decision, ReviewBatch, TrainingRun
from tests.support.waiting_world import DAY, WaitingWorld

REQUEST = {"request": {"requested_by": "Lea", "decision_id": None, "after_run": None}}


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> WaitingWorld:
    return WaitingWorld(any_engine, clock)


def choose(world: WaitingWorld, at: datetime, model: str = "a") -> int:
    """Insert a batch of chosen exchanges, and return its id."""
    with transaction(world.engine) as connection:
        statement = insert(ReviewBatch).values(model=model, created_at=at)
        return int(connection.execute(statement.returning(ReviewBatch.id)).scalar_one())


def test_run_of_a_decision_learns_from_exchanges_chosen_since(world: WaitingWorld) -> None:
    decision = world.decision("a", "retrain", days=3)
    with transaction(world.engine) as connection:
        own = connection.execute(
            update(Decision).values(inputs={"batches": [1]}).returning(Decision.batch_id)
        ).scalar_one()
        assert own == 1
    choose(world, world.now - 30 * DAY)
    choose(world, world.now, "b")
    earlier, later = choose(world, world.now - 4 * DAY), choose(world, world.now)
    ended = world.now - timedelta(days=1)
    runs = [
        world.run("a", "succeeded", decision_id=decision, finished_at=ended),
        world.run("a", "draft", plan=REQUEST),
        world.run("a", "planned"),
    ]
    with transaction(world.engine) as connection:
        assert batches_of_decision(connection, decision) == [1, earlier, later]
        assert batches_of_decision(connection, None) is None
        of_runs = batches_of_runs(connection)
    assert [of_runs[run] for run in runs] == [{1, earlier}, {1, 2, earlier, later}, set()]
    with transaction(world.engine) as connection:
        connection.execute(update(TrainingRun).values(finished_at=None))
        assert batches_of_runs(connection, "a")[runs[0]] == {1, earlier, later}
        assert batches_of_runs(connection, "b") == {}
