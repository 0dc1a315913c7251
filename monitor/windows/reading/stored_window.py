"""Stored traffic of a window: vectors of one encoder, and the final sample."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import Engine

from monitor.errors import ModelError
from monitor.store.engine import snapshot
from monitor.store.traffic.baselines import list_baselines
from monitor.store.traffic.daily_counts import SampledCount
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import count_by_encoder, load_window
from monitor.store.traffic.stored_counts import count_stored
from monitor.store.traffic.withheld import count_withheld
from monitor.windows.reading.final_sample import final_sample
from monitor.windows.reading.reembedding import EncoderSource, reembed


@dataclass(frozen=True)
class StoredWindow:
    """The exchanges of a window that are compared."""

    rows: Exchanges
    #: Exchanges whose texts the source withheld.
    withheld: SampledCount
    #: Exchanges that were embedded again, because another encoder had made their vectors.
    n_reembedded: int
    #: Exchanges of the window that were ever stored; ``None``: it is not made of whole days.
    n_stored: int | None
    #: Remarks on encoders and samples.
    remarks: tuple[str, ...]


def read_window(
    engine: Engine, model: str, bounds: tuple[datetime, datetime], encoder: EncoderSource
) -> StoredWindow:
    """Read a window.

    Where two encoders embedded it, or one without a baseline, its texts are embedded again with the
    configured encoder. Where that cannot be loaded, only the newest encoder's exchanges are
    compared, and a remark counts the rest.

    ``bounds`` are its first instant and the first after it. The encoder is called only where texts
    are to be embedded again.
    """
    with snapshot(engine) as connection:  # rows and vectors may move concurrently
        encoders = count_by_encoder(connection, model, *bounds)
        parts = [
            load_window(connection, model, *bounds, encoder=name) for name in encoders or {"": 0}
        ]
        withheld = count_withheld(connection, model, *bounds)
        n_stored = count_stored(connection, model, *bounds)
        of_baselines = {baseline.encoder for baseline in list_baselines(connection, model)}
    remarks: list[str] = []
    rows, n_again = parts[0], 0
    if len(parts) > 1 or (encoders and of_baselines and rows.encoder not in of_baselines):
        rows, remarks, n_again = _of_one_encoder(parts, encoder)
    sample = final_sample(rows, bounds)
    if sample.remark:
        remarks.append(sample.remark)
    return StoredWindow(sample.rows, withheld, n_again, n_stored, tuple(remarks))


def _of_one_encoder(
    parts: Sequence[Exchanges], source: EncoderSource
) -> tuple[Exchanges, list[str], int]:
    n_other = sum(len(part) for part in parts[1:])
    try:
        encoder = source()
    except ModelError as error:
        if not n_other:
            return parts[0], [], 0  # the choice of the baseline decides whether it can be compared
        remark = (
            f"{n_other:,} exchanges of the window were embedded by another encoder than the "
            "newest and are not compared, because the configured encoder cannot be loaded: "
            f"{error}"
        )
        return parts[0], [remark], 0
    other_parts = [part for part in parts if part.encoder != encoder.identity]
    if not other_parts:
        return parts[0], [], 0
    n_again = sum(len(part) for part in other_parts)
    names = ", ".join(part.encoder for part in other_parts)
    remark = (
        f"{n_again:,} exchanges of the window, embedded by {names}, were embedded again by "
        f"{encoder.identity}."
    )
    again = [part if part.encoder == encoder.identity else reembed(part, encoder) for part in parts]
    return _merge(again), [remark], n_again


def _merge(parts: Sequence[Exchanges]) -> Exchanges:
    """Return the exchanges of parts of one encoder, in order of time."""
    merged = replace(Exchanges.concat(parts), n_other_encoder=0)
    order = sorted(range(len(merged)), key=lambda row: (merged.occurred_at[row], merged.ids[row]))
    return merged.take(np.array(order, dtype=np.int64))
