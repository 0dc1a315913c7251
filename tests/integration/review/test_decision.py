"""Decision on a batch, from stored reviews to the stored result and its message."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.alerts.messages.decision import CONTROL_SLICE_GRACE, announce_decisions
from monitor.errors import WorkflowError
from monitor.rendering.mrkdwn import render_text
from monitor.review.decision.decisions import confirm_retraining, decide, decide_open_batches
from monitor.settings import Alerts, Review, Settings
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.review.decisions import DecisionRow
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.items import items_of_batches, update_item
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import JUDGEMENT, KNOWLEDGE, RIGHT, Told, settle

SMALL = Review(min_drifted_gold=3)
MINUTE = timedelta(minutes=1)
ALERTS = Alerts(public_url="https://drift.example")


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock)


def reviewed(
    world: World, clock: datetime, *fields: Told | None, review: Review = SMALL
) -> DecisionRow:
    """Settle the first items with given outcomes, the rest as correct, and decide."""
    with transaction(world.engine) as connection:
        settle(
            connection, world.batch_id, (world.users["Ada"], world.users["Ben"]),
            lambda number, _item: fields[number] if number < len(fields) else RIGHT, clock,
        )  # fmt: skip
        return decide(connection, world.batch_id, review, clock)


def messages(world: World) -> list[str]:
    with transaction(world.engine) as connection:
        return [render_text(entry.payload["blocks"]) for entry in list_messages(connection)]


def test_no_decision_while_the_control_is_incomplete(world: World, clock: datetime) -> None:
    row = reviewed(world, clock, *[None] * 5)
    assert (row.recommendation, row.inputs["missing"]) == ("undecided", "control")
    assert "35 of 40 " in row.inputs["reasons"][0]
    assert None is row.inputs["rise"]


def test_repeated_decisions_take_one_number(any_engine: Engine, clock: datetime) -> None:
    first = make_world(any_engine, clock, n=4, weeks_ago=1).batch_id
    with transaction(any_engine) as connection:
        rows = [decide(connection, first, SMALL, clock + at * MINUTE) for at in range(5)]
    assert {row.recommendation for row in rows} == {"undecided"}
    assert [row.decided_at for row in rows] == [clock + at * MINUTE for at in range(5)]
    second = make_world(any_engine, clock, n=4, weeks_ago=0, users=False).batch_id
    with transaction(any_engine) as connection:
        last = decide(connection, second, SMALL, clock)
    assert last.id == rows[0].id + 1


def test_decision_with_a_tenth_missing_ignores_excluded_items(
    world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        out = items_of_batches(connection, [world.batch_id])[-1].id
        settle(
            connection, world.batch_id, (world.users["Ada"], world.users["Ben"]),
            lambda number, item: None if number < 3 or item.id == out else RIGHT, clock,
        )  # fmt: skip
        update_item(connection, out, status="excluded", excluded_reason="personal data")
        row = decide(connection, world.batch_id, SMALL, clock)
    assert row.recommendation == "keep"
    control = row.inputs["control"]
    assert (control["n_drawn"], control["n_excluded"], control["n"]) == (40, 1, 36)


def test_rise_of_judgement_errors_recommends_retraining(world: World, clock: datetime) -> None:
    row = reviewed(world, clock, *[JUDGEMENT] * 20)
    assert row.recommendation == "retrain"
    assert row.inputs["error_kinds"] == {"judgement": 20}
    assert row.inputs["rate"]["rate"] == 0.5
    assert pytest.approx(0.5) == row.inputs["traffic"]["rate"]
    assert row.inputs["error_causes"]["shares"]["needs_judgement"]["rate"] == 1.0
    assert {"card_lost", "crypto_withdrawal", "fees", "instant_transfer"} == set(
        row.inputs["by_task_type"]
    )
    assert [entry["cluster"] for entry in row.inputs["by_cluster"]] == [0]
    with transaction(world.engine) as connection:
        assert row == decide(connection, world.batch_id, Review(), clock + timedelta(days=1))
        with pytest.raises(WorkflowError, match="lead"):
            confirm_retraining(connection, row.id, world.rows["Ada"], clock)
        confirm_retraining(connection, row.id, world.rows["Lea"], clock)
        confirm_retraining(connection, row.id, world.rows["Lea"], clock)


def test_missing_facts_recommend_fixing_the_context(world: World, clock: datetime) -> None:
    row = reviewed(world, clock, *[KNOWLEDGE] * 18, *[JUDGEMENT] * 2)
    assert row.recommendation == "fix_context"
    assert "retrieval" in row.inputs["reasons"][-1]
    with transaction(world.engine) as connection, pytest.raises(WorkflowError, match="fix_context"):
        confirm_retraining(connection, row.id, world.rows["Lea"], clock)


def test_too_few_rated_causes_are_no_decision(world: World, clock: datetime) -> None:
    unclear = Told("correct", "correct", "correct", "other", "")
    row = reviewed(world, clock, *[unclear] * 14, *[KNOWLEDGE] * 3, *[JUDGEMENT] * 3)
    assert (row.recommendation, row.inputs["missing"]) == ("undecided", "error_causes")
    assert re.search(r"\b6\b", row.inputs["reasons"][-1])


def test_too_little_gold_on_drifted_topics_is_no_decision(world: World, clock: datetime) -> None:
    row = reviewed(world, clock, *[JUDGEMENT] * 20, review=Review())
    assert (row.recommendation, row.inputs["missing"]) == ("undecided", "gold")
    assert "Training needs 50" in row.inputs["reasons"][-1]


def test_a_few_errors_keep_the_model(world: World, clock: datetime) -> None:
    assert reviewed(world, clock, *[JUDGEMENT] * 3).recommendation == "keep"


def test_disagreeing_reviewers_recommend_fixing_the_guidelines(
    world: World, clock: datetime
) -> None:
    entry = Told("accept", "correct", "correct", "tone", "yes")
    other = Told("correct", "accept", "correct", "tone", "yes")
    row = reviewed(world, clock, *[entry, other] * 20)
    assert row.recommendation == "fix_guidelines"
    assert row.inputs["agreement"]["alpha"] < 0
    assert row.inputs["agreement"]["ac1"] < 0


def test_text_of_an_earlier_batch_counts_without_new_item(
    any_engine: Engine, clock: datetime
) -> None:
    """Both weeks have the same four texts, and the second control draw hits all of them again."""
    cases = [("", f"Question {number}?", f"Answer {number}.") for number in range(4)]
    review = Review(weekly_budget=40)
    first = make_world(any_engine, clock, n=4, cases=cases, review=review, weeks_ago=1)
    second = make_world(
        any_engine, clock, n=4, cases=cases, review=review, users=False, weeks_ago=0
    )
    with transaction(any_engine) as connection:
        assert len(items_of_batches(connection, [first.batch_id])) == 4
        assert items_of_batches(connection, [second.batch_id]) == []
        draws = draws_of_batches(connection, [second.batch_id])
        assert {first.batch_id} == {draw.queued_in for draw in draws}
        assert sum(draw.control_points for draw in draws) == 4
        waiting = decide(connection, second.batch_id, SMALL, clock)
        assert waiting.recommendation == "undecided"
        settle(
            connection, first.batch_id, (first.users["Ada"], first.users["Ben"]),
            lambda number, _item: KNOWLEDGE if number == 0 else RIGHT, clock,
        )  # fmt: skip
        row = decide(connection, second.batch_id, SMALL, clock)
    own = row.inputs["control_of_batch"]
    assert (own["n"], own["errors"], own["n_reused"]) == (4, 1, 4)


def test_a_verdict_may_grow_old(any_engine: Engine, clock: datetime) -> None:
    cases = [("", f"Question {number}?", f"Answer {number}.") for number in range(4)]
    make_world(any_engine, clock - timedelta(weeks=5), n=4, cases=cases, weeks_ago=1)
    again = make_world(
        any_engine,
        clock,
        n=4,
        cases=cases,
        users=False,
        review=Review(max_verdict_age=timedelta(weeks=4)),
    )
    with transaction(any_engine) as connection:
        assert len(items_of_batches(connection, [again.batch_id])) == 4


def test_slack_message_is_sent_once_with_figures(world: World, clock: datetime) -> None:
    row = reviewed(world, clock, *[KNOWLEDGE] * 15, *[JUDGEMENT] * 5)
    for _ in range(2):
        with transaction(world.engine) as connection:
            announce_decisions(connection, "assistant", clock, ALERTS)
    (text,) = messages(world)
    for output in (
        "50.0% (",
        "20 of 40",
        "8.0% (",
        "knowledge: 75.0%",
        ": 75.0% (",
        f"https://drift.example/decisions/{row.id}",
    ):
        assert output in text, output


def test_slack_reports_missing_evidence_once(world: World, clock: datetime) -> None:
    reviewed(world, clock, *[None] * 30)
    settings = Settings(review=SMALL, alerts=ALERTS)
    for days in (0, 3, CONTROL_SLICE_GRACE.days, CONTROL_SLICE_GRACE.days + 1):
        now = clock + timedelta(days=days)
        decide_open_batches(world.engine, settings, now)
        with transaction(world.engine) as connection:
            announce_decisions(connection, "assistant", now, ALERTS)
        assert len(messages(world)) == (1 if days >= CONTROL_SLICE_GRACE.days else 0), days
    assert "10 of 40 " in messages(world)[0]


def test_batch_outside_the_decision_window_is_unchanged(
    any_engine: Engine, clock: datetime
) -> None:
    old = make_world(any_engine, clock, n=4, weeks_ago=6)
    new = make_world(any_engine, clock, n=4, weeks_ago=0, users=False)
    decided = decide_open_batches(any_engine, Settings(review=SMALL), clock)
    assert [new.batch_id] == [row.batch_id for row in decided]
    assert old.batch_id != new.batch_id
