"""Claims, blind reviews, disagreement and export, on both databases."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, delete, func, select

from monitor.errors import NotFoundError
from monitor.review.export import read_gold, sft_rows
from monitor.review.items.adjudication import Ruling, adjudicate
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import escalate_stale, submit_proposal
from monitor.review.items.flags import flag, reject_flag
from monitor.review.items.item_view import view_item
from monitor.review.items.verdicts import Judgement, ReviewInput
from monitor.review.sampling.batch import create_batch
from monitor.settings import ModelSection, Review
from monitor.store.accounts.users import UserRow, user_by_name
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.privacy.deletion import delete_exchanges
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.items import item_by_id, items_of_batches
from monitor.store.review.reviews import gold_of_batches, reviews_of
from monitor.store.tables import Exchange, ReviewAssignment, ReviewBatch, ReviewDraw, ReviewItem
from tests.support.refusals import refusal
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import add_reviewer

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
ACCEPT = ReviewInput(verdict="accept", **FIVE)


def correct(text: str = "Better.", **changes: Any) -> ReviewInput:
    return ReviewInput(
        **{"verdict": "correct", "error_kind": "knowledge", "answerable": "facts_missing"}
        | {"corrected_response": text, **FIVE}
        | changes
    )


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock)


def user(world: World, name: str) -> UserRow:
    return world.rows[name]


def claim(world: World, name: str, now: datetime) -> int | None:
    with transaction(world.engine) as connection:
        return REVIEWS.claim_next(connection, world.users[name], now, timedelta(minutes=20))


def submit(world: World, name: str, item: int, review: ReviewInput, now: datetime) -> str:
    with transaction(world.engine) as connection:
        return REVIEWS.submit(connection, item, user(world, name), review, now)


def review_next(world: World, name: str, review: ReviewInput, now: datetime) -> int:
    item = claim(world, name, now)
    assert item is not None
    submit(world, name, item, review, now)
    return item


def test_two_accepting_reviews_make_gold(world: World, clock: datetime) -> None:
    first = review_next(world, "Ada", ACCEPT, clock)
    assert first == review_next(world, "Ben", ACCEPT, clock)
    with transaction(world.engine) as connection:
        (gold,) = gold_of_batches(connection, [world.batch_id])
        assert ("accept", "agreed", "gold") == (
            gold.verdict,
            gold.resolution,
            item_by_id(connection, first).status,
        )
        assert None is check_chain(connection).broken_at
    with refusal("submitted"):
        submit(world, "Ada", first, ACCEPT, clock)


@pytest.mark.parametrize(
    "second",
    [
        correct("Another text."),
        correct(tone=3),
        correct(error_kind="unsafe"),
        correct("Better.", verdict="reject"),
    ],
)
def test_different_reviews_are_a_disagreement(
    world: World, clock: datetime, second: ReviewInput
) -> None:
    item = review_next(world, "Ada", correct("Better."), clock)
    assert item == review_next(world, "Ben", second, clock)
    with transaction(world.engine) as connection:
        assert "disagreed" == item_by_id(connection, item).status


def test_small_differences_agree(world: World, clock: datetime) -> None:
    item = review_next(world, "Ada", correct("Better  text."), clock)
    review_next(world, "Ben", correct("Better text.\n", tone=4, error_kind="format"), clock)
    with transaction(world.engine) as connection:
        assert "gold" == item_by_id(connection, item).status


def test_a_peers_work_is_invisible_until_both_are_in(world: World, clock: datetime) -> None:
    item = review_next(world, "Ada", correct("Secret."), clock)
    assert item == claim(world, "Ben", clock)
    with transaction(world.engine) as connection:
        seen = view_item(connection, item, user(world, "Ben"))
        assert ("open", (), None) == (seen.state, seen.reviews, seen.own_review)
        assert "Secret." not in repr(seen)
        for name in ("Cleo", "Lea"):
            with pytest.raises(NotFoundError):
                view_item(connection, item, user(world, name))
        assert "submitted" == view_item(connection, item, user(world, "Ada")).state
    submit(world, "Ben", item, ACCEPT, clock)
    with transaction(world.engine) as connection:
        assert 2 == len(view_item(connection, item, user(world, "Ben")).reviews)


def test_third_reviewer_gets_another_item_until_lease_expires(
    world: World, clock: datetime
) -> None:
    first = claim(world, "Ada", clock)
    assert first == claim(world, "Ben", clock)
    assert first == claim(world, "Ada", clock), "who is at work goes on with it"
    assert first is not None
    other = claim(world, "Cleo", clock)
    assert other != first
    with transaction(world.engine) as connection:
        REVIEWS.save_draft(
            connection, first, user(world, "Ada"), {"comment": "half"}, now=clock,
            lease=timedelta(minutes=20),
        )  # fmt: skip
    later = clock + timedelta(minutes=21)
    assert first == claim(world, "Lea", later)
    assert first == claim(world, "Ben", later)
    with refusal("lease_expired"):
        submit(world, "Ada", first, ACCEPT, later)
    with transaction(world.engine) as connection:
        lease = REVIEW_ASSIGNMENTS.find(connection, first, world.users["Ada"])
    assert lease is not None
    assert {"comment": "half"} == lease.draft


def test_skipped_items_return_last_and_declined_items_never(world: World, clock: datetime) -> None:
    skipped = claim(world, "Ada", clock)
    assert skipped is not None
    ada = user(world, "Ada")
    with transaction(world.engine) as connection:
        REVIEWS.decline(connection, skipped, ada, clock)
    declined = claim(world, "Ada", clock)
    assert declined not in {skipped, None}
    with transaction(world.engine) as connection:
        REVIEWS.decline(connection, declined or 0, ada, clock, "I know this customer")
    seen = []
    while (item := claim(world, "Ada", clock)) is not None:
        submit(world, "Ada", item, ACCEPT, clock)
        seen.append(item)
    assert skipped == seen[-1]
    assert declined not in seen
    assert 39 == len(seen)


def test_joint_resolution_keeps_the_first_votes(world: World, clock: datetime) -> None:
    item = review_next(world, "Ada", ACCEPT, clock)
    review_next(world, "Ben", correct("Better."), clock)
    proposal = Judgement(
        verdict="correct", error_kind="knowledge", answerable="yes", corrected_response="Better."
    )
    with transaction(world.engine) as connection:
        ada, ben, cleo = (user(world, name) for name in ("Ada", "Ben", "Cleo"))
    with transaction(world.engine) as connection, pytest.raises(NotFoundError):
        submit_proposal(connection, item, cleo, proposal, clock)
    with transaction(world.engine) as connection:
        assert "disagreed" == submit_proposal(connection, item, ada, proposal, clock)
        assert "disagreed" == submit_proposal(connection, item, ada, proposal, clock)
        assert "gold" == submit_proposal(connection, item, ben, proposal, clock)
        assert ["accept", "correct"] == [row.verdict for row in reviews_of(connection, [item])]
        assert "discussed" == gold_of_batches(connection)[0].resolution


def test_adjudicator_did_not_review_the_item(world: World, clock: datetime) -> None:
    item = review_next(world, "Cleo", ACCEPT, clock)
    review_next(world, "Ben", correct("Better."), clock)
    ruling = Ruling(verdict="accept", cause="guidelines_gap")
    with transaction(world.engine) as connection:
        assert [] == escalate_stale(connection, clock + timedelta(days=2))
        assert [item] == escalate_stale(connection, clock + timedelta(days=4))
    for name in ("Cleo", "Ada"):
        with transaction(world.engine) as connection, pytest.raises(NotFoundError):
            adjudicate(connection, item, user(world, name), ruling, clock)
    with transaction(world.engine) as connection:
        adjudicate(connection, item, user(world, "Lea"), ruling, clock)
        assert "adjudicated" == gold_of_batches(connection)[0].resolution


def test_flagged_item_returns_after_lead_rejects_flag(world: World, clock: datetime) -> None:
    item = review_next(world, "Ada", ACCEPT, clock)
    assert item == claim(world, "Ben", clock)
    with transaction(world.engine) as connection:
        flag(connection, item, user(world, "Ben"), clock, "personal data")
        assert "flagged" == item_by_id(connection, item).status
        assert "queued" == reject_flag(connection, item, user(world, "Lea"), clock)


@pytest.mark.parametrize(
    ("review", "code"),
    [
        (correct(error_kind=""), "no_error_kind"),
        (correct(answerable=""), "no_answerable"),
        (correct(" "), "no_correction"),
        (ReviewInput(verdict="accept", corrected_response="Other", **FIVE), "changed_response"),
    ],
)
def test_incomplete_reviews_are_refused(
    world: World, clock: datetime, review: ReviewInput, code: str
) -> None:
    item = claim(world, "Ada", clock)
    with refusal(code):
        submit(world, "Ada", item or 0, review, clock)


def test_many_claim_at_once(any_engine: Engine, clock: datetime) -> None:
    world = make_world(any_engine, clock, n=30)
    names = [f"R{i}" for i in range(12)]
    with transaction(any_engine) as connection:
        ids = {name: add_reviewer(connection, name, clock) for name in names}
    claimed: list[int] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            # Until nothing is left for this person: a fixed number each could leave the last
            # item to somebody who has reviewed it already.
            while len(claimed) < 60 and not failures:
                with transaction(any_engine) as connection:
                    item = REVIEWS.claim_next(connection, ids[name], clock, timedelta(minutes=20))
                    if item is None:
                        continue  # another claimer holds the last ones just now
                    claimed.append(item)
                    row = user_by_name(connection, name)
                    assert row is not None
                    REVIEWS.submit(connection, item, row, ACCEPT, clock)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures
    assert {2} == set(Counter(claimed).values())
    assert 60 == len(claimed)
    with transaction(any_engine) as connection:
        assert 30 == len(gold_of_batches(connection, [world.batch_id]))
        assert None is check_chain(connection).broken_at


def test_an_item_without_a_free_slot_is_unlocked_again(
    postgres_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(postgres_engine, clock, n=1)
    monkeypatch.setattr(REVIEWS, "claim_slot", lambda *_arguments, **_options: False)
    with transaction(postgres_engine) as connection:
        assert None is REVIEWS.claim_next(connection, world.users["Ada"], clock, timedelta(1))

        with transaction(postgres_engine) as another:
            statement = select(ReviewItem.id).with_for_update(nowait=True)
            assert 1 == len(another.execute(statement).all())


def test_simultaneous_claims_of_the_last_place(any_engine: Engine, clock: datetime) -> None:
    make_world(any_engine, clock, n=1)
    with transaction(any_engine) as connection:
        ids = [add_reviewer(connection, f"R{i}", clock) for i in range(10)]
    start = threading.Barrier(10)

    def work(reviewer_id: int) -> None:
        start.wait()
        with transaction(any_engine) as connection:
            REVIEWS.claim_next(connection, reviewer_id, clock, timedelta(minutes=20))

    threads = [threading.Thread(target=work, args=(entry,)) for entry in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(any_engine) as connection:
        assert (
            2 == connection.execute(select(func.count()).select_from(ReviewAssignment)).scalar_one()
        )


def test_export_has_one_row_an_item_and_only_gold(world: World, clock: datetime) -> None:
    review_next(world, "Ada", correct("Right."), clock)
    item = review_next(world, "Ben", correct("Right."), clock)
    review_next(world, "Ada", ACCEPT, clock)
    with transaction(world.engine) as connection:
        model = ModelSection(system_prompt="ignored: it has one")
        gold = read_gold(connection, model, ItemFilter(batch_ids=[world.batch_id]))
        (row,) = sft_rows(gold, model)
    assert ["system", "user", "assistant"] == [turn["role"] for turn in row["messages"]]
    assert "Right." == row["messages"][-1]["content"]
    assert (item, "agreed") == (row["metadata"]["item_id"], row["metadata"]["resolution"])


def test_exchanges_that_are_gone_are_not_queued(any_engine: Engine, clock: datetime) -> None:
    made = make_world(any_engine, clock, n=40)
    with transaction(any_engine) as connection:
        connection.execute(delete(ReviewDraw))
        connection.execute(delete(ReviewItem))
        connection.execute(delete(ReviewBatch))
        gone = list(connection.execute(select(Exchange.id).limit(30)).scalars())
        delete_exchanges(connection, gone)
        rng = np.random.default_rng(1)
        batch = create_batch(connection, made.evaluation_id, Review(), rng, clock)
        items = items_of_batches(connection, [batch])

    assert 10 == len(items)
    assert not {item.exchange_id for item in items} & set(gone)


def test_a_batch_is_made_once(world: World, clock: datetime) -> None:
    import numpy as np

    with transaction(world.engine) as connection:
        again = create_batch(
            connection, world.evaluation_id, Review(), np.random.default_rng(9), clock
        )
        assert world.batch_id == again
        assert 40 == len(items_of_batches(connection, [again]))
