"""Faults of game days, and the promises of what is told about each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.game_days.world.world import World

#: What a title has before its cause.
TITLE = r"\A\W*((critical|error|warning) )?"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Strike:
    """A fault of a night: when, of which model, how strong."""

    fault: "Fault"
    begin: datetime
    end: datetime
    #: Empty: of the daemon.
    model: str
    #: In [0, 1].
    size: float

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"{self.fault.name} {self.model}".strip()


Action = Callable[[World, Strike], None]


@dataclass(frozen=True)
class Figure:
    """A figure that a message may name: its pattern, of one group, and what is true."""

    pattern: str
    #: Least and largest true value, by the size of the strike.
    bounds: Callable[[float], tuple[float, float]]


def ends_by_itself(_world: World, _strike: Strike) -> None:
    """Change nothing."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A kind of fault, and its promises.

    The promises are those of the documentation; nothing here is read from the product's rules.
    """

    name: str
    begin: Action
    end: Action = ends_by_itself
    #: Shortest and longest time that it lasts.
    lasts: tuple[timedelta, timedelta]
    #: Time in which it is told; ``None``: nobody is disturbed.
    promised: timedelta | None
    #: Pattern of what a true message says; of several patterns each occurs. ``{model}`` is the
    #: model.
    says: tuple[str, ...] = ()
    #: Patterns of a further message that is true of it, with an incident of its own or without:
    #: each has its reason beside it.
    also: tuple[str, ...] = ()
    #: Figures of what it says.
    figures: tuple[Figure, ...] = ()
    #: Pattern of the step that helps.
    acts: str = ""
    #: Time in which its end is told; ``None``: not within the night.
    ends_within: timedelta | None = None
    #: Time after its end for which it is still true that it was so, such as of the last 24 hours.
    lingers: timedelta = timedelta()
    #: How much earlier than its begin a message may say that it began: the time between two
    #: observations.
    resolution: timedelta = HOUR
    of_model: bool = True
    #: Models that it can strike; empty: any.
    models: tuple[str, ...] = ()
    #: What it changes: of two faults at a time each changes something else.
    touches: str
    #: Whether nothing is seen of models while it lasts.
    blinds: bool = False
    #: Whether looks tell it: while they fail, that is told.
    by_looks: bool = False
    #: Whether no other meets it.
    is_alone: bool = False
    #: Channels that are disturbed, with the delays of repeated attempts.
    disturbs: tuple[str, ...] = ()
    #: Day of the week and hour at which it begins; ``None``: any.
    begins_at: tuple[int, int] | None = None
    #: Another fault that begins a few minutes later: of a channel nobody notices anything before a
    #: message is due.
    needs: str = ""
    #: Longest time between two steps of the clock after begin and end, and for how long.
    grain: timedelta = 20 * MINUTE
    grain_for: timedelta = HOUR
