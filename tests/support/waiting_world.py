"""Windows, batches, decisions, runs and candidates that wait for a step, inserted directly."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select

from monitor.accounts.registration import create_user
from monitor.alerts.incidents import report
from monitor.settings import Alerts
from monitor.store.accounts.users import UserRow, user_by_id
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.rows import insert_row
from monitor.store.tables import (
    Decision,
    DriftEvaluation,
    Exchange,
    Review,
    ReviewAudit,
    ReviewBatch,
    ReviewItem,
    TrainingRun,
)
from monitor.store.training.registry import insert_version
from tests.support.retrain.candidates import evaluated
from tests.support.review.review_world import PASSWORD
from tests.support.traffic.stored_traffic import store_traffic

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


class WaitingWorld:
    """A database in which things wait since some days, with a daemon that leads."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        self.engine = engine
        self.now = now
        self._n_batches = 0
        with transaction(engine) as connection:
            take_lease(connection, "daemon", timedelta(hours=1))

    def user(self, name: str, role: str, **options: Any) -> UserRow:
        with transaction(self.engine) as connection:
            user_id = create_user(connection, name, PASSWORD, role, self.now, **options)
            user = user_by_id(connection, user_id)
        assert user is not None
        return user

    def window(self, model: str, *, days: float = 1, status: str = "done") -> int:
        """Add a window that ended some days ago."""
        end = self.now - days * DAY
        with transaction(self.engine) as connection:
            return insert_row(
                connection, DriftEvaluation, model=model, window_start=end - WEEK, window_end=end,
                status=status, verdict=None if status == "failed" else "drift", seed=1,
                provenance={}, started_at=end, claimed_until=end,
            )  # fmt: skip

    def batch(self, model: str, statuses: Sequence[str], *, days: float = 1) -> list[int]:
        """Add a batch, created some days ago, of items in some statuses; return the items."""
        evaluation = self.window(model, days=days)
        at = self.now - days * DAY
        self._n_batches += 1
        store_traffic(self.engine, at - WEEK, len(statuses), seed=self._n_batches, model=model)
        with transaction(self.engine) as connection:
            batch = insert_row(
                connection, ReviewBatch, evaluation_id=evaluation, model=model, created_at=at
            )
            newest = select(Exchange.id).where(Exchange.model == model).order_by(Exchange.id.desc())
            exchanges = connection.execute(newest.limit(len(statuses))).scalars().all()
            return [
                insert_row(
                    connection, ReviewItem, batch_id=batch, exchange_id=exchange, position=place,
                    slice="control", selection_probability=1.0, control_probability=1.0,
                    status=status,
                )
                for place, (exchange, status) in enumerate(zip(exchanges, statuses, strict=True))
            ]  # fmt: skip

    def review(self, item: int, *users: UserRow, days: float = 1) -> None:
        """Let users review an item, some days ago."""
        scores = {"accuracy": 3, "completeness": 3, "tone": 3, "compliance": 3}
        with transaction(self.engine) as connection:
            for user in users:
                connection.execute(
                    insert(Review).values(
                        item_id=item, reviewer_id=user.id, verdict="reject", error_kind="other",
                        corrected_response="", comment="", submitted_at=self.now - days * DAY,
                        **scores,
                    )
                )  # fmt: skip

    def audit(self, item: int, *, days: float = 1) -> None:
        with transaction(self.engine) as connection:
            connection.execute(
                insert(ReviewAudit).values(item_id=item, revision=1, drawn_at=self.now - days * DAY)
            )

    def decision(self, model: str, recommendation: str, *, days: float = 1, **values: Any) -> int:
        """Add a decision of the window that ended some days ago."""
        evaluation = self.window(model, days=days)
        at = self.now - days * DAY
        inputs = {
            "batches": [], "rate": {"rate": 0.478}, "baseline": {"rate": 0.158},
            "agreement": {"alpha": 0.42},
        }  # fmt: skip
        with transaction(self.engine) as connection:
            batch = insert_row(
                connection, ReviewBatch, evaluation_id=evaluation, model=model, created_at=at
            )
            row = {"decided_at": at, "recommendation": recommendation, **values}
            return insert_row(
                connection, Decision, batch_id=batch, model=model, inputs=inputs, **row
            )

    def run(self, model: str, status: str = "failed", **values: Any) -> int:
        with transaction(self.engine) as connection:
            return insert_row(
                connection, TrainingRun, model=model, status=status, launcher="local", recipe={},
                work_dir="", created_at=self.now - DAY, **values,
            )  # fmt: skip

    def version(self, model: str, stage: str = "candidate") -> int:
        with transaction(self.engine) as connection:
            return insert_version(
                connection, model=model, stage=stage, parent_id=None, training_run_id=None,
                adapter_path="", adapter_digest="", lineage={}, created_at=self.now - DAY,
            )  # fmt: skip

    def candidate(self, model: str, gate_result: Any = "undecided") -> int:
        """Add a candidate with an evaluation of the day before; return the version."""
        version = self.version(model)
        with transaction(self.engine) as connection:
            evaluated(connection, version, self.now - DAY, gate_result)
        return version

    def incident(self, model: str, cause: str, *, days: float = 1) -> int:
        with transaction(self.engine) as connection:
            number = report(
                connection, cause, model, self.now - days * DAY, text="x", alerts=Alerts()
            )
        assert number is not None
        return number
