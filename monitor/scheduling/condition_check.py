"""Check of a condition: its inputs and its result."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection

from monitor.settings import Sections

SettingsT = TypeVar("SettingsT", bound=Sections)


@dataclass(frozen=True)
class ConditionCheck(Generic[SettingsT]):
    """A check of a condition."""

    connection: Connection
    #: The settings of the model; for a condition of the daemon, those of all models.
    settings: SettingsT
    now: datetime
    #: When the daemon started, which catches up after a pause.
    started_at: datetime


@dataclass(frozen=True)
class Holds:
    """A condition that holds."""

    #: What is wrong, without a quote of the traffic.
    text: str
    #: What it consists of: windows, runs, days, ...
    keys: frozenset[str] = frozenset()
    #: When it began; ``None``: it is not known.
    since: datetime | None = None
    #: Of the next step, where that depends on what is wrong; else empty.
    command: str = ""
    #: The drift evaluation that it is about, which the log of its messages names.
    evaluation_id: int | None = None


@dataclass(frozen=True)
class Clear:
    """A condition that does not hold."""

    #: Why it ended where it did before; empty: nothing is known.
    reason: str = ""


@dataclass(frozen=True)
class Unknown:
    """Nothing says whether a condition holds: an incident stays as it is, and none is opened."""


Result = Holds | Clear | Unknown
CLEAR, UNKNOWN = Clear(), Unknown()
