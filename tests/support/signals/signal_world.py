"""Models whose traffic has signals, stored hour by hour, and the daemon's checks of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine

from monitor.daemon.conditions.watch import watch_conditions
from monitor.daemon.signals.counting import count_signals
from monitor.scheduling.complete_traffic import complete_until
from monitor.settings import Settings
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.offsets import claim, record_caught_up
from monitor.store.traffic.position import FeedbackRow, Position
from tests.support.traffic.exchange_rows import exchange_row

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
#: What an exchange has, unless it is cut.
EVERYTHING = frozenset(
    {"metric resolved", "field user", "field response", "field task type", "task type refunds",
     "feedback thumbs_up", "field version"}
)  # fmt: skip


@dataclass
class SignalWorld:
    """The traffic of some models, and the incidents of their signals."""

    engine: Engine
    #: A full hour.
    now: datetime
    models: tuple[str, ...]
    started_at: datetime = field(init=False)
    n_stored: int = 0

    def __post_init__(self) -> None:
        self.started_at = self.now
        self.settings = [Settings(model={"name": model}) for model in self.models]

    def pass_time(
        self,
        hours: int,
        *,
        per_hour: Callable[[str, datetime], int] = lambda *_: 2,
        cut: Callable[[str, datetime], Collection[str]] = lambda *_: (),
        check_every: int = 1,
    ) -> None:
        """Store the exchanges of hours; ``check_every`` hours the daemon counts and checks.

        ``cut`` returns the signals that a model lacks.
        """
        for hour in range(1, hours + 1):
            if hour % check_every and hour != hours:
                continue
            first = self.now
            self.now += HOUR * (hour % check_every or check_every)
            self._store(first, per_hour, cut)
            self.check()

    def check(self) -> None:
        """Read the topic to its end, count the signals, and check the conditions."""
        topic = self.settings[0].kafka.topic
        with transaction(self.engine) as connection:
            claim(connection, topic, 0, first=0, now=self.now)
            record_caught_up(connection, topic, {0: self.now})
        self.count()
        watch_conditions(
            self.engine,
            self.settings[0],
            self.settings,
            self.now + 25 * MINUTE,
            started_at=self.started_at,
        )

    def count(self) -> None:
        """Count what is stored: what is new is counted ten minutes later."""
        topic = self.settings[0].kafka.topic
        for minutes in (12, 24):
            now = self.now + minutes * MINUTE
            count_signals(
                self.engine, now, complete_until(self.engine, topic, now, self.started_at)
            )

    def incidents(self, cause: str = "signal_missing") -> list[IncidentRow]:
        """Return the incidents of a cause."""
        with transaction(self.engine) as connection:
            return list_incidents(connection, cause=cause)

    def reported(self, cause: str = "signal_missing") -> dict[str, set[str]]:
        """Return the signals of the unresolved incidents, by model."""
        return {
            incident.model: set(incident.fingerprint)
            for incident in self.incidents(cause)
            if not incident.is_resolved
        }

    def _store(
        self,
        first: datetime,
        per_hour: Callable[[str, datetime], int],
        cut: Callable[[str, datetime], Collection[str]],
    ) -> None:
        rows: list[dict[str, Any]] = []
        feedback: list[FeedbackRow] = []
        for hour in range((self.now - first) // HOUR):
            at = first + hour * HOUR
            for model in self.models:
                has = EVERYTHING - set(cut(model, at))
                n = per_hour(model, at)
                for index in range(n):
                    self.n_stored += 1
                    when = at + index * HOUR / n
                    rows.append(_row(model, self.n_stored, when, has))
                    if "feedback thumbs_up" in has:
                        feedback.append(_feedback(self.n_stored, when))
        if rows:
            vectors = np.ones((len(rows), 2), dtype=np.float16)
            with transaction(self.engine) as connection:
                insert_exchanges(
                    connection,
                    Exchanges.from_rows(
                        rows, encoder="test@1", prompt_vectors=vectors, response_vectors=vectors
                    ),
                    created_at=self.now,
                )
                insert_feedback(connection, feedback)


def ordinary_world(engine: Engine, clock: datetime, *models: str, days: int = 9) -> SignalWorld:
    """Return a world with days of ordinary traffic, without incidents of signals."""
    world = SignalWorld(engine, clock, models or ("assistant",))
    world.pass_time(24 * days, check_every=24 * days)
    assert world.reported() == {}
    return world


def _row(model: str, number: int, at: datetime, has: Collection[str]) -> dict[str, Any]:
    task_type = "refunds" if number % 2 and "task type refunds" in has else "cards"
    return exchange_row(
        "topic",
        number,
        model=model,
        occurred_at=at,
        prompt="How?",
        response="So." if "field response" in has else "",
        end_user=f"user-{number}" if "field user" in has else "",
        task_type=task_type if "field task type" in has else "",
        attributes={
            **({"resolved": bool(number % 3)} if "metric resolved" in has else {}),
            **({"version": "7"} if "field version" in has else {}),
        },
    )


def _feedback(number: int, at: datetime) -> FeedbackRow:
    return FeedbackRow(
        position=Position("topic", 1, number, 0),
        exchange_id=f"x{number}",
        model="",
        name="thumbs_up",
        value=1.0,
        given_at=at,
        received_at=at,
    )
