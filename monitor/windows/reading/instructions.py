"""Instructions of a sample of a side's exchanges."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from monitor.windows.explanations.instructions import MAX_READ, Instructions
from monitor.windows.reading.files import FileSide

#: Roles of the messages that are instructions.
ROLES = frozenset({"system", "developer"})
#: Characters of them that are read.
MAX_CHARACTERS = 50_000


def instructions_of_file(side: FileSide, rows: NDArray[np.int64]) -> Instructions:
    """Return the instructions of some exchanges of a file."""
    sampled = rows[sample_rows(len(rows))]
    messages = (side.content.exchanges[row].messages for row in sampled.tolist())
    return Instructions(
        side.window.take(sampled),
        [join_instructions((turn.role, turn.content) for turn in own) for own in messages],
    )


def sample_rows(n: int) -> NDArray[np.int64]:
    """Return the rows whose instructions are read: always the same of as many."""
    if n <= MAX_READ:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng(0).choice(n, MAX_READ, replace=False)).astype(np.int64)


def join_instructions(messages: Iterable[tuple[str, str]]) -> str:
    """Return the instructions among messages, each a role and its text."""
    return "\n".join(content for role, content in messages if role in ROLES)[:MAX_CHARACTERS]
