"""Figures of many windows at once, without texts, scores and reports."""

from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store.tables import DriftEvaluation
from monitor.store.windows.window_figures import AssessmentFigures, WindowFigures
from monitor.table_types.documents import read_document


def newest_windows(
    connection: Connection, model: str, limit: int, *, until: datetime | None = None
) -> list[WindowFigures]:
    """Return the newest windows of a model that end by a time, in order of time."""
    statement = (
        select(
            DriftEvaluation.id,
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            DriftEvaluation.status,
            DriftEvaluation.assessment,
        )
        .where(DriftEvaluation.model == model)
        .order_by(DriftEvaluation.window_end.desc(), DriftEvaluation.id.desc())
        .limit(limit)
    )
    if until is not None:
        statement = statement.where(DriftEvaluation.window_end <= until)
    rows = connection.execute(statement).all()
    return [
        WindowFigures(
            row.id,
            row.window_start,
            row.window_end,
            row.status,
            None if row.assessment is None else read_document(row.assessment, AssessmentFigures),
        )
        for row in reversed(rows)
    ]
