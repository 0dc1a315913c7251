"""Retention: deletion by age, without loss of newer rows."""

import threading
from datetime import datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, func, insert, select, update

from bench.rollout.simulated_hours import SimulatedTraffic, write_hour
from monitor.daemon.cycle import Cycle
from monitor.errors import NotFoundError
from monitor.privacy.retention.application import ACTION, apply_retention, is_due
from monitor.settings import Retention, Secrets, Settings
from monitor.store.alerts.outbox import EMPTY, EXPIRED, add_message, list_messages
from monitor.store.alerts.slack_actions import Press, finish_press, insert_press
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.review.items import NewItem, insert_batch
from monitor.store.tables import (
    AuditEntry,
    DeadLetter,
    EmbeddingBlock,
    Exchange,
    Feedback,
    OutboxMessage,
    ReviewAssignment,
    ReviewItem,
    RolloutObservation,
    RolloutScore,
    User,
)
from monitor.store.traffic.baselines import latest_baseline
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters, mark_replayed
from monitor.store.traffic.exchanges import load_baseline
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.position import FeedbackRow, Position
from monitor.store.windows.assessment import Example, Quote
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.map_points import DELETED
from monitor.store.windows.prompt_maps import prompt_map
from monitor.store.windows.sample_scores import sample_scores
from retrain.rollout.rows.measured_hours import insert_scores
from tests.support.alerts.presses import list_presses
from tests.support.traffic.aging_traffic import store_numbers, stored_ids, vectors_are_right
from tests.support.traffic.observed_traffic import open_rollout
from tests.support.windows.assessments import (
    make_assessment,
    make_examples,
    make_family,
    make_topic,
    store_evaluation,
)
from tests.support.windows.mapped_window import add_map

DAY = timedelta(days=1)
DAYS_30 = Retention(exchanges="30d", reviews="90d")


def ids(*numbers: int) -> set[str]:
    return {f"n{number}" for number in numbers}


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_old_traffic_is_removed_with_its_vectors(any_engine: Engine, clock: datetime) -> None:
    store_numbers(any_engine, range(25), clock - 31 * DAY)
    store_numbers(any_engine, range(30, 35), clock - 29 * DAY)

    removed = apply_retention(any_engine, DAYS_30, clock, rows_per_step=4)

    assert dict(removed) == {"exchanges": 25, "vectors": 25}
    assert ids(*range(30, 35)) == stored_ids(any_engine)
    assert count(any_engine, EmbeddingBlock) == 1
    assert vectors_are_right(any_engine) == 5
    assert not apply_retention(any_engine, DAYS_30, clock)


def test_only_dead_letters_expire_by_default(any_engine: Engine, clock: datetime) -> None:
    store_numbers(any_engine, range(5), clock - 4000 * DAY)

    assert not apply_retention(any_engine, Retention(), clock)
    assert len(stored_ids(any_engine)) == 5


def queue(engine: Engine, numbers: list[int], clock: datetime) -> None:
    """Queue exchanges for review, the first with a draft."""
    with transaction(engine) as connection:
        evaluation_id = store_evaluation(connection, make_assessment(0.1), clock - 40 * DAY)
        request = select(Exchange.id).where(Exchange.exchange_id.in_(ids(*numbers)))
        items = [
            NewItem(
                exchange_id=exchange_id,
                slice="control",
                selection_probability=0.5,
                control_probability=0.5,
                cluster=None,
            )
            for exchange_id in connection.execute(request).scalars()
        ]
        batch = insert_batch(connection, evaluation_id, "assistant", items, clock)
        connection.execute(
            insert(User).values(id=1, name="Ada", password_hash="x", active=True, created_at=clock)
        )
        first = connection.execute(
            select(func.min(ReviewItem.id)).where(ReviewItem.batch_id == batch)
        ).scalar_one()
        connection.execute(
            insert(ReviewAssignment).values(
                item_id=first, reviewer_id=1, expires_at=clock, draft={"comment": "half"}
            )
        )


