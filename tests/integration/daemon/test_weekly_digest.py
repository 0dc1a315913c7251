"""The weekly digest: one message about all models, once a week, also when all is well."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.messages.weekly_digest import MAX_ENTRIES
from monitor.daemon.weekly_digest import MAX_DELAY, announce_due, last_due, summarize_week
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts, Configuration
from monitor.store.alerts.incidents import update_incident
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from tests.support.waiting_world import WaitingWorld
from tests.support.windows.assessments import (
    make_assessment,
    not_comparable,
    not_enough_data,
    store_evaluation,
)

WEEK = timedelta(weeks=1)
ALERTS = Alerts(public_url="https://drift.example")
SETTINGS = Configuration(models={"router": {}, "analyst": {}, "new": {}}, alerts=ALERTS)
FLEET = SETTINGS.by_model


def store_weeks(engine: Engine, begin: datetime, model: str, *assessments: Assessment) -> None:
    with transaction(engine) as connection:
        for number, assessment in enumerate(assessments):
            start = begin + number * WEEK
            evaluation = store_evaluation(connection, replace(assessment, model=model), start)
            handle_evaluation(connection, evaluation, start + WEEK, alerts=ALERTS)


def digests(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        messages = [row for row in list_messages(connection) if row.dedupe_key.startswith("digest")]
    return [render_text(message.payload["blocks"]) for message in messages]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-09 08:59", "2026-11-02 09:00"),
        ("2026-11-09 09:00", "2026-11-09 09:00"),
        ("2026-11-15 23:00", "2026-11-09 09:00"),
    ],
)
def test_the_digest_is_due_at_its_day_and_time(now: str, due: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_due("monday 09:00", moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert last_due("", moment) is None


def test_a_quiet_week_is_reported_once(any_engine: Engine, clock: datetime) -> None:
    store_weeks(any_engine, clock, "router", make_assessment())
    due = clock + WEEK + timedelta(hours=9)
    moments = [
        (due - timedelta(minutes=1), False),
        (due, True),
        (due + timedelta(hours=1), False),
        (due + WEEK + MAX_DELAY + timedelta(hours=1), False),
        (due + 2 * WEEK, True),
    ]
    for now, written in moments:
        assert announce_due(any_engine, FLEET, now, SETTINGS) == written
    assert len(digests(any_engine)) == 2


def test_digest_without_windows_is_not_sent(engine: Engine, clock: datetime) -> None:
    assert not announce_due(engine, FLEET, clock + timedelta(hours=9), SETTINGS)
    store_weeks(engine, clock, "router", make_assessment())
    off = Configuration(alerts=Alerts(digest=""))
    assert not announce_due(engine, FLEET, clock + WEEK + timedelta(hours=9), off)


def test_the_first_digest_follows_the_first_result(any_engine: Engine, clock: datetime) -> None:
    """Not on the day after it fell due, nor about windows without enough data only."""
    store_weeks(any_engine, clock, "router", not_enough_data(), make_assessment())
    hours = timedelta(hours=9)
    assert not announce_due(any_engine, FLEET, clock + WEEK + hours, SETTINGS)
    result = clock + 2 * WEEK  # midnight, when Monday's digest is due at 9
    assert not announce_due(any_engine, FLEET, result + timedelta(hours=1), SETTINGS)
    assert announce_due(any_engine, FLEET, result + hours, SETTINGS)
    late = Configuration(alerts=Alerts(digest="sunday 09:00"))
    assert not announce_due(any_engine, FLEET, result + hours, late)


def test_digest_names_what_a_window_lacks(engine: Engine, clock: datetime) -> None:
    store_weeks(engine, clock, "router", make_assessment(), not_comparable("csat", "resolved"))
    with transaction(engine) as connection:
        week = summarize_week(connection, "router")
    assert week is not None
    assert "not comparable, lacks `csat` and `resolved`" in week.text
    assert announce_due(engine, FLEET, clock + 2 * WEEK + timedelta(hours=9), SETTINGS)
    assert "Weekly digest: 1 of 1 model not comparable" in digests(engine)[0].splitlines()[0]


def test_digest_begins_with_the_first_steps(engine: Engine, clock: datetime) -> None:
    store_weeks(engine, clock, "router", make_assessment(), make_assessment(0.3))
    names = [f"m{number}" for number in range(MAX_ENTRIES + 2)]
    settings = Configuration(models={name: {} for name in ("router", *names)}, alerts=ALERTS)
    now = clock + 2 * WEEK + timedelta(hours=9)
    world = WaitingWorld(engine, now)
    for name in names:
        world.run(name)
    with transaction(engine) as connection:
        update_incident(connection, 1, status="acknowledged")
    assert announce_due(engine, settings.by_model, now, settings)
    lines = digests(engine)[0].splitlines()
    first = lines.index(f"What needs a lead: {len(names)} steps")
    assert lines[first + 1].endswith("(https://drift.example/runs/1/plan)")
    assert lines[first + 1 + MAX_ENTRIES] == "• and 2 more"
    # Acknowledged, it needs nobody, and is unresolved.
    assert "• Drift: router, acknowledged" in digests(engine)[0].partition("Unresolved")[2]


def test_digest_of_all_models_snapshot(
    engine: Engine, clock: datetime, snapshot: SnapshotAssertion
) -> None:
    store_weeks(
        engine, clock, "router", make_assessment(), make_assessment(0.1), make_assessment(0.3)
    )
    store_weeks(engine, clock, "analyst", make_assessment(), not_enough_data(), make_assessment())
    assert announce_due(engine, FLEET, clock + 3 * WEEK + timedelta(hours=9), SETTINGS)
    (text,) = digests(engine)
    assert text == snapshot
