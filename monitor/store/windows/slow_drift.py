"""Queries of the sums of scores for slow-drift detection."""

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, insert, select

from monitor.store.tables import DriftEvaluation, SlowDriftWindow

#: Arrays of :class:`monitor.drift.WindowSums` by field, float64 ``[b]`` and ``[b, K]``.
Sums = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class WatchedSums:
    """The sums of a window and the digest of their scoring."""

    #: Digest of everything that determines the scores.
    scoring_digest: str
    sums: Sums


@dataclass(frozen=True)
class StoredSums:
    """The sums of an evaluated window."""

    start: datetime
    end: datetime
    sums: Sums


def save_slow_drift_window(
    connection: Connection, evaluation_id: int, watched: WatchedSums | None
) -> None:
    """Replace the sums of a window; ``None`` deletes them.

    Call it inside the transaction that finishes the evaluation.
    """
    connection.execute(
        delete(SlowDriftWindow).where(SlowDriftWindow.evaluation_id == evaluation_id)
    )
    if watched is not None:
        connection.execute(
            insert(SlowDriftWindow).values(
                evaluation_id=evaluation_id,
                scoring_digest=watched.scoring_digest,
                sums=_pack(watched.sums),
            )
        )


def slow_drift_windows_before(
    connection: Connection, model: str, start: datetime, scoring_digest: str
) -> list[StoredSums]:
    """Return the sums of windows that ended by a time, with one scoring, the oldest first."""
    statement = (
        select(DriftEvaluation.window_start, DriftEvaluation.window_end, SlowDriftWindow.sums)
        .join(SlowDriftWindow, SlowDriftWindow.evaluation_id == DriftEvaluation.id)
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_end <= start,
            DriftEvaluation.status == "done",
            SlowDriftWindow.scoring_digest == scoring_digest,
        )
        .order_by(DriftEvaluation.window_start, DriftEvaluation.id)
    )
    return [
        StoredSums(row.window_start, row.window_end, _unpack(row.sums))
        for row in connection.execute(statement)
    ]


def _pack(sums: Sums) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(sums)
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _unpack(packed: bytes) -> Sums:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
