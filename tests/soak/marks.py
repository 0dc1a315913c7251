"""What a daemon is doing just now, in a file that outlives its death by SIGKILL."""

import mmap
from pathlib import Path

#: What a daemon may be at, each by its place in this list. A batch is at work from `embedding` on.
PHASES = ("starting", "reading", "embedding", "storing", "committing", "between the commits")
STARTING, READING, EMBEDDING, STORING, COMMITTING, BETWEEN_COMMITS = range(len(PHASES))


class Marks:
    """Two bytes that the daemon and the harness share: the phase, and whether polling is held."""

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
        """Whether the daemon must not poll: its heartbeats go on."""
        return bool(self._bytes[1])

    @held.setter
    def held(self, held: bool) -> None:
        self._bytes[1] = held

    def clear(self) -> None:
        """Begin a new life."""
        self._bytes[0:2] = bytes(2)
