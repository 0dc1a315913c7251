"""Conditions of incidents: each is begun and ended for real, told once, and survives restarts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select, update

from monitor.alerts.causes import CAUSES
from monitor.alerts.sending.preparation import UNDELIVERED
from monitor.daemon.conditions.of_models import OF_MODELS
from monitor.daemon.conditions.of_signals import BACKUP
from monitor.daemon.conditions.of_the_daemon import OF_THE_DAEMON
from monitor.daemon.conditions.watch import watch_conditions
from monitor.daemon.search_index import index_new_exchanges
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.numbers import format_instant
from monitor.settings import Settings
from monitor.store.access_log import Access, append_access
from monitor.store.alerts import outbox
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.engine import transaction
from monitor.store.review.decisions import confirm_decision, save_decision, save_preview
from monitor.store.rows import update_row
from monitor.store.tables import (
    DriftEvaluation,
    OutboxMessage,
    Review,
    ReviewBatch,
    ReviewItem,
    SourceOffset,
)
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.offsets import advance, claim, record_caught_up, record_gap
from monitor.store.traffic.position import Position
from monitor.store.traffic.record_counts import add_record_counts
from monitor.store.traffic.stored_counts import add_stored_counts
from monitor.store.training.runs import finish_run, insert_run, mark_running
from monitor.store.windows.claims import (
    claim_drift_evaluation,
    fail_drift_evaluation,
    window_states,
)
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.store.windows.looks import save_look
from retrain.rollout.jobs.conditions import OF_ROLLOUTS
from tests.support.review.review_world import make_world
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK, DAY = timedelta(days=7), timedelta(days=1)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SETTINGS = Settings()
MODEL, TOPIC = SETTINGS.model.name, SETTINGS.kafka.topic
RUN = {"launcher": "subprocess", "recipe": {}, "work_dir": "runs"}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def watch(engine: Engine, now: datetime, *, started_at: datetime = LONG_AGO) -> None:
    watch_conditions(engine, SETTINGS, [SETTINGS], now, started_at=started_at)


def incidents_of(engine: Engine, cause: str) -> list[IncidentRow]:
    with transaction(engine) as connection:
        return list_incidents(connection, cause=cause)


def read_all(engine: Engine, now: datetime) -> None:
    """Store that ingest has read the topic to its end."""
    with transaction(engine) as connection:
        claim(connection, TOPIC, 0, first=0, now=now)
        record_caught_up(connection, TOPIC, {0: now})


def fail_window(engine: Engine, now: datetime, start: datetime | None = None) -> None:
    start = now - WEEK if start is None else start
    with transaction(engine) as connection:
        claim_ = claim_drift_evaluation(connection, MODEL, start, start + WEEK, seed=1, now=now)
        assert claim_ is not None
        fail_drift_evaluation(connection, claim_, "ValueError: a customer's text", now)


def retry_window(engine: Engine, now: datetime) -> None:
    """Evaluate the failed window: nothing changes while it runs, then it is done."""
    start = now - WEEK - 2 * HOUR
    with transaction(engine) as connection:
        assert not window_states(connection, MODEL, now).settled
        assert claim_drift_evaluation(connection, MODEL, start, start + WEEK, seed=1, now=now)
    watch(engine, now)
    assert incidents_of(engine, "evaluation_failed")[0].status == "open"
    with transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE outbox SET evaluation_id = NULL")
        connection.exec_driver_sql("DELETE FROM drift_evaluations")
        store_evaluation(connection, make_assessment(), start)


def leave_window(engine: Engine, now: datetime) -> None:
    """Store traffic of a window that ended more than a day ago, and no evaluation."""
    store_traffic(engine, now - 2 * WEEK, 20, seed=1)


def window_start(now: datetime) -> datetime:
    """Return the start of the last window that has ended."""
    return now - timedelta(days=now.weekday(), hours=now.hour) - WEEK


def evaluate_window(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(), window_start(now))
        mark_followed_up(connection, evaluation, now)


def stop_traffic(engine: Engine, now: datetime) -> None:
    for day in range(2, 10):
        store_traffic(engine, now - day * DAY, 30, seed=day, days=1.0)
    read_all(engine, now)


def resume_traffic(engine: Engine, now: datetime) -> None:
    store_traffic(engine, now - HOUR, 3, seed=50, days=0.01)
    read_all(engine, now)


def stall(engine: Engine, now: datetime) -> None:
    read_all(engine, now - 16 * MINUTE)


def read_on(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        advance(connection, TOPIC, 0, expected=0, new=5, now=now)
        record_caught_up(connection, TOPIC, {0: now - HOUR})


def lose_records(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        record_gap(connection, TOPIC, 0, first_offset=10, last_offset=29, detected_at=now)


def keep_records(engine: Engine, now: datetime) -> None:
    """Lose nothing more: the loss is a day old."""


def deliver_late(engine: Engine, now: datetime) -> None:
    start = window_start(now)
    with transaction(engine) as connection:
        add_stored_counts(connection, {(MODEL, start): 150})
        evaluation = store_evaluation(connection, make_assessment(), start)
        provenance = {"window": {"n_stored": 100, "n_exchanges": 100}}
        update_row(connection, DriftEvaluation, evaluation, provenance=provenance)


def count_late(engine: Engine, _: datetime) -> None:
    with transaction(engine) as connection:
        provenance = {"window": {"n_stored": 150, "n_exchanges": 150}}
        connection.execute(update(DriftEvaluation).values(provenance=provenance))


def break_records(engine: Engine, now: datetime) -> None:
    count_records(engine, now, 200, 120)


def read_readable(engine: Engine, now: datetime) -> None:
    count_records(engine, now, 200, 0)


def count_records(engine: Engine, now: datetime, n: int, n_dead: int) -> None:
    """Count records that were read now, and dead letters among them."""
    dead_letter = DeadLetterRow(Position(TOPIC, 0, 0), None, None, "invalid_json", "", 1.0, now)
    with transaction(engine) as connection:
        add_record_counts(connection, {TOPIC: n}, [dead_letter] * n_dead, now)


def plan(engine: Engine, now: datetime) -> int:
    with transaction(engine) as connection:
        run = insert_run(connection, model=MODEL, created_at=now, **RUN, decision_id=None)
        assert mark_running(connection, run, {"pid": 1}, now)
    return run


def fail_training(engine: Engine, now: datetime) -> None:
    run = plan(engine, now)
    with transaction(engine) as connection:
        finish_run(
            connection, run, "failed", finished_at=now, error="RuntimeError: a customer's text"
        )


def train_again(engine: Engine, now: datetime) -> None:
    run = plan(engine, now)
    watch(engine, now)
    assert incidents_of(engine, "training_failed")[0].status == "open"
    with transaction(engine) as connection:
        finish_run(connection, run, "succeeded", finished_at=now)


def recommend(engine: Engine, now: datetime) -> None:
    world = make_world(engine, now - 4 * DAY)
    with transaction(engine) as connection:
        save_decision(
            connection,
            world.batch_id,
            MODEL,
            recommendation="retrain",
            inputs={},
            now=now - 3 * DAY - HOUR,
        )


def confirm(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        assert confirm_decision(connection, 1, "Lea", now)


def leave_queue(engine: Engine, now: datetime) -> None:
    make_world(engine, now)
    with transaction(engine) as connection:
        connection.execute(update(ReviewBatch).values(created_at=now - 3 * DAY - HOUR))


def review_item(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        connection.execute(
            insert(Review).values(
                item_id=1, reviewer_id=1, verdict="accept", accuracy=5, completeness=5, tone=5,
                compliance=5, error_kind="", corrected_response="r", comment="", submitted_at=now,
            )
        )  # fmt: skip


def leave_looks(engine: Engine, now: datetime) -> None:
    store_traffic(engine, now - 2 * DAY, 20, seed=60, days=1.0)
    read_all(engine, now)


def look(engine: Engine, now: datetime, status: str = "skipped") -> None:
    read_all(engine, now)
    end = now.replace(minute=0, second=0)
    with transaction(engine) as connection:
        save_look(
            connection, model=MODEL, looked_until=end, n_exchanges=0, n_end_users=0,
            findings=None, provenance={}, now=now, error="" if status == "skipped" else status,
        )  # fmt: skip


def stop_backups(engine: Engine, now: datetime) -> None:
    for day in (5, 4, 3):
        back_up(engine, now - day * DAY)


def back_up(engine: Engine, now: datetime) -> None:
    with transaction(engine) as connection:
        append_access(
            connection,
            Access(occurred_at=now, source="command", actor="root", action="exported",
                   kind="archive", place=BACKUP),
        )  # fmt: skip


def leave_unindexed(engine: Engine, now: datetime) -> None:
    read_all(engine, now)
    store_traffic(engine, now - 2 * HOUR, 3, seed=61)


def index(engine: Engine, now: datetime) -> None:
    read_all(engine, now)
    index_new_exchanges(engine, SETTINGS, now)


@dataclass(frozen=True)
class Case:
    """How a condition begins and ends."""

    begin: Callable[[Engine, datetime], None]
    end: Callable[[Engine, datetime], None]
    #: From the begin until it ends.
    after: timedelta = 2 * HOUR


CASES = {
    "evaluation_failed": Case(fail_window, retry_window),
    "evaluation_overdue": Case(leave_window, evaluate_window),
    "no_traffic": Case(stop_traffic, resume_traffic),
    "looks_overdue": Case(leave_looks, look),
    "search_index_overdue": Case(leave_unindexed, index),
    "backup_overdue": Case(stop_backups, back_up),
    "consumer_stalled": Case(stall, read_on),
    "records_lost": Case(lose_records, keep_records, DAY + HOUR),
    "late_records": Case(deliver_late, count_late),
    "dead_letters": Case(break_records, read_readable),
    "training_failed": Case(fail_training, train_again),
    "decision_overdue": Case(recommend, confirm),
    "queue_not_worked": Case(leave_queue, review_item),
}
OF_PROBES = {"served_model_changed", "promotion_not_served", "probes_unanswered"}
each_cause = pytest.mark.parametrize("cause", sorted(CASES))


def test_every_cause_has_a_condition_and_a_test() -> None:
    # Drift has its evaluations and looks, undelivered messages test_fallback.py.
    conditions = set(OF_MODELS) | set(OF_THE_DAEMON) | set(OF_ROLLOUTS)
    assert conditions | {"drift", UNDELIVERED} == set(CAUSES)
    # Those of rollouts are in test_rollout_conditions.py, those of probes in test_probes.py, and
    # signals of the traffic in test_signals.py.
    assert set(CASES) == conditions - set(OF_ROLLOUTS) - OF_PROBES - {"signal_missing"}
    of_daemon = {cause.name for cause in CAUSES.values() if cause.of_daemon}
    assert of_daemon == set(OF_THE_DAEMON) | {UNDELIVERED}


@each_cause
def test_condition_is_reported_once_and_resolved_with_it(
    any_engine: Engine, clock: datetime, cause: str
) -> None:
    now = clock + 10 * WEEK + 2 * DAY
    read_all(any_engine, now - 16 * MINUTE)
    watch(any_engine, now - MINUTE)
    assert incidents_of(any_engine, cause) == []
    CASES[cause].begin(any_engine, now)
    for minute in range(3):  # each in another process, as after restarts
        watch(any_engine, now + minute * MINUTE)
    (incident,) = incidents_of(any_engine, cause)
    assert incident.status == "open"
    assert incident.model == ("" if CAUSES[cause].of_daemon else MODEL)
    assert incident.level == CAUSES[cause].level
    assert "customer" not in incident.summary
    with transaction(any_engine) as connection:
        messages = outbox.list_messages(connection, incident.id)
    assert [message.kind for message in messages] == ["post"]
    text = render_text(messages[0].payload["blocks"])
    assert f"/incidents/{incident.id})" in text
    assert f"/runbooks/{CAUSES[cause].page})" in text
    assert messages[0].payload["text"].startswith(messages[0].payload["blocks"][0]["text"]["text"])

    later = now + CASES[cause].after
    CASES[cause].end(any_engine, later)
    watch(any_engine, later)
    watch(any_engine, later + CAUSES[cause].hold)
    (incident,) = incidents_of(any_engine, cause)
    assert incident.status == "resolved"
    with transaction(any_engine) as connection:
        events = [event.event for event in list_events(connection, incident.id)]
        newest = outbox.list_messages(connection, incident.id)[0]
    assert events == ["opened", "resolved"]
    assert newest.payload["reply_broadcast"] is True


def test_message_of_a_failed_window_names_its_evaluation(engine: Engine, clock: datetime) -> None:
    read_all(engine, clock + WEEK)
    fail_window(engine, clock + WEEK)
    watch(engine, clock + WEEK)
    with transaction(engine) as connection:
        evaluation = connection.execute(select(DriftEvaluation.id)).scalar_one()
        row = connection.execute(select(OutboxMessage.evaluation_id, OutboxMessage.payload)).one()
    assert row.evaluation_id == evaluation
    assert f"(evaluation {evaluation})" in row.payload["text"]


def test_a_topic_that_was_never_read_is_reported(engine: Engine, clock: datetime) -> None:
    watch(engine, clock, started_at=clock - 14 * MINUTE)
    assert incidents_of(engine, "consumer_stalled") == []
    watch(engine, clock + MINUTE, started_at=clock - 14 * MINUTE - SECOND)
    (incident,) = incidents_of(engine, "consumer_stalled")
    assert TOPIC in incident.summary
    assert format_instant(clock - 14 * MINUTE - SECOND) in incident.summary
    read_all(engine, clock + 2 * MINUTE)
    for minute in (2, 18):
        read_all(engine, clock + minute * MINUTE)
        watch(engine, clock + minute * MINUTE, started_at=clock - HOUR)
    assert incidents_of(engine, "consumer_stalled")[0].status == "resolved"


def test_a_daemon_that_catches_up_is_not_overdue(engine: Engine, clock: datetime) -> None:
    now = clock + 10 * WEEK + 2 * DAY
    leave_window(engine, now)
    stall(engine, now)
    watch(engine, now, started_at=now - 5 * MINUTE)
    for cause in ("evaluation_overdue", "consumer_stalled"):
        assert incidents_of(engine, cause) == []


def test_a_window_that_is_being_evaluated_is_not_overdue(engine: Engine, clock: datetime) -> None:
    now = clock + 10 * WEEK + 2 * DAY
    leave_window(engine, now)
    start = window_start(now)
    with transaction(engine) as connection:
        assert claim_drift_evaluation(connection, MODEL, start, start + WEEK, seed=1, now=now)
    watch(engine, now)
    assert incidents_of(engine, "evaluation_overdue") == []
    watch(engine, now + 2 * HOUR)  # its claim has ended: the process was killed
    assert len(incidents_of(engine, "evaluation_overdue")) == 1


def test_a_further_failed_window_is_reported_once(engine: Engine, clock: datetime) -> None:
    fail_window(engine, clock + WEEK)
    watch(engine, clock + WEEK)
    fail_window(engine, clock + 2 * WEEK)
    for minute in range(3):
        watch(engine, clock + 2 * WEEK + minute * MINUTE)
    (incident,) = incidents_of(engine, "evaluation_failed")
    with transaction(engine) as connection:
        events = [event.event for event in list_events(connection, incident.id)]
    assert events == ["opened", "worsened"]
    assert len(incident.fingerprint) == 2


def test_silence_while_ingest_is_behind_is_unknown(engine: Engine, clock: datetime) -> None:
    now = clock + 10 * WEEK
    stop_traffic(engine, now)
    watch(engine, now + 2 * HOUR)
    assert incidents_of(engine, "no_traffic") == []
    read_all(engine, now + 2 * HOUR)
    watch(engine, now + 2 * HOUR)
    assert incidents_of(engine, "no_traffic")[0].status == "open"
    read_all(engine, now + 30 * DAY)
    watch(engine, now + 30 * DAY)  # a month of silence is usual by now, but not over
    assert incidents_of(engine, "no_traffic")[0].status == "open"


@pytest.mark.parametrize("records_a_day", [1, 4])
def test_rare_traffic_may_pause_for_a_day(
    engine: Engine, clock: datetime, records_a_day: int
) -> None:
    now = clock + 10 * WEEK
    for day in range(2, 10):
        store_traffic(engine, now - day * DAY, records_a_day, seed=day, days=1.0)
    read_all(engine, now)
    watch(engine, now)
    assert incidents_of(engine, "no_traffic") == []


def test_ingest_that_reads_too_slowly_is_reported(engine: Engine, clock: datetime) -> None:
    read_all(engine, clock)
    for hour in range(14):
        now = clock + hour * HOUR
        with transaction(engine) as connection:
            advance(connection, TOPIC, 0, expected=hour, new=hour + 1, now=now)
        watch(engine, now)
    (incident,) = incidents_of(engine, "consumer_stalled")
    assert incident.opened_at == clock + 13 * HOUR


def test_an_idle_topic_does_not_stall(engine: Engine, clock: datetime) -> None:
    read_all(engine, clock)
    for hour in range(5):
        with transaction(engine) as connection:
            record_caught_up(connection, TOPIC, {0: clock + hour * HOUR})
        watch(engine, clock + hour * HOUR + MINUTE)
    assert incidents_of(engine, "consumer_stalled") == []
    with transaction(engine) as connection:
        connection.execute(update(SourceOffset).values(source="file:1"))
    watch(engine, clock + 9 * HOUR)  # a replayed file has no end to wait for
    assert incidents_of(engine, "consumer_stalled") == []


def test_a_confirmed_retraining_without_a_run_is_reported(engine: Engine, clock: datetime) -> None:
    recommend(engine, clock)
    confirm(engine, clock)
    watch(engine, clock + 10 * MINUTE)
    assert incidents_of(engine, "training_failed") == []
    with transaction(engine) as connection:
        save_preview(connection, 1, {"refusal": "raise max_length to 134"})
    watch(engine, clock + 20 * MINUTE)
    (incident,) = incidents_of(engine, "training_failed")
    assert "can't be planned: raise max_length to 134." in str(incident)
    with transaction(engine) as connection:
        run = insert_run(connection, model=MODEL, created_at=clock, **RUN, decision_id=1)
        mark_running(connection, run, {}, clock)
    watch(engine, clock + HOUR)
    assert incidents_of(engine, "training_failed")[0].id == incident.id


def test_failures_before_the_upgrade_are_history(engine: Engine, clock: datetime) -> None:
    fail_training(engine, clock)
    watch(engine, clock + 8 * DAY)
    assert incidents_of(engine, "training_failed") == []


def test_new_batch_is_no_work_on_queue(engine: Engine, clock: datetime) -> None:
    leave_queue(engine, clock)
    watch(engine, clock)
    with transaction(engine) as connection:
        window = clock - 21 * DAY, clock - 14 * DAY
        claim = claim_drift_evaluation(connection, MODEL, *window, seed=1, now=clock)
        assert claim is not None
        batch = insert(ReviewBatch).values(
            evaluation_id=claim.evaluation_id, model=MODEL, created_at=clock
        )
        batch_id = connection.execute(batch.returning(ReviewBatch.id)).scalar_one()
        newest = select(func.max(ReviewItem.id)).scalar_subquery()
        connection.execute(
            update(ReviewItem).where(ReviewItem.id == newest).values(batch_id=batch_id)
        )
    watch(engine, clock + HOUR)
    (incident,) = incidents_of(engine, "queue_not_worked")
    assert incident.status == "open"


def test_a_batch_past_its_time_is_reported(engine: Engine, clock: datetime) -> None:
    world = make_world(engine, clock)
    with transaction(engine) as connection:
        connection.execute(update(ReviewBatch).values(created_at=clock))
    review_item(engine, clock + 6 * DAY)
    watch(engine, clock + 6 * DAY)
    assert incidents_of(engine, "queue_not_worked") == []
    watch(engine, clock + 7 * DAY + HOUR)
    assert len(incidents_of(engine, "queue_not_worked")) == 1
    with transaction(engine) as connection:
        connection.execute(
            update(ReviewItem).where(ReviewItem.batch_id == world.batch_id).values(status="gold")
        )
    watch(engine, clock + 7 * DAY + 2 * HOUR)
    assert incidents_of(engine, "queue_not_worked")[0].status == "resolved"


def test_a_broken_condition_leaves_the_others(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OF_MODELS, "evaluation_failed", lambda _: 1 / 0)
    lose_records(engine, clock)
    watch(engine, clock)
    assert len(incidents_of(engine, "records_lost")) == 1


def test_failing_looks_are_overdue_though_recorded(engine: Engine, clock: datetime) -> None:
    leave_looks(engine, clock)
    look(engine, clock - HOUR)
    for hour in range(5):
        now = clock + hour * HOUR
        look(engine, now, "RuntimeError: no memory")
        watch(engine, now)
    (incident,) = incidents_of(engine, "looks_overdue")
    assert "The newest failed." in incident.summary


@pytest.mark.parametrize("doubt", ["ingest is behind", "the daemon has just started", "off"])
def test_looks_that_wait_are_not_overdue(engine: Engine, clock: datetime, doubt: str) -> None:
    leave_looks(engine, clock)
    settings = Settings(monitoring={"large_changes": "off" if doubt == "off" else "hourly"})
    if doubt == "ingest is behind":
        stall(engine, clock - 4 * HOUR)
    started_at = clock - HOUR if doubt == "the daemon has just started" else LONG_AGO
    watch_conditions(engine, settings, [settings], clock, started_at=started_at)
    assert incidents_of(engine, "looks_overdue") == []


@pytest.mark.parametrize(
    ("days_ago", "is_overdue"),
    [
        ((3,), False),
        ((3, 4), False),
        ((3, 3.01, 3.02, 3.03), False),  # tried by hand
        ((3, 4, 5), True),
        ((1.9, 2.9, 3.9), False),
        ((2.9, 3.9, 4.9, 7.9, 8.9, 9.9), False),  # not at weekends
        ((3.9, 4.9, 5.9, 8.9, 9.9, 10.9), True),
        ((13, 20, 27), False),
        ((15, 22, 29), True),
    ],
)
def test_backups_are_overdue_by_their_own_interval(
    engine: Engine, clock: datetime, days_ago: tuple[float, ...], *, is_overdue: bool
) -> None:
    for days in sorted(days_ago, reverse=True):
        back_up(engine, clock - days * DAY)
    watch(engine, clock)
    assert bool(incidents_of(engine, "backup_overdue")) == is_overdue


def test_evaluation_that_is_not_followed_up_is_reported(
    any_engine: Engine, clock: datetime
) -> None:
    with transaction(any_engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(), clock - 7 * DAY)
        connection.execute(update(DriftEvaluation).values(followed_up_at=None, finished_at=clock))
    for hours, n_incidents in ((25, 0), (27, 1)):
        now = clock + hours * HOUR
        watch(any_engine, now, started_at=clock)
        assert len(incidents_of(any_engine, "evaluation_overdue")) == n_incidents
    (incident,) = incidents_of(any_engine, "evaluation_overdue")
    assert f"Drift evaluation {evaluation} " in incident.summary
