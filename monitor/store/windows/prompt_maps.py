"""Prompt maps: coordinates and ids of prompts, and their texts on demand."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, false, or_, select

from monitor.store.rows import update_row
from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.map_points import MapText, PromptMap


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
