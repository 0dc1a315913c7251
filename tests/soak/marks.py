"""Current phase of a daemon, in a file that survives SIGKILL."""

import mmap
from pathlib import Path

#: What a daemon may be at, each by its place in this list. A batch is at work from `embedding` on.
PHASES = ("starting", "reading", "embedding", "storing", "committing", "between the commits")
STARTING, READING, EMBEDDING, STORING, COMMITTING, BETWEEN_COMMITS = range(len(PHASES))


class Marks:
    """Two shared bytes: the phase, and whether polling is held."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), 2)

    @property
    def phase(self) -> int:
        """Index into :data:`PHASES`."""
        return self._bytes[0]

    @phase.setter
    def phase(self, phase: int) -> None:
        self._bytes[0] = phase

    @property
    def held(self) -> bool:
        """Whether the daemon must not poll; heartbeats continue."""
        return bool(self._bytes[1])

    @held.setter
    def held(self, held: bool) -> None:
        self._bytes[1] = held

    def clear(self) -> None:
        """Reset the marks."""
        self._bytes[0:2] = bytes(2)
