"""Withdrawal, discussion, audits, flags, reopening and task types, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.adjudication import Ruling, adjudicate, audit, reopen
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.consensus import is_drawn_for_audit
from monitor.review.items.discussion import (
    escalate_stale,
    request_adjudication,
    submit_proposal,
    write_message,
)
from monitor.review.items.flags import confirm_flag, flag, reject_flag
from monitor.review.items.item_view import ItemView, view_item
from monitor.review.items.verdicts import Judgement, ReviewInput
from monitor.review.items.worklist import worklist_of
from monitor.store.accounts.users import user_by_id
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.audits import AuditCounts, count_audits
from monitor.store.review.items import item_by_id
from monitor.store.review.reviews import gold_history, gold_of_batches, reviews_of
from monitor.store.tables import AuditEntry
from tests.support.refusals import refusal
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import give_role

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
ACCEPT = ReviewInput(verdict="accept", accuracy=5, completeness=5, tone=5, compliance=5)
RIGHT = Judgement(
    verdict="correct", error_kind="knowledge", answerable="yes", corrected_response="Right."
)


def correct(text: str = "Right.", **changes: Any) -> ReviewInput:
    values: dict[str, Any] = {
        "verdict": "correct",
        "error_kind": "knowledge",
        "answerable": "facts_missing",
        "corrected_response": text,
        **FIVE,
    }
    return ReviewInput(**values | changes)


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock)


class Desk:
    """The workflow's functions, each in its own transaction, with users by name."""

    def __init__(self, world: World, now: datetime) -> None:
        self.world = world
        self.now = now

    def __call__(self, function: Any, *args: Any, **options: Any) -> Any:
        with transaction(self.world.engine) as connection:
            return function(connection, *args, **options)

    def claim(self, name: str) -> int:
        item = self(REVIEWS.claim_next, self.world.users[name], self.now, timedelta(minutes=20))
        assert isinstance(item, int)
        return item

    def submit(self, name: str, item: int, review: ReviewInput, **options: Any) -> str:
        status = self(REVIEWS.submit, item, self.world.rows[name], review, self.now, **options)
        return str(status)

    def review(self, name: str, review: ReviewInput, **options: Any) -> int:
        item = self.claim(name)
        self.submit(name, item, review, **options)
        return item

    def view(self, name: str, item: int) -> ItemView:
        seen = self(view_item, item, self.world.rows[name])
        assert isinstance(seen, ItemView)
        return seen

    def status(self, item: int) -> str:
        return str(self(item_by_id, item).status)

    def agreed(self, review: ReviewInput = ACCEPT, **options: Any) -> int:
        item = self.review("Ada", review, **options)
        assert item == self.review("Ben", review, **options)
        return item

    def disagreed(self) -> int:
        item = self.review("Ada", ACCEPT)
        assert item == self.review("Ben", correct())
        return item


@pytest.fixture
def desk(world: World, clock: datetime) -> Desk:
    return Desk(world, clock)


def test_gold_has_the_common_answerable_value(desk: Desk) -> None:
    desk.agreed(correct())
    desk.review("Ada", correct(answerable="yes"))
    desk.review("Ben", correct(answerable="needs_judgement"))
    responses = [row.answerable for row in desk(gold_of_batches)]
    assert responses == ["facts_missing", ""]


def test_review_is_withdrawn_until_the_other_is_submitted(desk: Desk, world: World) -> None:
    ada, ben = world.rows["Ada"], world.rows["Ben"]
    item = desk.review("Ada", correct("Half.", comment="hm"))
    desk(REVIEWS.withdraw, item, ada, now=desk.now, lease=timedelta(minutes=20))
    seen = desk.view("Ada", item)
    assert seen.state == "open"
    assert (
        seen.draft["verdict"],
        seen.draft["corrected_response"],
        seen.draft["comment"],
        seen.draft["tone"],
    ) == ("correct", "Half.", "hm", "5")
    assert item == desk.claim("Ada"), "the place is still theirs"
    assert desk(reviews_of, [item]) == []
    with pytest.raises(NotFoundError):
        desk(REVIEWS.withdraw, item, ada, now=desk.now, lease=timedelta(minutes=20))

    desk.submit("Ada", item, ACCEPT)
    desk.claim("Ben")
    with pytest.raises(NotFoundError):
        desk(REVIEWS.withdraw, item, ben, now=desk.now, lease=timedelta(minutes=20))
    desk.submit("Ben", item, ACCEPT)
    for user in (ada, ben):
        with refusal("final"):
            desk(REVIEWS.withdraw, item, user, now=desk.now, lease=timedelta(minutes=20))


