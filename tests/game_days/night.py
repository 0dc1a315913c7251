"""A game played: the world lives through a script, and all messages are kept."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.game_days.faults import HOUR, MINUTE, Strike
from tests.game_days.ledger import Message
from tests.game_days.script import Script
from tests.game_days.warm_up import SQLITE, copy_world
from tests.game_days.world.databases import Databases
from tests.game_days.world.world import World, open_world

#: Longest time between two steps where nothing begins or ends.
STEP = HOUR


@dataclass(frozen=True)
class Night:
    """A played script, with the messages."""

    script: Script
    messages: tuple[Message, ...]
    #: Unexpected exceptions of the daemon's jobs: time, job, exception.
    defects: tuple[tuple[datetime, str, str], ...]


def play(
    script: Script,
    warm: Path,
    folder: Path,
    *,
    databases: Databases = SQLITE,
    prepare: Callable[[World], None] = lambda _: None,
) -> Night:
    """Play a script in a copy of a lived world; ``prepare`` changes the world before."""
    history = copy_world(warm, folder, databases, seed=script.seed)
    with open_world(folder, history, databases) as world:
        prepare(world)
        live_through(script, world)
        night = Night(script, tuple(world.ledger.messages), tuple(world.ledger.defects))
    databases.drop(folder)
    shutil.rmtree(folder)
    return night


def live_through(script: Script, world: World) -> None:
    """Move the clock of a world to the end of a script, whose faults begin and end meanwhile."""
    events = sorted(
        [(strike.begin, 0, n, strike) for n, strike in enumerate(script.strikes)]
        + [(strike.end, 1, n, strike) for n, strike in enumerate(script.strikes)],
        key=lambda entry: entry[:3],
    )
    for at in _steps(script):
        world.advance(at)
        while events and events[0][0] <= at:
            _, is_end, _, strike = events.pop(0)
            (strike.fault.end if is_end else strike.fault.begin)(world, strike)


def _steps(script: Script) -> Iterator[datetime]:
    """Yield the times of the steps: close after the begin and end of a fault, far apart else."""
    events = sorted({at for strike in script.strikes for at in (strike.begin, strike.end)})
    now = script.begin
    while now < script.end:
        now = min(
            [
                _next_full(now),
                *(at for at in (*events, *_close(script.strikes, now)) if at > now),
                script.end,
            ]
        )
        yield now


def _next_full(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + STEP


def _close(strikes: tuple[Strike, ...], now: datetime) -> Iterator[datetime]:
    """Yield times that are close to the begin, the deadline or the end of a fault."""
    for strike in strikes:
        fault = strike.fault
        for at in (strike.begin, strike.end):
            if at <= now < at + fault.grain_for:
                yield at + fault.grain * ((now - at) // fault.grain + 1)
        promised = fault.promised or timedelta()
        n_minutes = 3 if promised <= HOUR else 1
        yield from (strike.begin + promised - n * MINUTE for n in range(n_minutes))
