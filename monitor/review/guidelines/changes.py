"""Changes between two versions of the taxonomy: of its text, and of its task types."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from monitor.review.guidelines.taxonomy import TaskType, Taxonomy
from monitor.store.review.taxonomies import open_items_by_task_type

Change = Literal["added", "changed", "dropped"]


@dataclass(frozen=True)
class TaskTypeChange:
    """A task type with other guidelines, and the items that it concerns."""

    name: str
    change: Change
    #: Items of it that nobody has decided yet.
    n_open: int
    #: Those that nobody has begun, which move to a new version.
    n_moving: int


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff."""

    #: ``+``, ``-``, a space where both texts have it, or ``@`` between two parts.
    mark: str
    text: str


def changes_of_task_types(
    connection: Connection,
    model: str,
    before: Taxonomy | None,
    after: Taxonomy,
    now: datetime,
) -> list[TaskTypeChange]:
    """Return the task types that differ, each with the number of a model's open items."""
    old: Mapping[str, TaskType] = {} if before is None else before.task_types
    new = after.task_types
    changes: dict[str, Change] = {}
    for name in sorted({*old, *new}):
        if name not in new:
            changes[name] = "dropped"
        elif name not in old:
            changes[name] = "added"
        elif old[name] != new[name]:
            changes[name] = "changed"
    n_open = open_items_by_task_type(connection, model, changes, now)
    return [
        TaskTypeChange(name, change, *n_open.get(name, (0, 0))) for name, change in changes.items()
    ]


def diff_lines(before: str, after: str) -> list[DiffLine]:
    """Return the lines that differ, with three lines around each; none between equal texts."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return [
        DiffLine("@", "") if line.startswith("@@") else DiffLine(line[0], line[1:])
        for line in list(lines)[2:]
    ]
