"""`driftwarden forget` looks through studies too."""

from datetime import datetime

from sqlalchemy import Engine

from monitor.privacy.end_user import Wanted
from monitor.privacy.forget import forget
from monitor.review.human_evaluation.rating import Ratings, claim_next, save_draft, submit
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.human_evaluation.assignments import blind_ratings
from monitor.store.human_evaluation.human_evaluations import answers_of, items_of
from tests.services.human_evaluation_world import make_study, rows
from tests.services.review_world import CASES, make_world

FAIR = dict.fromkeys(("accuracy", "completeness", "tone", "compliance"), 3)


def test_what_a_person_asked_and_what_mentions_them_is_taken_out_of_studies(
    any_engine: Engine, clock: datetime
) -> None:
    world = make_world(any_engine, clock, n=4)  # u0 to u3 asked what CASES say
    given = rows(4, mark="x")
    for row in given:
        if row["id"] == "q0":  # a benchmark that was made from traffic
            row["messages"] = [{"role": "user", "content": CASES[0][1]}]
        if row["id"] == "q1":
            row["answer"] += " Ask customer-u0-77 for it."
    study = make_study(any_engine, clock, given=given)
    ada = world.people["Ada"]
    with transaction(any_engine) as connection:
        number = claim_next(connection, study, ada, clock, 20)
        assert number == 1
        save_draft(connection, study, 1, ada, {"comment": "half"}, now=clock, lease_minutes=20)
        n = len(answers_of(connection, [items_of(connection, study)[0].id]))
        submit(connection, study, 1, ada, Ratings([FAIR] * n, "Fine."), now=clock)

    found = forget(any_engine, Settings(), Wanted("u0"), clock)
    assert {line.what: (line.found, line.left) for line in found.lines}["items of studies"] == (
        1,
        0,
    )
    found = forget(any_engine, Settings(), Wanted("customer-u0-77"), clock)
    assert {line.what: (line.found, line.left) for line in found.lines}["items of studies"] == (
        1,
        0,
    )

    with transaction(any_engine) as connection:
        items = items_of(connection, study)
        kept = [item for item in items if not item.item_id.startswith("removed")]
        assert {item.item_id for item in kept} == {"q2", "q3"}
        gone = [item for item in items if item not in kept]
        assert {one.text for one in answers_of(connection, [item.id for item in gone])} == {
            "(removed)"
        }
        assert not any(turn["content"] == CASES[0][1] for one in items for turn in one.messages)
        assert len(blind_ratings(connection, study)) == n, "ratings are numbers, and stay"
