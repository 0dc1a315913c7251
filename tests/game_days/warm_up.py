"""Weeks of an ordinary world, lived once and copied for each night."""

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.game_days.world.databases import Databases
from tests.game_days.world.production import Production
from tests.game_days.world.topic import Topic
from tests.game_days.world.world import History, open_world

MODELS = ("desk", "router")
#: The Sunday on which the nights begin: before the end of a window.
END = datetime(2026, 11, 29, tzinfo=UTC)
STATE = "history.pickle"
SQLITE = Databases()
STEP = timedelta(hours=12)
#: The last time lived in steps of an hour.
FINE = timedelta(hours=6)


def warm_up(
    folder: Path,
    *,
    weeks: int,
    seed: int,
    databases: Databases = SQLITE,
    end: datetime = END,
    lived: Path | None = None,
) -> Path:
    """Live the weeks before an instant in a folder, or on from a lived world, and return it.

    Raises:
        AssertionError: An incident was opened.
    """
    folder.mkdir(parents=True)
    if lived is None:
        databases.create(folder)
        production = Production(list(MODELS), np.random.default_rng(seed))
        history = History(end - timedelta(weeks=weeks), production, Topic())
    else:
        history = copy_world(lived, folder, databases, seed=seed)
    with open_world(folder, history, databases) as world:
        if lived is None:
            world.create()
        world.looks = "off"
        world.start()
        while world.now < end - FINE:
            world.advance(min(world.now + STEP, end - FINE))
        world.looks = "hourly"
        world.start()
        while world.now < end:
            world.advance(world.now + timedelta(hours=1))
        alarms = [message for message in world.ledger.messages if message.incident is not None]
        assert not alarms, [(message.at, message.title) for message in alarms[:9]]
        assert not world.ledger.defects, world.ledger.defects
        world.topic.delete_before(world.topic.end)
        history = History(world.now, world.production, world.topic)
    (folder / STATE).write_bytes(pickle.dumps(history))
    return folder


def copy_world(warm: Path, folder: Path, databases: Databases, *, seed: int) -> History:
    """Copy a lived world into a folder; what it sends from now on is drawn from the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    databases.copy(warm, folder)
    history: History = pickle.loads((warm / STATE).read_bytes())
    history.production.draw_from(np.random.default_rng(seed))
    return history
