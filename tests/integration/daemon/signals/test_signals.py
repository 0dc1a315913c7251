"""Signals that are cut: each is told in time, once, and no longer when it is back."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from monitor.alerts.incidents import resolve
from monitor.daemon.conditions.watch import watch_conditions
from monitor.settings import Alerts, Settings
from monitor.store.alerts.incident_events import list_events
from monitor.store.engine import transaction
from monitor.store.tables import Exchange, SignalCount
from tests.support.signals.signal_world import HOUR, SignalWorld, ordinary_world

DAY = timedelta(days=1)
#: Signals whose end is no end of another.
CUT = {
    "model-metric": "metric resolved",
    "model-user": "field user",
    "model-response": "field response",
    "model-version": "field version",
    "model-type": "task type refunds",
    "model-feedback": "feedback thumbs_up",
}


def test_signal_that_is_cut_is_reported_within_a_day(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock, *CUT)

    world.pass_time(25, cut=lambda model, _: {CUT[model]}, check_every=25)

    assert world.reported() == {model: {signal} for model, signal in CUT.items()}
    assert all("No longer sent: " in incident.summary for incident in world.incidents())
    assert world.reported("no_traffic") == {}

    world.pass_time(24, check_every=12)
    assert world.reported() == {}
    incidents = world.incidents()
    with transaction(engine) as connection:
        for incident in incidents:
            events = [event.event for event in list_events(connection, incident.id)]
            assert events == ["opened", "resolved"]


def test_second_outage_is_reported_like_the_first(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock, days=15)
    for _ in range(2):
        world.pass_time(25, cut=lambda *_: {"metric resolved"}, check_every=25)
        assert world.reported() == {"assistant": {"metric resolved"}}
        world.pass_time(24 * 7 - 25, check_every=24)
        assert world.reported() == {}


def test_missing_field_of_task_types_is_reported_alone(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    for _ in range(5):  # while it is missing, and when it is back
        world.pass_time(10, cut=lambda *_: {"field task type"}, check_every=2)
        assert world.reported().get("assistant", set()) <= {"field task type"}
    assert world.reported() == {"assistant": {"field task type"}}
    world.pass_time(24, check_every=2)
    assert world.reported() == {}
    assert all(set(i.fingerprint) == {"field task type"} for i in world.incidents())


@pytest.mark.parametrize("left", [0, 4])
def test_metric_missing_for_weeks_stays_reported(
    engine: Engine, clock: datetime, left: int
) -> None:
    def cut(_: str, at: datetime) -> set[str]:
        return set() if at.hour < left else {"metric resolved"}

    world = ordinary_world(engine, clock, days=10)
    for _ in range(4):
        world.pass_time(24 * 7, cut=cut, check_every=24 * 3)
        assert world.reported() == {"assistant": {"metric resolved"}}
    (incident,) = world.incidents()
    with transaction(engine) as connection:
        assert [event.event for event in list_events(connection, incident.id)] == ["opened"]


def test_metric_removed_on_purpose_is_reported_no_more(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    removed = {"metric resolved"}
    world.pass_time(25, cut=lambda *_: removed, check_every=25)
    (incident,) = world.incidents()
    with transaction(engine) as connection:
        alerts = Alerts()
        assert resolve(connection, incident.id, "Lea", "removed", world.now, alerts=alerts)
    world.pass_time(24 * 10, cut=lambda *_: removed, check_every=30)
    assert world.reported() == {}

    both = removed | {"field user"}
    world.pass_time(26, cut=lambda *_: both, check_every=13)
    assert world.reported() == {"assistant": {"field user"}}


def test_optional_signal_is_not_reported_and_ends_its_incident(
    engine: Engine, clock: datetime
) -> None:
    removed = {"metric resolved", "field user", "field task type"}
    world = ordinary_world(engine, clock)
    required = world.settings
    drift = {"optional": ["resolved", "user", "task_type"]}
    optional = [Settings(model={"name": "assistant"}, drift=drift)]
    world.settings = optional
    world.pass_time(25, cut=lambda *_: removed, check_every=25)
    assert world.reported() == {}
    world.settings = required
    world.check()
    assert removed == world.reported()["assistant"]
    world.settings = optional
    world.pass_time(3, cut=lambda *_: removed)
    assert world.reported() == {}


def test_renamed_metric_is_reported_by_its_old_name(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    with transaction(engine) as connection:
        n_before = connection.execute(select(SignalCount.name).distinct()).scalars().all()
    world.pass_time(25, cut=lambda *_: {"metric resolved"}, check_every=25)
    with transaction(engine) as connection:
        connection.execute(
            update(Exchange)
            .where(Exchange.occurred_at >= world.now - DAY)
            .values(attributes={"solved": True})
        )
    assert "solved" not in n_before
    assert world.reported()["assistant"] == {"metric resolved"}
    summary = world.incidents()[0].summary
    assert summary.startswith("No longer sent: metric “resolved”, usually on ")
    assert "It cannot alarm." in summary


def test_paused_model_is_not_reported(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    world.pass_time(24 * 3, per_hour=lambda *_: 0, check_every=24 * 3)
    assert world.reported() == {}
    world.pass_time(30, cut=lambda *_: (), check_every=6)
    assert world.reported() == {}


def test_counts_behind_the_traffic_report_nothing(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    world.pass_time(25, cut=lambda *_: {"metric resolved"}, check_every=100)
    (incident,) = world.incidents()
    later = world.now + 4 * HOUR  # nothing is counted any more
    watch_conditions(engine, world.settings[0], world.settings, later, started_at=clock)
    assert world.incidents()[0].version == incident.version


def test_traffic_that_falls_to_a_tenth_is_reported(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    world.pass_time(25, per_hour=lambda _, at: int(at.hour % 6 == 0), check_every=5)
    assert list(world.reported("no_traffic")) == ["assistant"]
    assert "Hardly any traffic" in world.incidents("no_traffic")[0].summary
    assert world.reported() == {}
    world.pass_time(24 * 12, per_hour=lambda _, at: int(at.hour % 6 == 0), check_every=36)
    assert list(world.reported("no_traffic")) == ["assistant"]
    world.pass_time(10, check_every=2)
    assert world.reported("no_traffic") == {}


def test_only_missing_traffic_is_reported_of_a_model_without_it(
    engine: Engine, clock: datetime
) -> None:
    """The few exchanges that are left have no metric, user or feedback."""
    world = ordinary_world(engine, clock)
    little = {"cut": lambda *_: {"metric resolved", "field user", "feedback thumbs_up"}}
    world.pass_time(25, per_hour=lambda _, at: int(at.hour % 8 == 0), check_every=25)
    assert list(world.reported("no_traffic")) == ["assistant"]
    for _ in range(3):
        world.pass_time(24, per_hour=lambda _, at: int(at.hour % 4 == 0), check_every=2, **little)
        assert list(world.reported("no_traffic")) == ["assistant"]
        assert world.reported() == {}


def test_share_of_a_model_that_falls_is_reported(engine: Engine, clock: datetime) -> None:
    world = SignalWorld(engine, clock, ("moved", "other"))
    world.pass_time(24 * 9, per_hour=lambda *_: 24, check_every=24 * 9)

    def moved(model: str, _: datetime) -> int:
        return 8 if model == "moved" else 80

    world.pass_time(26, per_hour=moved, check_every=13)
    assert list(world.reported("no_traffic")) == ["moved"]
    assert "that of all models" in world.incidents("no_traffic")[0].summary


def test_half_of_the_traffic_is_a_holiday(engine: Engine, clock: datetime) -> None:
    world = SignalWorld(engine, clock, ("desk", "router"))
    world.pass_time(24 * 9, per_hour=lambda *_: 4, check_every=24 * 9)
    world.pass_time(36, per_hour=lambda *_: 2, check_every=12)
    assert world.reported("no_traffic") == world.reported() == {}