def test_withdrawn_review_keeps_its_place(desk: Desk, world: World) -> None:
    item = desk.review("Ada", ACCEPT)
    assert item == desk.claim("Ben")
    desk(REVIEWS.withdraw, item, world.rows["Ada"], now=desk.now, lease=timedelta(minutes=20))
    assert item != desk.claim("Cleo")


def test_reviewers_exchange_messages(desk: Desk, world: World) -> None:
    item = desk.review("Ada", ACCEPT)
    with pytest.raises(NotFoundError):
        desk(write_message, item, world.rows["Ada"], "anybody there?", desk.now)
    desk.review("Ben", correct())
    desk(write_message, item, world.rows["Ada"], "The fee is 1.75%.", desk.now)
    desk(write_message, item, world.rows["Ben"], " Since May it is 2%. ", desk.now)
    with pytest.raises(NotFoundError):
        desk(write_message, item, world.rows["Cleo"], "I think", desk.now)
    with refusal("empty"):
        desk(write_message, item, world.rows["Ada"], "  ", desk.now)
    thread = desk.view("Ada", item).discussion
    assert [(post.reviewer, post.text) for post in thread] == [
        ("Ada", "The fee is 1.75%."),
        ("Ben", "Since May it is 2%."),
    ]


def test_a_proposal_and_a_ruling_are_drafted_too(desk: Desk, world: World) -> None:
    item = desk.disagreed()
    draft = {"comment": "so far"}
    for name in ("Ada", "Ben"):
        desk(
            REVIEWS.save_draft,
            item,
            world.rows[name],
            draft,
            now=desk.now,
            lease=timedelta(minutes=20),
        )
        assert draft == desk.view(name, item).draft
    with pytest.raises(NotFoundError):
        desk(
            REVIEWS.save_draft,
            item,
            world.rows["Cleo"],
            draft,
            now=desk.now,
            lease=timedelta(minutes=20),
        )
    desk(submit_proposal, item, world.rows["Ada"], RIGHT, desk.now)
    assert desk.view("Ada", item).draft == {}
    desk(request_adjudication, item, world.rows["Ben"], desk.now)
    desk(
        REVIEWS.save_draft,
        item,
        world.rows["Cleo"],
        draft,
        now=desk.now,
        lease=timedelta(minutes=20),
    )
    assert draft == desk.view("Cleo", item).draft


def test_old_discussion_is_escalated_once(desk: Desk, world: World) -> None:
    first, second = desk.disagreed(), desk.disagreed()
    for name in ("Ada", "Ben"):
        desk(submit_proposal, first, world.rows[name], RIGHT, desk.now)
    later = desk.now + timedelta(days=4)
    assert [second] == desk(escalate_stale, later)
    assert desk(escalate_stale, later) == []
    assert [desk.status(item) for item in (first, second)] == ["gold", "adjudication"]


def test_an_audit_confirms_or_replaces_the_gold(desk: Desk, world: World) -> None:
    confirmed = desk.agreed(ACCEPT, audit_share=1.0)
    replaced = desk.agreed(ACCEPT, audit_share=1.0)
    assert [confirmed, replaced] == desk(worklist_of, world.rows["Cleo"], desk.now).to_audit
    assert desk(worklist_of, world.rows["Ada"], desk.now).to_audit == []
    seen = desk.view("Cleo", replaced)
    assert (seen.state, seen.reviews, seen.decisions, seen.discussion) == ("audit", (), (), ())
    assert desk.view("Lea", replaced).state == "audit", "a lead who may audit is blind as well"

    cleo = world.rows["Cleo"]
    assert desk(audit, confirmed, cleo, Judgement(verdict="accept"), desk.now) == []
    assert desk(audit, replaced, cleo, RIGHT, desk.now) == ["verdict", "corrected response"]
    with refusal("no_audit"):
        desk(audit, replaced, world.rows["Lea"], RIGHT, desk.now)
    old, new = desk(gold_history, replaced)
    assert ("agreed", desk.now) == (old.resolution, old.superseded_at)
    assert (
        new.resolution,
        new.decided_by,
        new.answerable,
        new.superseded_at,
    ) == ("audited", "Cleo", "yes", None)
    assert [(row.verdict, row.resolution) for row in desk(gold_of_batches)] == [
        ("accept", "agreed"),
        ("correct", "audited"),
    ]
    assert AuditCounts(drawn=2, decided=2, confirmed=1, same_verdict=1) == desk(count_audits)


