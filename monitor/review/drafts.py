"""Versions of a draft, of which several tabs and browsers of one user may hold different ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from monitor.errors import NewerDraftError
from monitor.store.assignments import AssignmentTable

#: Fields of a draft: the time of its last edit in milliseconds, and the page that made it.
EDITED_AT, TAB = "edited_at", "tab"
#: Field of a request: the last edit, of any page, that the sender's text contains.
BASE = "base"


@dataclass(frozen=True)
class SeenDraft:
    """The newest draft that a page has seen."""

    tab: str
    base: int

    @classmethod
    def of_request(cls, values: Mapping[str, Any]) -> "SeenDraft | None":
        """Return what a page has seen; ``None`` for a program, which doesn't say it."""
        if BASE not in values:
            return None
        return cls(str(values.get(TAB, "")), _number(values[BASE]))

    def check(self, stored: Mapping[str, Any]) -> None:
        """Raise ``NewerDraftError`` where a stored draft is a newer one of another page."""
        if stored.get(TAB, "") != self.tab and _number(stored.get(EDITED_AT)) > self.base:
            raise NewerDraftError(stored)


def check_seen(
    connection: Connection,
    table: AssignmentTable[Any],
    item_id: int,
    user_id: int,
    seen: SeenDraft | None,
) -> None:
    """Require that a page has seen the newest draft of a locked item, or ``NewerDraftError``."""
    assignment = None if seen is None else table.find(connection, item_id, user_id)
    if seen is not None and assignment is not None:
        seen.check(assignment.draft)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
