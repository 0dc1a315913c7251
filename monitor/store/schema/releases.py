"""Released schemas: the one list that commands and tests read.

A release adds a line here, its dumps and the digests of its migrations (``tests/migration``).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A release of driftwarden and the revision of its schema."""

    version: str
    revision: str


#: The oldest first. Migrations up to the last revision are never edited.
RELEASES = (Release("0.2.0", "0002"),)


def release_before(revision: str, history: Sequence[str]) -> Release | None:
    """Return the newest release whose schema is older than a revision; ``None`` without one.

    Args:
        revision: A revision of the history.
        history: All revisions, the oldest first.
    """
    older = history[: history.index(revision)]
    return next((release for release in reversed(RELEASES) if release.revision in older), None)


def release_of(revision: str, history: Sequence[str]) -> Release | None:
    """Return the newest release whose schema a revision has, or has migrated."""
    reached = history[: history.index(revision) + 1]
    return next((release for release in reversed(RELEASES) if release.revision in reached), None)
