"""Incidents of a database in memory, moved on by the functions that the daemon calls."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import Engine

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import acknowledge, clear, report, resolve, snooze, wake_due
from monitor.alerts.looks import handle_look
from monitor.alerts.messages.text import IncidentText
from monitor.alerts.parent_message import add_update, present_message
from monitor.alerts.present_text import present_text
from monitor.alerts.steps import take_step
from monitor.settings import Alerts
from monitor.store.alerts.incidents import list_incidents
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import make_engine, transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.store.windows.looks import LookFinding, mark_look_followed_up, save_look
from tests.support.database_copy import create_tables
from tests.support.windows.assessments import store_evaluation

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
ALERTS = Alerts(public_url="https://drift.example.com")


def make_finding(**values: Any) -> LookFinding:
    """Build a metric that fell at 14:00 on Tuesday."""
    defaults = {
        "kind": "metric",
        "name": "resolved",
        "measure": "rate",
        "reference": 0.9,
        "estimate": 0.63,
        "lower": 0.58,
        "upper": 0.68,
        "p_value": 1e-12,
        "level": 1e-6,
        "since": MONDAY + DAY + 14 * HOUR,
    }
    return LookFinding(**(defaults | values))


def make_prompts_finding(**values: Any) -> LookFinding:
    """Build new prompts that a look found."""
    defaults = {
        "kind": "input",
        "name": "",
        "measure": "unlike",
        "reference": 0.0,
        "estimate": 0.21,
        "lower": 0.17,
        "upper": 0.26,
        "topic": "crypto, wallet",
    }
    return make_finding(**(defaults | values))


@dataclass
class IncidentWorld:
    """A database with the incidents of one model, on a clock that is moved by hand."""

    model: str = "assistant"
    now: datetime = MONDAY
    alerts: Alerts = ALERTS
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        """Create the tables."""
        self.engine = make_engine("sqlite://")
        create_tables(self.engine)

    def later(self, by: timedelta) -> Self:
        """Move the clock on."""
        self.now += by
        return self

    def look(self, *findings: LookFinding, until: datetime | None = None) -> Self:
        """Handle a look that ends now; without findings it has no alarm."""
        self.now = until or self.now
        with transaction(self.engine) as connection:
            look_id = save_look(
                connection,
                model=self.model,
                looked_until=self.now,
                n_exchanges=1_012,
                n_end_users=640,
                findings=findings,
                provenance={},
                now=self.now,
            )
            assert look_id is not None
            handle_look(connection, look_id, self.now, alerts=self.alerts)
            mark_look_followed_up(connection, look_id, self.now)
        return self

    def window(self, assessment: Assessment, start: datetime = MONDAY) -> Self:
        """Handle the evaluation of a week, half an hour after its end."""
        self.now = max(self.now, start + WEEK + HOUR / 2)
        with transaction(self.engine) as connection:
            evaluation_id = store_evaluation(connection, assessment, start)
            handle_evaluation(connection, evaluation_id, self.now, alerts=self.alerts)
            mark_followed_up(connection, evaluation_id, self.now)
        return self

    def condition(
        self, cause: str, text: str, *keys: str, of_daemon: bool = False, **facts: Any
    ) -> Self:
        """Report a condition that holds; the facts are others of :func:`report`."""
        model = "" if of_daemon else self.model
        facts = {"text": text, "keys": keys, "alerts": self.alerts, **facts}
        with transaction(self.engine) as connection:
            report(connection, cause, model, self.now, **facts)
        return self

    def clear(self, cause: str, *, of_daemon: bool = False, after: timedelta = DAY) -> Self:
        """End a condition: it does not hold now, nor after a time."""
        model = "" if of_daemon else self.model
        for _ in range(2):
            with transaction(self.engine) as connection:
                clear(connection, cause, model, self.now, alerts=self.alerts)
            self.now += after
        return self

    def act(self, step: str, user: str = "Ann") -> Self:
        """Acknowledge, snooze for a day, wake, resolve or no longer watch the newest incident."""
        with transaction(self.engine) as connection:
            (incident, *_) = list_incidents(connection)
            if step == "acknowledge":
                acknowledge(connection, incident.id, user, self.now, alerts=self.alerts)
            elif step == "snooze":
                until = self.now + DAY
                snooze(connection, incident.id, user, until, self.now, alerts=self.alerts)
            elif step == "wake":
                self.now += DAY
                wake_due(connection, self.now, lambda _: self.alerts)
            elif step == "resolve":
                resolve(connection, incident.id, user, "rolled back", self.now, alerts=self.alerts)
            else:
                take_step(connection, incident, "unwatched", by=SYSTEM, now=self.now)
                add_update(connection, incident.id, self.now, self.alerts)
        return self

    def text(self) -> IncidentText:
        """Return what the message of the newest incident says now."""
        with transaction(self.engine) as connection:
            (incident, *_) = list_incidents(connection)
            return present_text(connection, incident, self.alerts)

    def payload(self) -> dict[str, Any]:
        """Return the payload of the newest incident's message now."""
        with transaction(self.engine) as connection:
            (incident, *_) = list_incidents(connection)
            return present_message(connection, incident.id, self.alerts)
