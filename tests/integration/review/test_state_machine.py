"""Invariants of the workflow under random users and a random clock."""

import random
import sqlite3
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select

from monitor.accounts.registration import create_user
from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.adjudication import Ruling, adjudicate, audit, reopen
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import (
    escalate_stale,
    request_adjudication,
    submit_proposal,
    write_message,
)
from monitor.review.items.flags import confirm_flag, flag, reject_flag
from monitor.review.items.item_view import view_item
from monitor.review.items.settling import settle_reviewed
from monitor.review.items.states import Event, transition_of
from monitor.review.items.verdicts import Judgement, ReviewInput
from monitor.review.items.worklist import worklist_of
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.audit_log import GENESIS, check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.review.items import item_by_id
from monitor.store.review.reviews import reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.tables import GoldExample, Review, ReviewAssignment, ReviewItem, metadata
from tests.support.review.review_world import PASSWORD, make_world

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Lea", "Max")
START = datetime(2026, 11, 2, tzinfo=UTC)
N_ITEMS = 4
TEXTS = ("one way", "the other way")
ACTIONS = (
    "wait",
    "claim",
    "heartbeat",
    "draft",
    "put_off",
    "submit",
    "both_review",
    "both_review",
    "take_back",
    "write",
    "propose",
    "both_propose",
    "ask",
    "decide",
    "check",
    "complain",
    "settle_flag",
    "decide_anew",
)
#: Statuses of items whose two reviews may not be compared yet.
UNDOABLE = {"queued", "flagged", "excluded"}
MAX_ROUNDS, RUNS_PER_ROUND = 33, 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small world, built once and copied for each run."""
    path = tmp_path_factory.mktemp("workflow") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    make_world(engine, START, n=N_ITEMS)
    with transaction(engine) as connection:
        create_user(connection, "Dan", PASSWORD, "reviewer", START)
        create_user(connection, "Max", PASSWORD, "adjudicator", START)
    engine.dispose()  # the last connection writes the log back into the file
    return path


class Workflow(RuleBasedStateMachine):
    template: ClassVar[Path]
    seen: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.engine = make_engine("sqlite://")
        with self.engine.connect() as connection, sqlite3.connect(self.template) as template:
            template.backup(connection.connection.driver_connection)
        self.now = START
        with transaction(self.engine) as connection:
            self.users = {row.name: row for row in list_users(connection)}
            self.items = list(connection.execute(select(ReviewItem.id)).scalars())
        self.votes: dict[int, Any] = {}
        self.head = GENESIS
        self.checked: tuple[int, datetime] | None = None

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()

    def statuses(self) -> dict[int, str]:
        with transaction(self.engine) as connection:
            rows = connection.execute(select(ReviewItem.id, ReviewItem.status))
            return {row.id: row.status for row in rows}

    def step(self, event: Event, item: int | None, function: Any, *args: Any, **more: Any) -> bool:
        """Perform an event and compare it with the table; return whether it was allowed."""
        before = self.statuses()
        try:
            with transaction(self.engine) as connection:
                fields = (item,) if item is not None else ()
                result = function(connection, *fields, *args, **more)
        except (NotFoundError, WorkflowError):
            assert before == self.statuses()
            return False
        item = result if item is None else item
        if item is None:
            return False
        after = self.statuses()
        assert before[item] in transition_of(event).sources, (event, before[item])
        assert after[item] in transition_of(event).targets, (event, after[item])
        assert {**before, item: after[item]} == after
        self.seen[event] += 1
        return True

    def pick(self, name: str, waiting: str, at: int) -> int:
        """Return an item that waits for a user, or any item, which must be refused."""
        with transaction(self.engine) as connection:
            matches = getattr(worklist_of(connection, self.users[name], self.now), waiting)
        matches = [matches] if isinstance(matches, int) else matches or self.items
        return int(matches[at % len(matches)])

    # One rule for all actions, and one number for all choices: Hypothesis prefers the first of
    # each, and would leave out most of fifteen rules in each run.
    @rule(seed=st.integers(0, 2**32))
    def act(self, seed: int) -> None:
        rng = random.Random(seed)
        name, text = rng.choice(NAMES), rng.choice(("", *TEXTS))
        action = getattr(self, rng.choice(ACTIONS))
        action(name, rng.randrange(N_ITEMS), text, rng.randrange(4))

    def wait(self, _name: str, _at: int, _text: str, coin: int) -> None:
        self.now += (timedelta(minutes=1), timedelta(minutes=19), HOUR, 4 * DAY)[coin]
        with transaction(self.engine) as connection:
            for _ in settle_reviewed(connection, self.now, audit_share=0.5):
                self.seen["settled"] += 1
            for _ in escalate_stale(connection, self.now):
                self.seen["escalated"] += 1

    def claim(self, name: str, *_: Any) -> None:
        self.step(
            "claimed",
            None,
            REVIEWS.claim_next,
            self.users[name].id,
            self.now,
            timedelta(minutes=20),
        )

    def heartbeat(self, name: str, at: int, *_: Any) -> None:
        self.step(
            "drafted",
            self.pick(name, "at_work", at),
            REVIEWS.extend_lease,
            self.users[name].id,
            self.now,
            timedelta(minutes=20),
        )

    def draft(self, name: str, at: int, *_: Any) -> None:
        item = self.pick(name, "at_work", at)
        with suppress(WorkflowError), transaction(self.engine) as connection:
            REVIEWS.save_draft(
                connection, item, self.users[name], {"comment": f"draft of {name}"},
                now=self.now, lease=timedelta(minutes=20),
            )  # fmt: skip

    def put_off(self, name: str, at: int, _text: str, coin: int) -> None:
        self.claim(name)
        item = self.pick(name, "at_work", at)
        event: Event = "declined" if coin % 2 else "released"
        reason = "I know the customer" if coin % 2 else ""
        self.step(event, item, REVIEWS.decline, self.users[name], self.now, reason)

    def submit(self, name: str, at: int, text: str, coin: int) -> None:
        review = ReviewInput(
            **judgement(text, name), accuracy=5 - coin, completeness=5, tone=5, compliance=5
        )
        item = self.pick(name, "at_work", at)
        more = {"audit_share": 0.5, "undoable": at == 0}
        self.step("reviewed", item, REVIEWS.submit, self.users[name], review, self.now, **more)

    def both_review(self, name: str, at: int, text: str, coin: int) -> None:
        """Let two users review the queue, so that runs reach later states."""
        other = NAMES[(NAMES.index(name) + 1 + at) % len(NAMES)]
        for user, correction in ((name, text), (other, text if coin % 2 else TEXTS[0])):
            self.claim(user)
            self.submit(user, at, correction, 0)
        for user in (name, other)[: coin // 2 * 2]:  # half of the time they talk about it
            self.write(user, at)

    def take_back(self, name: str, at: int, text: str, coin: int) -> None:
        if coin:
            self.claim(name)
        item = self.pick(name, "at_work", at)
        if coin:
            self.submit(name, at, text, 0)
        self.step(
            "withdrawn",
            item,
            REVIEWS.withdraw,
            self.users[name],
            now=self.now,
            lease=timedelta(minutes=20),
        )

    def write(self, name: str, at: int, *_: Any) -> None:
        item = self.pick(name, "to_discuss", at)
        self.step("discussed", item, write_message, self.users[name], f"by {name}", self.now)

    def propose(self, name: str, at: int, text: str, *_: Any) -> None:
        item = self.pick(name, "to_discuss", at)
        proposal = Judgement(**judgement(text, name))
        self.step("proposed", item, submit_proposal, self.users[name], proposal, self.now)

    def both_propose(self, _name: str, at: int, text: str, *_: Any) -> None:
        for name in NAMES:
            self.propose(name, at, text)

    def ask(self, name: str, at: int, *_: Any) -> None:
        item = self.pick(name, "to_discuss", at)
        self.step("escalated", item, request_adjudication, self.users[name], self.now)

    def decide(self, name: str, at: int, text: str, *_: Any) -> None:
        item = self.pick(name, "to_adjudicate", at)
        ruling = Ruling(cause="ambiguous", **judgement(text, name))
        self.step("adjudicated", item, adjudicate, self.users[name], ruling, self.now)

    def check(self, name: str, at: int, text: str, *_: Any) -> None:
        item = self.pick(name, "to_audit", at)
        ruling = Judgement(**judgement(text, name))
        self.step("audited", item, audit, self.users[name], ruling, self.now)

    def complain(self, name: str, at: int, *_: Any) -> None:
        item = self.items[at]
        self.step("flagged", item, flag, self.users[name], self.now, "personal data")

    def settle_flag(self, name: str, at: int, _text: str, coin: int) -> None:
        name = "Lea" if coin else name
        item = self.pick(name, "flagged_items", at)
        if coin == 1:
            self.step("flag_confirmed", item, confirm_flag, self.users[name], self.now)
        else:
            self.step("flag_rejected", item, reject_flag, self.users[name], self.now)

    def decide_anew(self, name: str, at: int, _text: str, coin: int) -> None:
        name = "Lea" if coin else name
        self.step("reopened", self.items[at], reopen, self.users[name], self.now, "a new guide")

    @invariant()
    def the_rules_hold(self) -> None:
        if not hasattr(self, "engine"):
            return  # before the first step
        with transaction(self.engine) as connection:
            n_changes = connection.connection.driver_connection.total_changes
            if (n_changes, self.now) == self.checked:
                return  # the last action was refused: nothing has changed since the last check
            self.checked = n_changes, self.now
            items = connection.execute(select(ReviewItem.id, ReviewItem.status)).all()
            pairs = connection.execute(select(Review.item_id, Review.reviewer_id)).all()
            authors = {tuple(pair) for pair in pairs}
            assert len(authors) == len(pairs), "nobody reviews an item twice"
            self.check_places(connection, dict(items), authors)
            self.check_gold(connection, dict(items), authors)
            self.check_votes(connection, dict(items))
            self.check_audit_log(connection)
            self.check_blindness(connection)

    def check_places(
        self, connection: Connection, statuses: dict[int, str], authors: set[Any]
    ) -> None:
        places = Counter(item for item, _ in authors)
        for lease in connection.execute(select(ReviewAssignment.__table__)):
            holds = lease.expires_at > self.now and not (lease.skipped_at or lease.declined_reason)
            if holds and (lease.item_id, lease.reviewer_id) not in authors:
                places[lease.item_id] += statuses[lease.item_id] == "queued"
        assert max(places.values(), default=0) <= REVIEWS_PER_ITEM, places

    def check_gold(
        self, connection: Connection, statuses: dict[int, str], authors: set[Any]
    ) -> None:
        standing = Counter[int]()
        for gold in connection.execute(select(GoldExample.__table__)):
            standing[gold.item_id] += gold.superseded_at is None
            assert (gold.item_id, gold.decided_by_id) not in authors, "a third person decides"
        for item, status in statuses.items():
            assert standing[item] == (status == "gold"), (item, status)

    def check_votes(self, connection: Connection, statuses: dict[int, str]) -> None:
        rows = reviews_of(connection, self.items)
        for item in self.items:
            votes = [row for row in rows if row.item_id == item]
            is_undoable = item not in self.votes and statuses[item] in UNDOABLE
            if len(votes) == REVIEWS_PER_ITEM and is_undoable:
                continue
            if len(votes) == REVIEWS_PER_ITEM:
                assert votes == self.votes.setdefault(item, votes), "votes never change"
            else:
                assert item not in self.votes, "votes never go"

    def check_audit_log(self, connection: Connection) -> None:
        chain = check_chain(connection, expected=self.head)
        assert (chain.broken_at, chain.holds_expected) == (None, True)
        self.head = chain.head

    def check_blindness(self, connection: Connection) -> None:
        """View one item as every user; the next call takes the next item."""
        self.items.append(self.items.pop(0))
        reviews = reviews_of(connection, self.items[:1])
        if (
            len(reviews) == REVIEWS_PER_ITEM
            and item_by_id(connection, self.items[0]).status != "queued"
        ):
            return
        for row in self.users.values():
            seen = _seen(connection, self.items[0], row)
            for other in set(NAMES) - {row.name}:
                assert f"of {other}" not in seen, (row.name, other)


def _seen(connection: Any, item: int, user: UserRow) -> str:
    try:
        return repr(view_item(connection, item, user))
    except NotFoundError:
        return ""


def judgement(text: str, name: str) -> dict[str, Any]:
    if not text:
        return {"verdict": "accept", "comment": f"comment of {name}"}
    return {
        "verdict": "correct",
        "error_kind": "knowledge",
        "answerable": "yes",
        "corrected_response": text,
        "comment": f"comment of {name}",
    }


@pytest.mark.parametrize(
    "least_runs", [0, pytest.param(160, marks=pytest.mark.drill)], ids=["short", "long"]
)
def test_rules_hold_in_random_workflows(template: Path, least_runs: int) -> None:
    """Run random workflows until each event has occurred, or longer."""
    Workflow.template = template
    Workflow.seen = Counter()
    # What a few runs get to differs from one version of Hypothesis to the next.
    for number in range(MAX_ROUNDS):
        run_state_machine_as_test(
            seed(number)(Workflow),
            settings=settings(
                max_examples=RUNS_PER_ROUND,
                stateful_step_count=50,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        missed = set(get_args(Event)) - set(Workflow.seen)
        if not missed and number * RUNS_PER_ROUND >= least_runs:
            break
    assert not missed, f"the runs never got to {missed}: {Workflow.seen}"
