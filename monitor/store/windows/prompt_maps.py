"""Prompt maps: coordinates and ids of prompts, and their texts on demand."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, false, or_, select

from monitor.store.rows import update_row
from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

#: Replaces the id of a deleted exchange.
DELETED = -1


@dataclass(frozen=True)
class PromptMap:
    """Coordinates of m prompts of the window and r of the baseline, in the unit square."""

    #: ``exchanges.id``, int64 ``[m]``; :data:`DELETED` for a deleted exchange.
    current_ids: NDArray[np.int64]
    #: float32 ``[m, 2]``
    current: NDArray[np.float32]
    #: Index of the drifted topic in the assessment, in ascending order; then -1 for none. int64
    #: ``[m]``
    topic: NDArray[np.int64]
    #: As for the window, int64 ``[r]`` and float32 ``[r, 2]``.
    reference_ids: NDArray[np.int64]
    reference: NDArray[np.float32]
    #: float32 ``[m]``, in [0, 1]: how unlike the baseline's responses to similar prompts the
    #: response is, NaN where it wasn't compared. ``None`` where the responses didn't change
    #: significantly.
    change: NDArray[np.float32] | None = None

    def exclude(self, ids: list[int]) -> "PromptMap":
        """Return the map without exchanges."""
        mask = ~np.isin(self.current_ids, ids)
        reference_mask = ~np.isin(self.reference_ids, ids)
        return PromptMap(
            self.current_ids[mask],
            self.current[mask],
            self.topic[mask],
            self.reference_ids[reference_mask],
            self.reference[reference_mask],
            None if self.change is None else self.change[mask],
        )

    def anonymize(self) -> "PromptMap":
        """Return the map without ids, so that no exchange can be identified."""
        return PromptMap(
            np.full_like(self.current_ids, DELETED),
            self.current,
            self.topic,
            np.full_like(self.reference_ids, DELETED),
            self.reference,
            self.change,
        )

    def count(self, ids: list[int]) -> int:
        """Return how many of the exchanges are on the map."""
        both = np.concatenate([self.current_ids, self.reference_ids])
        return int(np.isin(both, ids).sum())


def pack_prompt_map(stored_map: PromptMap) -> bytes:
    """Compress a map."""
    buffer = io.BytesIO()
    change: dict[str, Any] = {}
    if stored_map.change is not None:
        change["change"] = stored_map.change.astype(np.float32)
    np.savez_compressed(
        buffer,
        current_ids=stored_map.current_ids.astype(np.int64),
        current=stored_map.current.astype(np.float32),
        topic=stored_map.topic.astype(np.int64),
        reference_ids=stored_map.reference_ids.astype(np.int64),
        reference=stored_map.reference.astype(np.float32),
        **change,
    )
    return buffer.getvalue()


def unpack_prompt_map(packed: bytes) -> PromptMap:
    """Unpack a map of :func:`pack_prompt_map`."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return PromptMap(**{name: arrays[name] for name in arrays.files})


def prompt_map(connection: Connection, evaluation_id: int) -> PromptMap | None:
    """Return the map of an evaluation; ``None`` where it has none."""
    packed = connection.execute(
        select(DriftEvaluation.prompt_map).where(DriftEvaluation.id == evaluation_id)
    ).scalar_one_or_none()
    return None if packed is None else unpack_prompt_map(packed)


def save_prompt_map(connection: Connection, evaluation_id: int, stored_map: PromptMap) -> None:
    """Replace the map of an evaluation."""
    update_row(connection, DriftEvaluation, evaluation_id, prompt_map=pack_prompt_map(stored_map))


@dataclass(frozen=True)
class MapText:
    """An exchange of the window or of its baseline."""

    prompt: str
    response: str
    task_type: str
    occurred_at: datetime
    of_baseline: bool


def load_map_texts(
    connection: Connection, evaluation: DriftEvaluationRow, ids: Sequence[int]
) -> dict[int, MapText]:
    """Return the exchanges that still exist, by their ids.

    Ids of deleted exchanges may be reused, so only exchanges of the evaluation's window or baseline
    count. The ids are values of ``exchanges.id``.
    """
    in_window = and_(
        Exchange.baseline_id.is_(None),
        Exchange.model == evaluation.model,
        Exchange.occurred_at >= evaluation.window_start,
        Exchange.occurred_at < evaluation.window_end,
    )
    of_baseline = (
        false()
        if evaluation.baseline_id is None
        else Exchange.baseline_id == evaluation.baseline_id
    )
    statement = select(
        Exchange.id,
        Exchange.prompt,
        Exchange.response,
        Exchange.task_type,
        Exchange.occurred_at,
        Exchange.baseline_id,
    ).where(Exchange.id.in_(ids), or_(in_window, of_baseline))
    return {
        int(row.id): MapText(
            row.prompt, row.response, row.task_type, row.occurred_at, row.baseline_id is not None
        )
        for row in connection.execute(statement)
    }