def test_observations_expire_with_their_scores(any_engine: Engine, clock: datetime) -> None:
    rollout_id = open_rollout(any_engine, clock - 60 * DAY)
    traffic = SimulatedTraffic(
        rollout_id=rollout_id,
        model="assistant",
        draw=lambda _rng, is_canary, _users: {"length": np.ones(len(is_canary))},
        requests_per_hour=40,
    )
    with transaction(any_engine) as connection:
        old = write_hour(connection, traffic, clock - 31 * DAY, 50, np.random.default_rng(1))
        recent = write_hour(connection, traffic, clock - 29 * DAY, 50, np.random.default_rng(2))
        insert_scores(connection, rollout_id, "judge", {1: 1.0, old + 1: 1.0}, clock)

    removed = apply_retention(any_engine, Retention(), clock, rows_per_step=7)

    assert {"rollout_observations": old} == dict(removed)
    assert (recent, 1) == (count(any_engine, RolloutObservation), count(any_engine, RolloutScore))


def test_feedback_expires_as_exchanges_do(any_engine: Engine, clock: datetime) -> None:
    rows = [
        FeedbackRow(
            position=Position("topic", 0, days),
            exchange_id=f"r{days}",
            model="",
            name="thumbs_up",
            value=1.0,
            given_at=clock,
            received_at=clock - days * DAY,
        )
        for days in range(8, 28)
    ]
    with transaction(any_engine) as connection:
        insert_feedback(connection, rows)

    removed = apply_retention(
        any_engine, Retention(exchanges=timedelta(days=14)), clock, rows_per_step=5
    )

    assert dict(removed) == {"feedback": 13}
    assert count(any_engine, Feedback) == 7


def test_exchanges_queued_for_review_have_their_own_period(
    any_engine: Engine, clock: datetime
) -> None:
    store_numbers(any_engine, range(10), clock - 31 * DAY)
    queue(any_engine, [2, 7], clock)

    apply_retention(any_engine, DAYS_30, clock, rows_per_step=3)
    assert ids(2, 7) == stored_ids(any_engine)
    assert vectors_are_right(any_engine) == 2

    apply_retention(any_engine, Retention(exchanges="30d"), clock + 4000 * DAY)
    assert ids(2, 7) == stored_ids(any_engine)

    removed = apply_retention(any_engine, DAYS_30, clock + 60 * DAY)
    assert set() == stored_ids(any_engine)
    assert (removed["review_items"], removed["review_assignments"]) == (2, 1)
    assert count(any_engine, EmbeddingBlock) == 0


def test_newest_baseline_is_never_removed(any_engine: Engine, clock: datetime) -> None:
    old = store_numbers(any_engine, range(10), clock - 400 * DAY, baseline=True)
    new = store_numbers(any_engine, range(20, 30), clock - 300 * DAY, baseline=True)

    apply_retention(any_engine, DAYS_30, clock)
    assert len(stored_ids(any_engine)) == 20

    removed = apply_retention(any_engine, Retention(baselines="100d"), clock, rows_per_step=3)
    assert (removed["baselines"], removed["exchanges"], removed["vectors"]) == (1, 10, 10)
    with transaction(any_engine) as connection:
        assert len(load_baseline(connection, old or 0)) == 0
        latest = latest_baseline(connection, "assistant")
        assert latest is not None
        assert new == latest.id
        assert len(load_baseline(connection, latest.id)) == 10


def test_quotes_of_a_baseline_are_removed_with_it(any_engine: Engine, clock: datetime) -> None:
    old = store_numbers(any_engine, range(10), clock - 400 * DAY, baseline=True)
    store_numbers(any_engine, range(20, 30), clock - 300 * DAY, baseline=True)
    before = Quote(prompt="Is my card covered?", response="Yes.")
    example = Example(prompt="Is my card insured?", response="No.", baseline=before)
    output = make_family("output", topics=(make_topic(examples=(example,)),))
    with transaction(any_engine) as connection:
        against_it = store_evaluation(
            connection, make_assessment(output=output), clock - 20 * DAY, baseline_id=old
        )
        other = store_evaluation(connection, make_assessment(output=output), clock - 10 * DAY)

    assert apply_retention(any_engine, Retention(baselines="100d"), clock)["quotes"] == 1

    with transaction(any_engine) as connection:
        cleaned, left = (
            drift_evaluation_by_id(connection, evaluation_id).assessment
            for evaluation_id in (against_it, other)
        )
    assert cleaned is not None
    assert (replace(example, baseline=None),) == cleaned.output.topics[0].examples
    assert make_assessment(output=output) == left


