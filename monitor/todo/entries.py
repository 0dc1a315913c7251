"""Entries of the to-do list, their order and their groups."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from monitor.todo.kinds import BY_NAME, RANKS

#: Entries of one kind and model that are listed one by one.
MAX_OF_A_KIND = 3


@dataclass(frozen=True, kw_only=True)
class TodoEntry:
    """A step that waits for a user, and the page where it is done."""

    #: Empty: it is of no model.
    model: str
    #: A name of :data:`monitor.todo.kinds.KINDS`.
    kind: str
    #: Since when it waits.
    since: datetime
    #: One or two plain sentences: what, since when, and what happens if it is not done.
    text: str
    #: Page on which it is done.
    address: str
    #: Label of the button, a verb first.
    label: str
    #: Address that the button posts to; empty: it is a link to the page.
    action: str = ""
    #: Things that wait: items, or entries of one kind.
    n: int = 1
    #: Of an incident.
    cause: str = ""
    #: The open incident that it is, or covers.
    incident_id: int | None = None

    @property
    def rank(self) -> int:
        """Return the place in the order of harm, from 0."""
        return RANKS[self.kind]

    @property
    def subject(self) -> str:
        """Return the model, or what it concerns else."""
        return self.model or BY_NAME[self.kind].subject

    @property
    def is_own(self) -> bool:
        """Return whether it is the user's own work as a reviewer."""
        return BY_NAME[self.kind].audience == "reviewer"

    def age(self, now: datetime) -> timedelta:
        """Return for how long it has waited."""
        return max(now - self.since, timedelta(0))


def in_order(entries: Iterable[TodoEntry]) -> list[TodoEntry]:
    """Return entries by harm and then by age."""
    return sorted(entries, key=lambda entry: (entry.rank, entry.since, entry.model, entry.address))


def group(entries: Iterable[TodoEntry]) -> list[TodoEntry]:
    """Return entries with one in place of many of a kind and model."""
    alike: dict[tuple[str, str], list[TodoEntry]] = defaultdict(list)
    for entry in in_order(entries):
        alike[entry.kind, entry.model].append(entry)
    grouped: list[TodoEntry] = []
    for some in alike.values():
        grouped += some if len(some) <= MAX_OF_A_KIND else [_join(some)]
    return grouped


def of_model(path: str, model: str, **query: str) -> str:
    """Return the address of a page for a model."""
    return f"{path}?{urlencode({'model': model, **query} if model else query)}".rstrip("?")


def _join(entries: Sequence[TodoEntry]) -> TodoEntry:
    """Return one entry for several, which leads to the list of their page."""
    oldest = entries[0]
    return replace(
        oldest,
        text=f"{len(entries)} entries of this kind, the oldest: {oldest.text}",
        address=of_model(f"/{oldest.address.split('/')[1]}", oldest.model),
        label="See all of them",
        action="",
        n=len(entries),
        incident_id=None,
    )
