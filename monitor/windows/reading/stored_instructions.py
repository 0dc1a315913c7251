"""Instructions of a sample of a stored window's or baseline's exchanges."""

import numpy as np
from sqlalchemy import Engine

from monitor.store.engine import snapshot
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import load_messages
from monitor.windows.explanations.instructions import Instructions
from monitor.windows.reading.instructions import join_instructions, sample_rows


def read_instructions(engine: Engine, rows: Exchanges) -> Instructions:
    """Read the instructions of loaded exchanges, whose conversations aren't loaded with them."""
    sampled = rows.take(sample_rows(len(rows)))
    ids = sampled.ids.tolist()
    with snapshot(engine) as connection:
        texts = {
            id_: join_instructions((turn["role"], turn["content"]) for turn in messages)
            for id_, messages in load_messages(connection, ids)
        }
    left = np.flatnonzero([id_ in texts for id_ in ids]).astype(np.int64)  # deleted since
    return Instructions(sampled.take(left), [texts[id_] for id_ in ids if id_ in texts])
