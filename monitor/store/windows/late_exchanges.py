"""Exchanges of a window that were stored after its evaluation had read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.traffic.exchanges import count_by_encoder
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
    #: Whether a repetition runs or failed: ``evaluated_at`` is its begin, the result is older.
    is_repeated: bool
    #: Exchanges that were ever stored when it was evaluated.
    n_before: int
    late: LateExchanges


@dataclass(frozen=True)
class Arrivals:
    """Sources of the late exchanges of a window, of those that are still stored."""

    #: End users of those that were read after the evaluation.
    n_end_users: int
    newest_at: datetime | None
    #: Read from files.
    n_of_files: int
    #: Were read before the evaluation, as dead letters: at least so many.
    n_replayed: int


def arrivals_of(connection: Connection, model: str, window: LateWindow) -> Arrivals:
    """Return the sources of the late exchanges of a window."""
    is_late = Exchange.received_at > window.evaluated_at
    n_late, n_of_files, n_end_users, newest_at, n_early = connection.execute(
        select(
            func.count().filter(is_late),
            func.count().filter(is_late, Exchange.source.startswith("file:")),
            func.count(Exchange.end_user.distinct()).filter(is_late),
            func.max(Exchange.received_at).filter(is_late),
            func.count().filter(~is_late),
        ).where(
            Exchange.model == model,
            Exchange.baseline_id.is_(None),
            Exchange.occurred_at >= window.start,
            Exchange.occurred_at < window.end,
        )
    ).one()
    n_before = max(0, n_early - window.n_before)
    return Arrivals(n_end_users, newest_at, n_of_files, min(n_before, window.late.n - n_late))


def late_exchanges(connection: Connection, evaluation: DriftEvaluationRow) -> LateExchanges | None:
    """Return the late exchanges of an evaluation, whatever was erased since.

    ``None``: it is not known, as of an evaluation by an older release or of a part of a day.
    """
    mark = _mark(evaluation.provenance)
    window = evaluation.model, evaluation.window_start, evaluation.window_end
    n_stored = None if mark is None else count_stored(connection, *window)
    return None if n_stored is None else _compare(n_stored, evaluation.provenance)


def share_left(connection: Connection, evaluation: DriftEvaluationRow) -> float | None:
    """Return the share of the exchanges of an evaluation that are still stored.

    ``None``: it had none.
    """
    n: int | None = evaluation.provenance.get("window", {}).get("n_exchanges")
    if not n:
        return None
    window = evaluation.model, evaluation.window_start, evaluation.window_end
    late = late_exchanges(connection, evaluation)
    n_before = sum(count_by_encoder(connection, *window).values()) - (late.n if late else 0)
    return min(1.0, max(0, n_before) / n)


def late_windows(connection: Connection, model: str, since: datetime) -> list[LateWindow]:
    """Return the evaluated windows that end after a time, with their late exchanges if known."""
    rows = connection.execute(
        select(
            DriftEvaluation.id,
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            DriftEvaluation.started_at,
            DriftEvaluation.status,
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
            row.status != "done",
            _n_before(row.provenance),
            _compare(
                sum(n for day, n in counts.items() if row.window_start <= day < row.window_end),
                row.provenance,
            ),
        )
        for row in known
    ]


def _compare(n_stored: int, provenance: dict[str, Any]) -> LateExchanges:
    n = max(0, n_stored - provenance["window"][MARK])
    return LateExchanges(n, n / (n + _n_before(provenance)) if n else 0.0)


def _n_before(provenance: dict[str, Any]) -> int:
    # An older release did not count what it stored.
    window = provenance["window"]
    return max(int(window[MARK]), int(window["n_exchanges"]))


def _mark(provenance: dict[str, Any]) -> int | None:
    mark: int | None = provenance.get("window", {}).get(MARK)
    return mark
