"""Released schemas: the one list that commands and tests read.

`make release` adds a line here, and the dumps and digests of the release (``tests/migration``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.errors import InputError


@dataclass(frozen=True)
class Release:
    """A release of driftwarden and the revision of its schema."""

    version: str
    revision: str


#: The oldest first. Migrations up to the last revision are never edited.
RELEASES: tuple[Release, ...] = ()


def release_named(version: str) -> Release:
    """Return a release by its version; ``InputError`` where there is none."""
    release = next((release for release in RELEASES if release.version == version), None)
    if release is None:
        known = ", ".join(release.version for release in RELEASES) or "none"
        raise InputError(f"unknown release: {version!r}; name one of: {known}", code="unknown")
    return release


def release_before(revision: str, history: Sequence[str]) -> Release | None:
    """Return the newest release whose schema is older than a revision; ``None`` without one.

    The history has all revisions, the oldest first.
    """
    older = history[: history.index(revision)]
    return next((release for release in reversed(RELEASES) if release.revision in older), None)


def release_of(revision: str, history: Sequence[str]) -> Release | None:
    """Return the newest release whose schema a revision has, or has migrated."""
    reached = history[: history.index(revision) + 1]
    return next((release for release in reversed(RELEASES) if release.revision in reached), None)
