"""Two replicas of which one has an older config.toml, as in a rolling deployment."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from monitor.alerts.channels import only
from monitor.alerts.sending.preparation import NOT_SO_NOW
from monitor.daemon.cycle import Cycle
from monitor.errors import ChannelUnavailableError
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, OutboxMessage
from tests.integration.daemon.test_removed_models import alarm, cycle_of, fleet, pauses
from tests.support.alerts.senders import MemorySender
from tests.support.traffic.stored_traffic import store_traffic

MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(weeks=1)
OLD, NEW = ("stays",), ("stays", "bot5")
REMOVAL = "No longer watched"


@dataclass
class Deployment:
    """Replicas with one database and one channel."""

    engine: Engine
    slack: MemorySender = field(default_factory=MemorySender)

    def start(self, models: tuple[str, ...], now: datetime) -> Cycle:
        """Start a replica whose config.toml lists models."""
        cycle = cycle_of(self.engine, fleet(*models), now)
        object.__setattr__(cycle, "channels", only(self.slack, settings=cycle.settings))
        return cycle

    def lead(self, now: datetime, *cycles: Cycle) -> None:
        """Do the work of a leader, one replica after the other, each for a minute."""
        for number, cycle in enumerate(cycles):
            cycle.evaluate(now + number * MINUTE)
            cycle.deliver(now + number * MINUTE)

    def texts_about(self, word: str) -> list[str]:
        """Return the messages with a word, the oldest first."""
        return [text for _, text in self.slack.sent if word in text]


@pytest.fixture
def deployment(engine: Engine, clock: datetime) -> Deployment:
    """Return a deployment in which bot5 has a baseline and traffic before any start."""
    store_traffic(engine, clock - WEEK, 10, seed=1, model="bot5", baseline=True)
    return Deployment(engine)


def test_a_model_that_one_replica_lists_is_watched_while_they_take_turns(
    deployment: Deployment, clock: datetime
) -> None:
    """The old replica leads after the new one, and is started again with the new file."""
    old = deployment.start(OLD, clock)
    new = deployment.start(NEW, clock + DAY)
    alarm(deployment.engine, "bot5", clock)
    deployment.lead(clock + WEEK + DAY, new, old, new, old)
    restarted = deployment.start(NEW, clock + WEEK + 2 * DAY)
    deployment.lead(clock + 2 * WEEK + DAY, restarted, new)
    assert deployment.texts_about(REMOVAL) == []
    assert len(deployment.texts_about("bot5")) == 2  # with its details
    with transaction(deployment.engine) as connection:
        assert pauses(connection) == []
        assert [row.status for row in list_incidents(connection)] == ["open"]
        windows = connection.execute(
            select(DriftEvaluation.window_start).where(DriftEvaluation.model == "bot5")
        ).scalars()
        assert clock + WEEK in set(windows)


@pytest.mark.parametrize("is_slack_away", [False, True])
def test_a_replica_that_reads_the_old_file_again_removes_the_model_until_the_next_start(
    deployment: Deployment, clock: datetime, is_slack_away: bool
) -> None:
    """The file that was read last counts; what waits is not told under a leader that lists it."""
    new = deployment.start(NEW, clock)
    alarm(deployment.engine, "bot5", clock)
    deployment.lead(clock + WEEK + MINUTE, new)
    again = clock + WEEK + DAY
    old = deployment.start(OLD, again)
    deployment.slack.errors = [ChannelUnavailableError("down")] * is_slack_away
    deployment.lead(again + MINUTE, old, new, old, new)
    back = deployment.start(NEW, again + DAY)
    deployment.lead(again + DAY + MINUTE, back, back)
    assert len(deployment.texts_about(REMOVAL)) == (not is_slack_away)
    with transaction(deployment.engine) as connection:
        assert pauses(connection) == [again + DAY + MINUTE]
        removal = connection.execute(
            select(OutboxMessage.error).where(OutboxMessage.dedupe_key.like("removed:%"))
        ).scalar_one()
    assert removal == (NOT_SO_NOW if is_slack_away else None)
