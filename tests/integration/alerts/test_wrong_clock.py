"""A clock that was far ahead for a while: nothing that it wrote waits for that time to come."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.alerts.channels import only
from monitor.alerts.fallback import failing_channels
from monitor.alerts.incidents import snooze, wake_due
from monitor.alerts.outbox import deliver_due
from monitor.errors import ChannelMisconfiguredError
from monitor.settings import Alerts
from monitor.store.alerts.incidents import incident_by_id
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.windows.claims import claim_drift_evaluation, fail_drift_evaluation
from tests.integration.alerts.outbox_messages import add_incident, add_messages
from tests.support.alerts.senders import MemorySender

YEAR, WEEK, MINUTE = timedelta(days=365), timedelta(weeks=1), timedelta(minutes=1)
REFUSED = ChannelMisconfiguredError("refused")


def test_a_message_of_next_year_is_sent_now(any_engine: Engine, clock: datetime) -> None:
    sender = MemorySender()
    add_messages(any_engine, 1, clock + YEAR)
    assert deliver_due(any_engine, only(sender), clock) == 1
    assert deliver_due(any_engine, only(sender), clock + YEAR) == 0


def test_a_channel_that_fails_since_next_year_fails(any_engine: Engine, clock: datetime) -> None:
    channels = only(sender := MemorySender())
    add_messages(any_engine, 1, clock + YEAR)
    sender.errors = [REFUSED, REFUSED]
    deliver_due(any_engine, channels, clock + YEAR)
    with transaction(any_engine) as connection:
        assert [channel.name for channel in failing_channels(connection, channels, clock)]


def test_a_snooze_until_next_year_has_ended(any_engine: Engine, clock: datetime) -> None:
    incident = add_incident(any_engine, clock)
    with transaction(any_engine) as connection:
        until = clock + YEAR + timedelta(hours=1)
        snooze(connection, incident, "Ann", until, clock + YEAR, alerts=Alerts())
    with transaction(any_engine) as connection:
        assert wake_due(connection, clock, lambda _: Alerts()) == [incident]
        assert incident_by_id(connection, incident).status == "open"


def test_a_lease_until_next_year_is_taken(any_engine: Engine) -> None:
    lease = timedelta(seconds=30)
    with transaction(any_engine) as connection:
        assert take_lease(connection, "a", YEAR) == 1
        assert take_lease(connection, "b", lease) == 2
        assert take_lease(connection, "c", lease) is None


def test_a_window_that_failed_next_year_is_repeated(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        window = (connection, "desk", clock, clock + WEEK)
        claim = claim_drift_evaluation(*window, seed=1, now=clock + YEAR)
        assert claim is not None
        fail_drift_evaluation(connection, claim, "out of memory", clock + YEAR)
        assert claim_drift_evaluation(*window, seed=1, now=clock + YEAR + MINUTE) is None
        assert claim_drift_evaluation(*window, seed=1, now=clock + WEEK) is not None