def test_reviewer_cannot_audit_own_review(desk: Desk, world: World) -> None:
    item = desk.review("Cleo", ACCEPT, audit_share=1.0)
    assert item == desk.review("Ben", ACCEPT, audit_share=1.0)
    assert desk(worklist_of, world.rows["Cleo"], desk.now).to_audit == []
    with pytest.raises(NotFoundError):
        desk(audit, item, world.rows["Cleo"], RIGHT, desk.now)
    assert len(desk.view("Cleo", item).reviews) == 2


def test_draw_of_audits_has_its_share_and_is_repeatable() -> None:
    drawn = [item for item in range(20_000) if is_drawn_for_audit(item, 11, 0.10)]
    assert 1_850 < len(drawn) < 2_150
    assert drawn == [item for item in range(20_000) if is_drawn_for_audit(item, 11, 0.10)]
    assert drawn != [item for item in range(20_000) if is_drawn_for_audit(item, 12, 0.10)]
    assert not any(is_drawn_for_audit(item, 11, 0.0) for item in range(100))
    assert all(is_drawn_for_audit(item, 11, 1.0) for item in range(100))


@pytest.mark.parametrize("before", ["queued", "disagreed", "adjudication", "gold"])
def test_flag_is_confirmed_or_rejected_by_a_lead(desk: Desk, world: World, before: str) -> None:
    ada, lea = world.rows["Ada"], world.rows["Lea"]
    if before == "queued":
        item = desk.claim("Ada")
    elif before == "gold":
        item = desk.agreed()
    else:
        item = desk.disagreed()
        if before == "adjudication":
            desk(request_adjudication, item, ada, desk.now)
    assert before == desk.status(item)
    gold = desk(gold_of_batches)

    desk(flag, item, ada, desk.now, "a phone number")
    assert desk(gold_of_batches) == [], "gold of a flagged item isn't used"
    assert [item] == desk(worklist_of, lea, desk.now).flagged_items
    assert desk.view("Lea", item).flag_reason == "a phone number"
    assert desk.view("Ada", item).flag_reason == ""
    with refusal("flagged"):
        desk(flag, item, ada, desk.now, "again")
    with pytest.raises(NotFoundError):
        desk(reject_flag, item, ada, desk.now)

    assert before == desk(reject_flag, item, lea, desk.now)
    assert (before, gold) == (desk.status(item), desk(gold_of_batches))

    desk(flag, item, ada, desk.now, "a phone number")
    desk(confirm_flag, item, lea, desk.now)
    assert desk.status(item) == "excluded"
    for settle in (confirm_flag, reject_flag):
        with pytest.raises(WorkflowError):
            desk(settle, item, lea, desk.now)


def test_flagged_item_stays_blind_for_a_lead(desk: Desk, world: World) -> None:
    item = desk.review("Ada", correct("Secret."))
    desk.claim("Ben")
    desk(flag, item, world.rows["Ben"], desk.now, "out of scope")
    assert "Secret." not in repr(desk.view("Lea", item))
    assert "Secret." not in repr(desk.view("Ben", item))


def test_reopened_item_is_adjudicated_and_keeps_old_gold(desk: Desk, world: World) -> None:
    item = desk.agreed()
    with refusal("no_reason"):
        desk(reopen, item, world.rows["Lea"], desk.now, " ")
    with pytest.raises(NotFoundError):
        desk(reopen, item, world.rows["Ada"], desk.now, "the fee changed")
    assert desk(reopen, item, world.rows["Lea"], desk.now, "the fee changed") == 2
    assert desk(gold_of_batches) == []
    seen = desk.view("Cleo", item)
    assert (
        seen.state,
        seen.revision,
        seen.reopened_reason,
        seen.may_decide,
    ) == ("adjudication", 2, "the fee changed", True)
    ruling = Ruling(cause="guidelines_gap", comment="see section 3", **_fields(RIGHT))
    for name in ("Ada", "Ben"):
        with pytest.raises(NotFoundError):
            desk(adjudicate, item, world.rows[name], ruling, desk.now)
    desk(adjudicate, item, world.rows["Cleo"], ruling, desk.now)
    assert [
        (row.revision, row.resolution, row.superseded_at is None)
        for row in desk(gold_history, item)
    ] == [(1, "agreed", False), (2, "adjudicated", True)]
    assert [row.verdict for row in desk(reviews_of, [item])] == ["accept", "accept"]
    assert desk(check_chain).broken_at is None


