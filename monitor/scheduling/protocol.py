"""Messages between the daemon and the child process of its evaluations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.settings import Embedding


@dataclass(frozen=True)
class Start:
    """The first message to the child."""

    database_url: str
    embedding: Embedding
    #: Modules to import before the first task.
    preload: tuple[str, ...]
    parent: int


@dataclass(frozen=True)
class Ready:
    """The child's reply to :class:`Start`."""

    #: Resident memory, in bytes.
    resident: int


@dataclass(frozen=True)
class Task:
    """A task for the child."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    #: Of the leader that asks for it; ``None``: nobody leads, and any transaction commits.
    epoch: int | None
    #: Ids that each line of the log names.
    ids: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The outcome of a task."""

    value: Any = None
    error: str = ""
    database_unavailable: bool = False
    #: Resident memory after the task, in bytes.
    resident: int = 0
