"""Instructions of a sample of a side's exchanges: of a file, of a stored window or baseline."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from monitor.store.engine import snapshot
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import load_messages
from monitor.windows.explanations.instructions import MAX_READ, Instructions
from monitor.windows.reading.files import FileSide

#: Roles of the messages that are instructions.
ROLES = frozenset({"system", "developer"})
#: Characters of them that are read.
MAX_CHARACTERS = 50_000


def instructions_of_file(side: FileSide, rows: NDArray[np.int64]) -> Instructions:
    """Return the instructions of some exchanges of a file."""
    sampled = rows[_sample_rows(len(rows))]
    messages = (side.content.exchanges[row].messages for row in sampled.tolist())
    return Instructions(
        side.window.take(sampled),
        [_join((turn.role, turn.content) for turn in own) for own in messages],
    )


def read_instructions(engine: Engine, rows: Exchanges) -> Instructions:
    """Read the instructions of loaded exchanges, whose conversations aren't loaded with them."""
    sampled = rows.take(_sample_rows(len(rows)))
    ids = sampled.ids.tolist()
    with snapshot(engine) as connection:
        texts = {
            id_: _join((turn["role"], turn["content"]) for turn in messages)
            for id_, messages in load_messages(connection, ids)
        }
    left = np.flatnonzero([id_ in texts for id_ in ids]).astype(np.int64)  # deleted since
    return Instructions(sampled.take(left), [texts[id_] for id_ in ids if id_ in texts])


def _sample_rows(n: int) -> NDArray[np.int64]:
    """Return the rows whose instructions are read: always the same of as many."""
    if n <= MAX_READ:
        return np.arange(n, dtype=np.int64)
    return np.sort(np.random.default_rng(0).choice(n, MAX_READ, replace=False)).astype(np.int64)


def _join(messages: Iterable[tuple[str, str]]) -> str:
    return "\n".join(content for role, content in messages if role in ROLES)[:MAX_CHARACTERS]