def _fields(judgement: Judgement) -> dict[str, Any]:
    names = ("verdict", "error_kind", "answerable", "corrected_response")
    return {name: getattr(judgement, name) for name in names}


def test_users_get_and_decide_items_of_their_task_types(desk: Desk, world: World) -> None:
    desk(give_role, world.users["Ada"], "reviewer", ["fees"])
    seen = set()
    while (
        item := desk(REVIEWS.claim_next, world.users["Ada"], desk.now, timedelta(minutes=20))
    ) is not None:
        seen.add(desk.view("Ada", item).task_type)
        desk.submit("Ada", item, ACCEPT)
    assert {"fees"} == seen
    ada = desk(user_by_id, world.users["Ada"])
    assert desk(worklist_of, ada, desk.now).available == 0
    assert desk(worklist_of, world.rows["Ben"], desk.now).available == 40

    desk(give_role, world.users["Ben"], "reviewer", ["fees"])
    item = desk.review("Ben", correct())
    desk(request_adjudication, item, world.rows["Ada"], desk.now)
    desk(give_role, world.users["Cleo"], "adjudicator", ["card_lost"])
    cleo = desk(user_by_id, world.users["Cleo"])
    assert desk(worklist_of, cleo, desk.now).to_adjudicate == []
    with pytest.raises(NotFoundError):
        desk(adjudicate, item, cleo, Ruling(verdict="accept", cause="ambiguous"), desk.now)
    desk(give_role, world.users["Cleo"], "adjudicator", [])
    cleo = desk(user_by_id, world.users["Cleo"])
    assert [item] == desk(worklist_of, cleo, desk.now).to_adjudicate


def test_available_count_equals_claimable_items(desk: Desk, world: World) -> None:
    """The available count equals the number of claimable items, for every reason of exclusion."""
    desk.agreed()
    desk.disagreed()
    desk.review("Ada", ACCEPT)
    declined = desk.claim("Ada")
    desk(REVIEWS.decline, declined, world.rows["Ada"], desk.now, "I know them")
    skipped = desk.claim("Ada")
    desk(REVIEWS.decline, skipped, world.rows["Ada"], desk.now)
    flagged = desk.claim("Cleo")
    desk(flag, flagged, world.rows["Cleo"], desk.now, "out of scope")
    both = desk.claim("Ben")
    assert both == desk.claim("Cleo")
    desk.claim("Lea")
    for name in ("Ada", "Ben", "Cleo", "Lea"):
        n = desk(worklist_of, world.rows[name], desk.now).available
        items = []
        with world.engine.connect() as connection:  # rolled back at the end
            while (
                item := REVIEWS.claim_next(
                    connection, world.users[name], desk.now, timedelta(minutes=20)
                )
            ) is not None:
                items.append(item)
                REVIEWS.submit(connection, item, world.rows[name], ACCEPT, desk.now)
        assert (name, n) == (name, len(items))
        assert both not in items or name in {"Ben", "Cleo"}


def test_every_logged_step_names_its_event_and_both_statuses(desk: Desk, world: World) -> None:
    item = desk.disagreed()
    desk(write_message, item, world.rows["Ada"], "Well?", desk.now)
    desk(request_adjudication, item, world.rows["Ada"], desk.now)
    with transaction(world.engine) as connection:
        rows = connection.execute(
            select(AuditEntry.action, AuditEntry.details)
            .where(AuditEntry.subject == f"item:{item}")
            .order_by(AuditEntry.id)
        ).all()
    assert [(row.action, row.details["from"], row.details["to"]) for row in rows] == [
        ("reviewed", "queued", "queued"),
        ("reviewed", "queued", "disagreed"),
        ("discussed", "disagreed", "disagreed"),
        ("escalated", "disagreed", "adjudication"),
    ]


def test_a_draft_outlives_its_lease(desk: Desk, world: World) -> None:
    item = desk.claim("Ada")
    desk(
        REVIEWS.save_draft,
        item,
        world.rows["Ada"],
        {"comment": "x"},
        now=desk.now,
        lease=timedelta(minutes=20),
    )
    later = desk.now + timedelta(hours=2)
    lease = desk(REVIEW_ASSIGNMENTS.find, item, world.users["Ada"])
    assert not lease.is_live(later)
    desk(
        REVIEWS.save_draft,
        item,
        world.rows["Ada"],
        {"comment": "xy"},
        now=later,
        lease=timedelta(minutes=20),
    )
    assert desk.view("Ada", item).draft == {"comment": "xy"}
