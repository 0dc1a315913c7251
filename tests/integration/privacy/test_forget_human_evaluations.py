"""`driftwarden forget` searches human evaluations."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import forget
from monitor.review.human_evaluation.rating import RatingQueue, Ratings
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.human_evaluation.assignments import blind_ratings
from monitor.store.human_evaluation.human_evaluations import items_of, responses_of
from tests.support.review.human_evaluation import make_human_evaluation, rows
from tests.support.review.review_world import CASES, make_world

FAIR = dict.fromkeys(("accuracy", "completeness", "tone", "compliance"), 3)


def test_texts_of_an_end_user_are_removed_from_human_evaluations(
    any_engine: Engine, clock: datetime
) -> None:
    world = make_world(any_engine, clock, n=4)  # u0 to u3 asked what CASES say
    response_rows = rows(4, mark="x")
    for row in response_rows:
        if row["id"] == "q0":  # a benchmark that was made from traffic
            row["messages"] = [{"role": "user", "content": CASES[0][1]}]
        if row["id"] == "q1":
            row["response"] += " Ask customer-u0-77 for it."
    human_evaluation = make_human_evaluation(any_engine, clock, inputs=response_rows)
    ada = world.users["Ada"]
    with transaction(any_engine) as connection:
        number = RatingQueue(human_evaluation).claim_next(
            connection, ada, clock, timedelta(minutes=20)
        )
        assert number == 1
        RatingQueue(human_evaluation).save_draft(
            connection,
            1,
            world.rows["Ada"],
            {"comment": "half"},
            now=clock,
            lease=timedelta(minutes=20),
        )
        n = len(responses_of(connection, [items_of(connection, human_evaluation)[0].id]))
        RatingQueue(human_evaluation).submit(
            connection, 1, ada, Ratings([FAIR] * n, "Fine."), now=clock
        )

    report = forget(any_engine, Settings(), ErasureRequest("u0"), clock)
    assert {count.kind: (count.n_found, count.n_left) for count in report.counts}[
        "human evaluation items"
    ] == (
        1,
        0,
    )
    report = forget(any_engine, Settings(), ErasureRequest("customer-u0-77"), clock)
    assert {count.kind: (count.n_found, count.n_left) for count in report.counts}[
        "human evaluation items"
    ] == (
        1,
        0,
    )

    with transaction(any_engine) as connection:
        items = items_of(connection, human_evaluation)
        items_left = [item for item in items if not item.benchmark_item_id.startswith("removed")]
        assert {item.benchmark_item_id for item in items_left} == {"q2", "q3"}
        gone = [item for item in items if item not in items_left]
        assert {
            response.text for response in responses_of(connection, [item.id for item in gone])
        } == {"(removed)"}
        assert not any(turn["content"] == CASES[0][1] for item in items for turn in item.messages)
        assert len(blind_ratings(connection, human_evaluation)) == n, (
            "ratings are numbers, and stay"
        )
