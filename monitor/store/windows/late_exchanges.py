"""Exchanges of a window that were stored after its evaluation had read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.tables import DriftEvaluation
from monitor.store.traffic.stored_counts import count_stored, stored_by_day
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

#: In the provenance of a window: how many of its exchanges were ever stored when it was read.
MARK = "n_stored"


@dataclass(frozen=True)
class LateExchanges:
    """Exchanges that an evaluation has not read."""

    n: int
    #: Of all exchanges of the window, in [0, 1].
    share: float


@dataclass(frozen=True)
class LateWindow:
    """An evaluated window with late exchanges."""

    evaluation_id: int
    start: datetime
    end: datetime
    evaluated_at: datetime
    late: LateExchanges


def late_exchanges(connection: Connection, evaluation: DriftEvaluationRow) -> LateExchanges | None:
    """Return the late exchanges of an evaluation, whatever was erased since.

    ``None``: it is not known, as of an evaluation by an older release or of a part of a day.
    """
    mark = _mark(evaluation.provenance)
    window = evaluation.model, evaluation.window_start, evaluation.window_end
    n_stored = None if mark is None else count_stored(connection, *window)
    return None if n_stored is None else _compare(n_stored, evaluation.provenance)


def late_windows(connection: Connection, model: str, since: datetime) -> list[LateWindow]:
    """Return the evaluated windows that end after a time, with their late exchanges if known."""
    rows = connection.execute(
        select(
            DriftEvaluation.id,
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            DriftEvaluation.started_at,
            DriftEvaluation.provenance,
        )
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_end > since,
            # One that is repeated keeps its result until then.
            DriftEvaluation.verdict.is_not(None),
        )
        .order_by(DriftEvaluation.window_start)
    ).all()
    known = [row for row in rows if _mark(row.provenance) is not None]
    if not known:
        return []
    first, last = known[0].window_start, max(row.window_end for row in known)
    counts = stored_by_day(connection, model, first, last)
    return [
        LateWindow(
            row.id,
            row.window_start,
            row.window_end,
            row.started_at,
            _compare(
                sum(n for day, n in counts.items() if row.window_start <= day < row.window_end),
                row.provenance,
            ),
        )
        for row in known
    ]


def _compare(n_stored: int, provenance: dict[str, Any]) -> LateExchanges:
    mark = provenance["window"][MARK]
    n = max(0, n_stored - mark)
    # An older release did not count what it stored.
    n_before = max(mark, provenance["window"]["n_exchanges"])
    return LateExchanges(n, n / (n + n_before) if n else 0.0)


def _mark(provenance: dict[str, Any]) -> int | None:
    mark: int | None = provenance.get("window", {}).get(MARK)
    return mark
