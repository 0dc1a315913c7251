"""Texts of the exchanges on a prompt map, read on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, false, or_, select

from monitor.store.tables import Exchange
from monitor.store.windows.drift_evaluations import DriftEvaluationRow


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
    count.

    Args:
        connection: Inside the caller's transaction.
        evaluation: Whose map it is.
        ids: A page of ``exchanges.id``.
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
