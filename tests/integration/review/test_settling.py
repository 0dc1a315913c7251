"""The time between two reviews and their comparison: blind for everybody, and undone by either."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import write_message
from monitor.review.items.flags import flag
from monitor.review.items.item_view import view_item
from monitor.review.items.questions import proposed_scores
from monitor.review.items.settling import UNDO_TIME, settle_reviewed
from monitor.review.items.verdicts import SCORE_GAP, ReviewInput
from monitor.review.items.worklist import Worklist, worklist_of
from monitor.review.progress.batch_progress import batch_progress
from monitor.store.engine import transaction
from monitor.store.review.beginnings import BEGINNING, beginning_of, listed_items
from monitor.store.review.gold_export import ItemFilter, queued_items
from monitor.store.review.items import batch_by_id, item_by_id
from monitor.store.review.reviews import reviews_of
from monitor.store.tables import Exchange
from tests.support.refusals import refusal
from tests.support.review.review_world import World, make_world
from tests.support.stamped import stamp

ACCEPT = ReviewInput(verdict="accept", accuracy=5, completeness=5, tone=5, compliance=5)
REJECT = ReviewInput(
    verdict="reject", error_kind="tone", answerable="yes", accuracy=5, completeness=5, tone=5,
    compliance=5,
)  # fmt: skip
LEASE = timedelta(minutes=20)


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock, n=6)


def review(world: World, name: str, now: datetime, verdict: ReviewInput = ACCEPT) -> int:
    """Review the next item by the page; return it."""
    user = world.rows[name]
    with transaction(world.engine) as connection:
        item = REVIEWS.claim_next(connection, user.id, now, LEASE)
        assert item is not None
        REVIEWS.submit(connection, item, user, verdict, now, undoable=True)
    return item


def status(world: World, item: int) -> str:
    with transaction(world.engine) as connection:
        return item_by_id(connection, item).status


def work(world: World, name: str, now: datetime) -> Worklist:
    with transaction(world.engine) as connection:
        return worklist_of(connection, world.rows[name], now)


def withdraw(world: World, item: int, name: str, now: datetime) -> None:
    with transaction(world.engine) as connection:
        REVIEWS.withdraw(connection, item, world.rows[name], now=now, lease=LEASE)


def settle(world: World, now: datetime, share: float = 0.0) -> list[int]:
    with transaction(world.engine) as connection:
        return settle_reviewed(connection, now, audit_share=share)


def test_item_with_both_reviews_is_not_exported_as_queued(world: World, clock: datetime) -> None:
    def exported() -> list[int]:
        with transaction(world.engine) as connection:
            return [row.item_id for row in queued_items(connection, ItemFilter())]

    item = review(world, "Ada", clock)
    assert item in exported()
    n = len(exported())
    review(world, "Ben", clock)
    assert item not in exported()
    assert len(exported()) == n - 1
    withdraw(world, item, "Ben", clock)
    assert item in exported()


def test_item_with_both_reviews_is_never_counted_as_claimable(
    world: World, clock: datetime
) -> None:
    before = work(world, "Cleo", clock).available
    assert review(world, "Ada", clock) == review(world, "Ben", clock)
    for later in (timedelta(), timedelta(days=2)):  # while no daemon settles it
        assert work(world, "Cleo", clock + later).available == before - 1


def test_second_review_is_compared_after_the_undo_time(world: World, clock: datetime) -> None:
    item = review(world, "Ada", clock)
    assert review(world, "Ben", clock) == item
    assert settle(world, clock + UNDO_TIME - timedelta(seconds=1)) == []
    assert status(world, item) == "queued"
    assert settle(world, clock + UNDO_TIME, share=1.0) == [item]
    assert status(world, item) == "gold"
    assert settle(world, clock + 2 * UNDO_TIME) == []
    assert work(world, "Cleo", clock).to_audit == [item]


def test_decide_command_settles_while_the_daemon_is_stopped(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(engine, clock, n=6)
    stamp(engine)
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    item = review(world, "Ada", clock)
    review(world, "Ben", clock)
    assert CliRunner().invoke(app, ["review", "decide"]).exit_code == 0
    assert status(world, item) == "gold"


def test_nobody_learns_of_reviews_that_are_not_compared(world: World, clock: datetime) -> None:
    item = review(world, "Ada", clock, REJECT)
    review(world, "Ben", clock)
    with transaction(world.engine) as connection:
        for name in ("Ada", "Ben"):
            view = view_item(connection, item, world.rows[name])
            assert (view.state, view.reviews, view.reasons) == ("submitted", (), ())
        with pytest.raises(NotFoundError):
            view_item(connection, item, world.rows["Lea"])
        with pytest.raises(NotFoundError):
            write_message(connection, item, world.rows["Ada"], "hello", clock)
        flag(connection, item, world.rows["Lea"], clock, "personal data")
        assert view_item(connection, item, world.rows["Ada"]).reviews == ()
    assert settle(world, clock + UNDO_TIME) == [], "flagged items wait"


@pytest.mark.parametrize("name", ["Ada", "Ben"])
def test_either_review_is_undone_before_the_comparison(
    world: World, clock: datetime, name: str
) -> None:
    item = review(world, "Ada", clock)
    review(world, "Ben", clock)
    before = work(world, "Cleo", clock).available
    withdraw(world, item, name, clock)
    assert settle(world, clock + UNDO_TIME) == []
    assert work(world, name, clock).at_work == item
    assert before == work(world, "Cleo", clock).available, "the slot stays taken"
    with pytest.raises(NotFoundError):
        withdraw(world, item, name, clock)


def test_no_review_is_undone_after_the_comparison(world: World, clock: datetime) -> None:
    item = review(world, "Ada", clock)
    review(world, "Ben", clock, REJECT)
    settle(world, clock + UNDO_TIME)
    assert status(world, item) == "disagreed"
    for name in ("Ada", "Ben"):
        with refusal("final", WorkflowError):
            withdraw(world, item, name, clock + UNDO_TIME)
    with transaction(world.engine) as connection:
        assert len(reviews_of(connection, [item])) == 2


def test_progress_of_a_batch_only_grows(world: World, clock: datetime) -> None:
    first = work(world, "Ada", clock)
    assert (first.place, first.n, first.batch_id) == (1, 6, world.batch_id)
    for place in (2, 3):
        item = review(world, "Ada", clock)
        review(world, "Ben", clock)
        settle(world, clock + UNDO_TIME)
        assert status(world, item) == "gold"
        now = work(world, "Ada", clock)
        assert (now.place, now.n) == (place, 6), "settled items stay counted"
    assert (work(world, "Cleo", clock).place, work(world, "Cleo", clock).n) == (1, 4)


def test_next_item_to_settle_comes_after_the_last(world: World, clock: datetime) -> None:
    items = [review(world, "Ada", clock) for _ in range(3)]
    for _ in items:
        review(world, "Ben", clock, REJECT)
    settle(world, clock + UNDO_TIME)
    ada = work(world, "Ada", clock)
    assert ada.to_discuss == items
    assert [ada.next_to_settle(item) for item in items] == [items[1], items[2], items[0]]
    assert ada.next_to_settle(0) == items[0]
    with transaction(world.engine) as connection:
        write_message(connection, items[1], world.rows["Ben"], "look", clock)
        rows = listed_items(connection, items[::-1])
    assert [row.id for row in rows] == items[::-1]
    assert [row.last_word_of for row in rows] == [None, world.users["Ben"], None]
    assert all(row.beginning for row in rows)


def test_beginning_is_of_the_latest_request_on_one_line() -> None:
    turns = [{"role": "user", "content": "old"}, {"role": "user", "content": "a\n b " * 60}]
    text = beginning_of([*turns, {"role": "assistant", "content": "never"}])
    assert text.startswith("a b a b")
    assert len(text) <= BEGINNING + 1
    assert beginning_of([{"role": "system", "content": "x"}]) == ""


def test_proposed_scores_alone_never_make_a_disagreement() -> None:
    for kinds in proposed_scores().values():
        for name in ("accuracy", "completeness", "tone", "compliance"):
            values = [scores[name] for scores in kinds.values()]
            assert max(values) - min(values) < SCORE_GAP


def test_cut_texts_are_counted_for_the_lead(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        item = REVIEWS.claim_next(connection, world.users["Ada"], clock, LEASE)
        assert item is not None
        exchange = item_by_id(connection, item).exchange_id
        cut = update(Exchange).where(Exchange.id == exchange)
        connection.execute(cut.values(truncated=True))
        view = view_item(connection, item, world.rows["Ada"])
        batch = batch_by_id(connection, world.batch_id)
        assert view.truncated
        assert batch_progress(connection, batch, world.users["Lea"], clock).n_cut == 1
