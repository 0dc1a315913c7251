"""Due evaluations of one model, run in this process as the daemon runs them."""

from datetime import datetime

from sqlalchemy import Engine, select

from monitor.daemon.evaluations.looks import run_due
from monitor.daemon.evaluations.windows import evaluate_due
from monitor.scheduling.runner import DirectRunner
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation
from monitor.windows.reading.reembedding import EncoderSource


def evaluate_due_windows(
    engine: Engine, settings: Settings, now: datetime, *, encoder: EncoderSource | None = None
) -> list[int]:
    """Evaluate the windows that are due; return the evaluations that this call finished."""
    before = _done(engine)
    runner = DirectRunner(engine, settings.embedding, encoder)
    for _ in evaluate_due(engine, lambda: [settings], runner, lambda: now, until=lambda: now):
        pass
    return [row for row in _done(engine) if row not in before]


def run_due_looks(engine: Engine, settings: Settings, now: datetime, *, until: datetime) -> int:
    """Run the looks that are due; return the number of alarms."""
    runner = DirectRunner(engine, settings.embedding, None)
    return sum(run_due(engine, [settings], runner, lambda: now, until=until))


def _done(engine: Engine) -> list[int]:
    statement = select(DriftEvaluation.id).where(DriftEvaluation.status == "done")
    with transaction(engine) as connection:
        return list(connection.execute(statement.order_by(DriftEvaluation.window_end)).scalars())