def dead_letter(offset: int, received_at: datetime) -> DeadLetterRow:
    return DeadLetterRow(
        position=Position("topic", 0, offset),
        key=b"k",
        value=b"{",
        reason="invalid_json",
        detail="",
        randomness=0,
        threshold=0,
        inclusion_probability=0.05,
        received_at=received_at,
    )


def test_dead_letters_expire_by_age_and_after_a_replay(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        insert_dead_letters(
            connection,
            [dead_letter(n, clock - 40 * DAY if n < 5 else clock - 3 * DAY) for n in range(9)],
        )
        (replayed,) = connection.execute(
            select(DeadLetter.id).where(DeadLetter.offset == 8)
        ).scalars()
        mark_replayed(connection, replayed, now=clock - 2 * DAY)

    assert apply_retention(any_engine, Retention(), clock, rows_per_step=2)["dead_letters"] == 6
    with transaction(any_engine) as connection:
        left = connection.execute(select(DeadLetter.offset).order_by(DeadLetter.offset)).scalars()
        assert list(left) == [5, 6, 7]
    assert not apply_retention(any_engine, Retention(dead_letters=""), clock + 99 * DAY)


def test_old_presses_expire_done_or_not(any_engine: Engine, clock: datetime) -> None:
    now = clock + 100 * DAY
    with transaction(any_engine) as connection:
        for number, (age, is_done) in enumerate([(91, True), (91, False), (89, True)]):
            insert_press(
                connection,
                Press(
                    press=str(number), action="acknowledge", choice="", subject="incident:1",
                    version=number, slack_user="U0LEA", slack_channel="C0DRIFT",
                    received_at=now - age * DAY,
                ),
            )  # fmt: skip
            if is_done:
                finish_press(connection, number + 1, "done", "", now - age * DAY)
    removed = apply_retention(any_engine, Retention(), now, rows_per_step=1)
    assert removed == {"slack_actions": 2}
    with transaction(any_engine) as connection:
        assert [press.press for press in list_presses(connection)] == ["2"]


def test_quotes_are_removed_and_figures_stay(any_engine: Engine, clock: datetime) -> None:
    quoted = make_assessment(
        0.1,
        input=make_family(topics=(make_topic(),), outliers=make_examples("Is my dog insured?")),
        headline="People ask about new things: “crypto, wallet, transfer”.",
        remarks=(
            "One user (u-17) sent 40% of the window.",
            "No traffic on 1 day of the window: 2026-10-04.",
        ),
    )
    with transaction(any_engine) as connection:
        old = store_evaluation(connection, quoted, clock - 60 * DAY)
        recent = store_evaluation(connection, quoted, clock - 20 * DAY)
        for key, at, sent in (("a", 60, True), ("b", 60, False), ("c", 5, True)):
            add_message(
                connection,
                dedupe_key=key,
                model="assistant",
                incident_id=None,
                kind="post",
                payload={"text": "t", "blocks": [{"text": "> How do I move my crypto wallet?"}]},
                now=clock - at * DAY,
            )
            if sent:
                connection.execute(
                    update(OutboxMessage)
                    .where(OutboxMessage.dedupe_key == key)
                    .values(sent_at=clock)
                )

    add_map(any_engine, old, clock)

    removed = apply_retention(any_engine, DAYS_30, clock)

    assert (removed["quotes"], removed["outbox"]) == (4, 2)
    with transaction(any_engine) as connection:
        drawn = prompt_map(connection, old)
        assert drawn is not None
        assert {DELETED} == {*drawn.current_ids.tolist(), *drawn.reference_ids.tolist()}
        aged = drift_evaluation_by_id(connection, old).assessment
        left = drift_evaluation_by_id(connection, recent).assessment
        messages = {message.dedupe_key: message for message in list_messages(connection)}
        with pytest.raises(NotFoundError):
            sample_scores(connection, old)
    assert aged is not None
    assert quoted == left
    assert aged.input.topics[0].examples == ()
    assert aged.input.outliers == ()
    assert (
        aged.input.topics[0].name,
        aged.input.topics[0].n_current,
    ) == ("crypto, wallet, transfer", 61)
    assert quoted.headline == aged.headline
    assert (
        "One user (removed) sent 40% of the window.",
        quoted.remarks[1],
    ) == aged.remarks
    assert EMPTY == messages["a"].payload == messages["b"].payload
    assert messages["c"].payload["blocks"]
    # One that was never sent is given up: it would be sent without its content.
    assert (None, clock, EXPIRED) == (
        messages["b"].sent_at, messages["b"].failed_at, messages["b"].error,
    )  # fmt: skip


def test_stopped_run_resumes_next_time(any_engine: Engine, clock: datetime) -> None:
    store_numbers(any_engine, range(20), clock - 31 * DAY)
    assert not apply_retention(any_engine, DAYS_30, clock, may_continue=lambda: False)
    assert len(stored_ids(any_engine)) == 20
    assert is_due(any_engine, clock)

    assert apply_retention(any_engine, DAYS_30, clock)["exchanges"] == 20


def test_daemon_applies_retention_once_a_day(engine: Engine, clock: datetime) -> None:
    settings = Settings(retention={"exchanges": "30d"})
    cycle = Cycle.build(engine, settings, Secrets(), clock)
    store_numbers(engine, range(3), clock - 40 * DAY)
    for hours in (0, 1, 23, 25):
        cycle.tidy(clock + timedelta(hours=hours))

    assert set() == stored_ids(engine)
    with transaction(engine) as connection:
        entries = connection.execute(
            select(AuditEntry.occurred_at, AuditEntry.details).where(AuditEntry.action == ACTION)
        ).all()
        assert check_chain(connection).broken_at is None
    assert [clock, clock + timedelta(hours=25)] == [entry.occurred_at for entry in entries]
    assert entries[0].details == {"exchanges": 3, "vectors": 3}


def test_ingest_continues_during_deletion_and_compaction(
    any_engine: Engine, clock: datetime
) -> None:
    """New exchanges are not lost, and every exchange keeps its vectors."""
    for first in range(0, 400, 4):  # many small old blocks, half of their rows to go
        at = clock - (40 * DAY if first % 8 else 5 * DAY)
        store_numbers(any_engine, range(first, first + 4), at)
    expected = ids(*(n for n in range(400) if (n // 4) % 2 == 0))
    done = threading.Event()
    failures: list[BaseException] = []
    written: list[int] = []

    def ingest(base: int) -> None:
        try:
            for first in range(base, base + 200, 5):
                store_numbers(any_engine, range(first, first + 5), clock)
                written.extend(range(first, first + 5))
        except BaseException as failure:  # noqa: BLE001 - looked at below
            failures.append(failure)

    def read() -> None:
        try:
            while not done.is_set():
                vectors_are_right(any_engine)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    def prune() -> None:
        try:
            apply_retention(any_engine, DAYS_30, clock, rows_per_step=10)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    writers = [threading.Thread(target=ingest, args=(base,)) for base in (1000, 2000)]
    pruners = [threading.Thread(target=prune) for _ in range(2)]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers, *pruners):
        thread.start()
    for thread in (*writers, *pruners):
        thread.join(120)
    done.set()
    reader.join(60)

    assert failures == []
    assert len(written) == 400
    assert expected | ids(*written) == stored_ids(any_engine)
    assert vectors_are_right(any_engine) == 600
    # What was old is in few blocks now; what was written just now is as it was.
    assert count(any_engine, EmbeddingBlock) <= 80 + 8
