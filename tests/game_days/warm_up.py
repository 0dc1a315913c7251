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


def warm_up(folder: Path, *, weeks: int, seed: int, databases: Databases = SQLITE) -> Path:
    """Live the weeks before :data:`END` in a folder, and return it.

    Raises:
        AssertionError: An incident was opened.
    """
    folder.mkdir(parents=True)
    databases.create(folder)
    begin = END - timedelta(weeks=weeks)
    production = Production(list(MODELS), np.random.default_rng(seed))
    with open_world(folder, History(begin, production, Topic()), databases) as world:
        world.create()
        world.looks = "off"
        world.start()
        while world.now < END - FINE:
            world.advance(min(world.now + STEP, END - FINE))
        world.looks = "hourly"
        world.start()
        while world.now < END:
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
