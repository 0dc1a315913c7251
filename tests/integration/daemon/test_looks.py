"""Looks of the daemon: from the traffic of a day to an incident and its messages."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import acknowledge
from monitor.daemon import follow_up as follow_up_module
from monitor.daemon.follow_up import follow_up_looks
from monitor.settings import Settings
from monitor.settings.monitoring import Monitoring
from monitor.store.alerts import incidents, outbox
from monitor.store.alerts.incident_events import list_events
from monitor.store.engine import transaction
from monitor.store.tables import Incident, IncidentEvent, Look, OutboxMessage
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.store.windows.looks import LookRow, load_examples, look_by_id, pending_looks
from monitor.windows.looks import run as run_module
from monitor.windows.looks.run import due_looks
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, make_numeric_column, store_evaluation
from tests.support.windows.due_evaluations import run_due_looks

WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)
SETTINGS = Settings()
DAILY = Settings(monitoring=Monitoring(large_changes="daily"))


@pytest.fixture
def change_at(any_engine: Engine, clock: datetime) -> datetime:
    """Store a baseline, an ordinary day, and one with new prompts and a worse metric."""
    store_traffic(any_engine, clock - 4 * WEEK, 1_200, seed=1, baseline=True)
    store_traffic(any_engine, clock, 500, seed=2, days=1.0)
    store_traffic(any_engine, clock + DAY, 500, seed=3, days=1.0, new_share=0.4, resolved=0.5)
    return clock + DAY


def looks_of(engine: Engine) -> list[LookRow]:
    with transaction(engine) as connection:
        ids = connection.execute(select(Look.id).order_by(Look.looked_until)).scalars().all()
        return [look_by_id(connection, look_id) for look_id in ids]


def look_until(engine: Engine, until: datetime, settings: Settings = SETTINGS) -> int:
    return run_due_looks(engine, settings, until, until=until)


def only_incident(engine: Engine) -> incidents.IncidentRow:
    with transaction(engine) as connection:
        (incident,) = incidents.list_incidents(connection)
    return incident


def keys_of(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return [message.dedupe_key for message in outbox.list_messages(connection)]


def test_large_change_opens_one_incident_before_the_window_ends(
    any_engine: Engine, change_at: datetime
) -> None:
    assert look_until(any_engine, change_at, DAILY) == 0
    assert look_until(any_engine, change_at + DAY, DAILY) == 1
    assert follow_up_looks(any_engine, SETTINGS, change_at + DAY)
    incident = only_incident(any_engine)
    assert incident.status == "open"
    assert incident.fingerprint >= {"input", "metric:resolved"}
    assert incident.opening_evaluation_id is None
    (_, alarm) = looks_of(any_engine)
    assert incident.opening_look_id == incident.last_look_id == alarm.id
    findings = {finding.fingerprint: finding for finding in alarm.findings}
    resolved, prompts = findings["metric:resolved"], findings["input"]
    assert resolved.reference == pytest.approx(0.9, abs=0.03)
    assert resolved.lower < 0.5 < resolved.upper
    assert prompts.lower < 0.4 < prompts.upper + 0.05
    assert abs(prompts.since - change_at) < timedelta(hours=3)
    assert "crypto" in prompts.topic
    with transaction(any_engine) as connection:
        examples = load_examples(connection, alarm)
    assert all("crypto" in examples[id_].prompt for id_ in prompts.examples)
    assert keys_of(any_engine) == [f"look:{alarm.id}:opened"]


def test_killed_leader_repeats_no_look_and_skips_none(
    any_engine: Engine, change_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    examine, save = run_module.examine, run_module.save_look

    def killed(*args, **values):
        calls.append(values["looked_until"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return save(*args, **values)

    monkeypatch.setattr(run_module, "save_look", killed)
    with pytest.raises(KeyboardInterrupt):
        look_until(any_engine, change_at + 4 * HOUR)
    assert len(looks_of(any_engine)) == 2
    look_until(any_engine, change_at + 4 * HOUR)
    ends = [look.looked_until for look in looks_of(any_engine)]
    assert ends == [change_at + hour * HOUR for hour in range(5)]
    assert calls.count(calls[2]) == 2
    monkeypatch.setattr(run_module, "examine", lambda *_, **__: pytest.fail("repeated"))
    assert look_until(any_engine, change_at + 4 * HOUR) == 0
    monkeypatch.setattr(run_module, "examine", examine)


def test_killed_follow_up_of_a_look_is_repeated_once(
    engine: Engine, alarmed: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as connection:
        connection.execute(OutboxMessage.__table__.delete())
        connection.execute(IncidentEvent.__table__.delete())
        connection.execute(Incident.__table__.delete())
        connection.execute(Look.__table__.update().values(followed_up_at=None))
    handle = follow_up_module.handle_look

    def killed_after(*args, **values):
        handle(*args, **values)
        raise KeyboardInterrupt

    monkeypatch.setattr(follow_up_module, "handle_look", killed_after)
    with pytest.raises(KeyboardInterrupt):
        follow_up_looks(engine, SETTINGS, alarmed)
    with transaction(engine) as connection:
        assert incidents.list_incidents(connection) == []
        assert pending_looks(connection, "assistant")
    monkeypatch.setattr(follow_up_module, "handle_look", handle)
    assert len(follow_up_looks(engine, SETTINGS, alarmed)) == 1
    assert follow_up_looks(engine, SETTINGS, alarmed) == []
    assert only_incident(engine).opening_look_id is not None
    assert len(keys_of(engine)) == 1


def test_look_with_a_new_kind_of_change_worsens_the_incident(
    engine: Engine, alarmed: datetime
) -> None:
    store_traffic(engine, alarmed, 500, seed=6, days=1.0, resolved=0.2)
    assert look_until(engine, alarmed + DAY, DAILY) == 1
    follow_up_looks(engine, SETTINGS, alarmed + DAY)
    assert len(keys_of(engine)) == 1  # a larger change of the same kind notifies nobody
    store_traffic(engine, alarmed + DAY, 500, seed=7, days=1.0, resolved=0.2, new_share=0.4)
    assert look_until(engine, alarmed + 2 * DAY, DAILY) == 1
    follow_up_looks(engine, SETTINGS, alarmed + 2 * DAY)
    assert "input" in only_incident(engine).fingerprint
    assert len([key for key in keys_of(engine) if ":worsened" in key]) == 2


def test_two_leaders_store_a_look_once(any_engine: Engine, change_at: datetime) -> None:
    look_until(any_engine, change_at, DAILY)
    (first, *_) = looks_of(any_engine)
    with transaction(any_engine) as connection:
        again = run_module.save_look(
            connection,
            model="assistant",
            looked_until=first.looked_until,
            n_exchanges=1,
            n_end_users=1,
            findings=None,
            provenance={},
            now=change_at,
        )
    assert again is None
    assert looks_of(any_engine)[0] == first


@pytest.fixture
def alarmed(engine: Engine, clock: datetime) -> datetime:
    """Store an incident of a look on Sunday evening; return the end of its window."""
    store_traffic(engine, clock - 4 * WEEK, 1_200, seed=1, baseline=True)
    store_traffic(engine, clock + 5 * DAY, 500, seed=2, days=1.0)
    store_traffic(engine, clock + 6 * DAY, 500, seed=3, days=1.0, resolved=0.4)
    end = clock + WEEK
    assert look_until(engine, end, DAILY) == 1
    follow_up_looks(engine, SETTINGS, end)
    assert only_incident(engine).status == "open"
    return end


def evaluate(engine: Engine, end: datetime, share: float | None) -> None:
    with transaction(engine) as connection:
        evaluation_id = store_evaluation(connection, make_assessment(share), end - WEEK)
        handle_evaluation(connection, evaluation_id, end, alerts=SETTINGS.alerts)
        mark_followed_up(connection, evaluation_id, end)


def test_window_with_an_alarm_continues_the_incident_of_a_look(
    engine: Engine, alarmed: datetime
) -> None:
    evaluate(engine, alarmed, 0.1)
    incident = only_incident(engine)
    assert incident.opening_evaluation_id == incident.last_evaluation_id is not None
    assert incident.fingerprint == {"input", "metric:resolved"}


def test_first_window_after_a_look_puts_examples_into_thread(
    engine: Engine, alarmed: datetime
) -> None:
    degraded = make_assessment(numeric_columns=(make_numeric_column(),), alarm=True)
    for end in (alarmed, alarmed + WEEK):
        with transaction(engine) as connection:
            evaluation_id = store_evaluation(connection, degraded, end - WEEK)
            handle_evaluation(connection, evaluation_id, end, alerts=SETTINGS.alerts)
            mark_followed_up(connection, evaluation_id, end)
    incident = only_incident(engine)
    with transaction(engine) as connection:
        events = [event.event for event in list_events(connection, incident.id)]
        messages = outbox.list_messages(connection)[::-1]
    assert events == ["opened", "continued", "continued"]
    assert [message.kind for message in messages] == ["post", "update", "reply", "update"]
    first, second = (message.payload for message in messages if message.kind == "update")
    assert first["blocks"][0]["text"]["text"] == "🚨 CRITICAL Drift: assistant"
    assert second["blocks"][0]["text"]["text"] == "🚨 CRITICAL Drift continues: assistant"
    assert "reply_broadcast" not in messages[2].payload


def test_window_without_an_alarm_waits_for_the_newest_look(
    engine: Engine, alarmed: datetime
) -> None:
    evaluate(engine, alarmed, None)
    assert only_incident(engine).status == "open"
    store_traffic(engine, alarmed, 3_500, seed=5)
    assert look_until(engine, alarmed + WEEK, DAILY) == 0
    evaluate(engine, alarmed + WEEK, None)
    assert only_incident(engine).status == "open"
    evaluate(engine, alarmed + 2 * WEEK, None)
    assert only_incident(engine).status == "resolved"


def test_look_at_an_evaluated_window_opens_nothing(engine: Engine, alarmed: datetime) -> None:
    with transaction(engine) as connection:
        connection.execute(Incident.__table__.update().values(resolved_at=alarmed))
        connection.execute(Look.__table__.update().values(followed_up_at=None))
    evaluate(engine, alarmed, None)
    follow_up_looks(engine, SETTINGS, alarmed)
    with transaction(engine) as connection:
        assert len(incidents.list_incidents(connection)) == 1


def test_incident_of_a_look_is_acknowledged(engine: Engine, alarmed: datetime) -> None:
    incident = only_incident(engine)
    with transaction(engine) as connection:
        assert acknowledge(connection, incident.id, "Ann", alarmed, alerts=SETTINGS.alerts)
        newest = max(outbox.list_messages(connection), key=lambda message: message.id)
    assert only_incident(engine).acknowledged_by == "Ann"
    assert newest.kind == "update"
    assert "Acknowledged by Ann." in newest.payload["text"]


@pytest.mark.parametrize("last", [None, datetime(2026, 11, 25, tzinfo=UTC)])
def test_no_look_is_due_before_a_partition_was_read(last: datetime | None) -> None:
    first, never = datetime(2026, 11, 24, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    assert list(due_looks(first, last, never, "hourly")) == []


def test_due_looks_are_full_hours_of_the_last_day(clock: datetime) -> None:
    now = clock + timedelta(hours=30, minutes=20)
    first = clock - WEEK
    hourly = list(due_looks(first, None, now, "hourly"))
    assert (hourly[0], hourly[-1], len(hourly)) == (clock + 7 * HOUR, clock + 30 * HOUR, 24)
    assert list(due_looks(first, clock + 29 * HOUR, now, "hourly")) == [clock + 30 * HOUR]
    assert list(due_looks(first, clock + 30 * HOUR, now, "hourly")) == []
    assert list(due_looks(first, None, now, "daily")) == [clock + DAY]
    assert list(due_looks(clock + 20 * HOUR, None, now, "hourly")) == []


def test_looks_are_skipped_without_traffic_and_can_be_off(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 50, seed=2, days=2.0)
    look_until(engine, clock + 2 * DAY)
    assert {look.status for look in looks_of(engine)} == {"skipped"}
    off = Settings(monitoring=Monitoring(large_changes="off"))
    assert look_until(engine, clock + 3 * DAY, off) == 0
    assert max(look.looked_until for look in looks_of(engine)) == clock + 2 * DAY
