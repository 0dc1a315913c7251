"""Two weeks of reviews of two versions with very different error rates, known to the registry."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.store.engine import transaction
from monitor.store.review.draws import draws_of_batches
from monitor.store.training.registry import ScoreRow, save_scores, version_by_number
from retrain.registry.stages import promote, register_version
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle

MODEL = "assistant"
#: Error rates at launch, by the versions' evaluations of 200 items.
LAUNCH = {"1": 0.05, "2": 0.30}
#: Of each batch: the first responses of a version that are wrong.
WRONG = {"1": 12, "2": 1}


def register(connection: Connection, now: datetime, *, serves: bool = True) -> int:
    """Register the next version with its launch rate, and promote it; return its number."""
    version = register_version(
        connection, model=MODEL, adapter_path="a", adapter_digest="sha256:a", lineage={}, now=now
    )
    rate = LAUNCH[str(version)]
    low, high = 1 - rate - 0.05, 1 - rate + 0.05
    save_scores(
        connection, version, "b", [ScoreRow("b", "", "exact_match", 1 - rate, low, high, 200)], now
    )
    if serves:
        put_in_production(connection, version, now)
    return version


def put_in_production(connection: Connection, number: int, now: datetime) -> None:
    """Promote a version by its number, or revert to it."""
    row = version_by_number(connection, MODEL, number)
    promote(connection, row.id, changed_by="lea", reason="test", now=now)


def review(
    connection: Connection,
    world: World,
    users: Mapping[str, int],
    now: datetime,
    wrong: Mapping[str, int] = WRONG,
) -> None:
    """Settle a batch: of each version the first responses are wrong, the others right."""
    version_of = {d.item_id: d.version for d in draws_of_batches(connection, [world.batch_id])}
    left = dict(wrong)

    def outcome(_number: int, item):
        version = version_of[item.id]
        left[version] = left.get(version, 0) - 1
        return JUDGEMENT if left[version] >= 0 else RIGHT

    settle(connection, world.batch_id, (users["Ada"], users["Ben"]), outcome, now)


def two_weeks(engine: Engine, clock: datetime) -> tuple[World, World]:
    """Make a week of version 1, in production then, and one of both, after version 2 followed."""
    old = make_world(engine, clock, weeks_ago=1, versions=("1",))
    with transaction(engine) as connection:
        register(connection, clock - timedelta(weeks=3))
        review(connection, old, old.users, clock)
    new = make_world(engine, clock, users=False, versions=("1", "2"))
    with transaction(engine) as connection:
        review(connection, new, old.users, clock)
    return old, new
