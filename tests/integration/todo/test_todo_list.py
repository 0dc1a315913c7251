"""The to-do list: its entries, their order, and their readers."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, func, insert, select, update

from monitor.alerts.messages.weekly_digest import digest_key, last_due
from monitor.review.guidelines.versions import taxonomy_in_force
from monitor.review.items.discussion import DISCUSSION_TIME, escalate_stale
from monitor.settings import Configuration
from monitor.store.accounts.users import UserRow, set_active
from monitor.store.alerts.condition_facts import newest_run, recommended_retraining
from monitor.store.alerts.incidents import update_incident
from monitor.store.engine import transaction
from monitor.store.model_sets import EVERY_MODEL, ModelSet
from monitor.store.privacy.requests import (
    insert_request,
    update_request,
)
from monitor.store.review.discussions import insert_message, save_proposal
from monitor.store.rows import update_row
from monitor.store.tables import (
    CandidateEvaluation,
    Decision,
    HumanEvaluation,
    Leadership,
    ModelVersion,
    OutboxMessage,
    ReviewItem,
    Rollout,
    TrainingRun,
)
from monitor.todo.entries import MAX_OF_A_KIND, TodoEntry
from monitor.todo.kinds import KINDS
from monitor.todo.todo_list import EVERYBODY, TodoList, list_todo
from retrain.rollout.rows.events import add_event
from tests.support.review.gold_items import TAXONOMY
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.waiting_world import DAY, WaitingWorld
from tests.support.web.rollout_world import add_rollout

MODELS = ("a", "b", "c")
SETTINGS = Configuration(models={model: {} for model in MODELS})
PROPOSAL = {
    "verdict": "accept", "error_kind": "", "corrected_response": "", "comment": "",
    "answerable": "",
}  # fmt: skip


@pytest.fixture
def world(engine: Engine, clock: datetime) -> WaitingWorld:
    return WaitingWorld(engine, clock)


def listed(
    world: WaitingWorld,
    user: UserRow = EVERYBODY,
    models: ModelSet = EVERY_MODEL,
    settings: Configuration = SETTINGS,
) -> TodoList:
    with transaction(world.engine) as connection:
        return list_todo(connection, settings, user, world.now, models)


def kinds(world: WaitingWorld, user: UserRow = EVERYBODY, **options: Any) -> list[str]:
    return [entry.kind for entry in listed(world, user, **options).entries]


def only(world: WaitingWorld, user: UserRow = EVERYBODY, **options: Any) -> TodoEntry:
    (entry,) = listed(world, user, **options).entries
    return entry


def own(world: WaitingWorld, user: UserRow) -> list[tuple[str, str, int]]:
    return [(entry.kind, entry.model, entry.n) for entry in listed(world, user).own]


def fill(world: WaitingWorld, model: str) -> None:
    """Let something of each kind wait, but digests and what one model can't have with it."""
    ada, ben = (world.user(f"{name} of {model}", "reviewer") for name in ("Ada", "Ben"))
    queued, *reviewed = world.batch(
        model, ["queued", "disagreed", "adjudication", "flagged", "gold"], days=9
    )
    for item in reviewed:
        world.review(item, ada, ben, days=8)
    world.review(queued, ada, days=8)
    world.audit(reviewed[-1])
    world.decision(model, "retrain")
    world.run(model)
    world.window(model, days=0, status="failed")
    world.incident(model, "drift")
    world.incident(model, "late_records")
    add_rollout(world.engine, world.now - DAY, model=model, status="holding")
    rated = world.version(model)
    make_human_evaluation(world.engine, world.now - 8 * DAY, version_id=rated)
    world.candidate(model)


def test_nothing_waits_in_an_empty_database(any_engine: Engine, clock: datetime) -> None:
    todo = listed(WaitingWorld(any_engine, clock))
    assert (todo.entries, todo.own) == ((), ())
    assert todo.next_evaluation == clock + timedelta(weeks=1)
    daily = Configuration(models={"a": {"monitoring": {"drift_detection": "daily"}}, "b": {}})
    todo = listed(WaitingWorld(any_engine, clock), settings=daily)
    assert todo.next_evaluation == clock + DAY


def test_a_missing_leader_is_the_first_entry_of_every_lead(
    any_engine: Engine, clock: datetime
) -> None:
    world = WaitingWorld(any_engine, clock)
    world.incident("a", "drift")
    lead_of_b, reviewer = world.user("Bo", "lead", models=["b"]), world.user("Rex", "reviewer")
    ended_at = clock - 2 * DAY
    for change in (update(Leadership).values(expires_at=ended_at), delete(Leadership)):
        with transaction(any_engine) as connection:
            connection.execute(change)
        assert kinds(world) == ["no_leader", "incident_critical"]
        assert kinds(world, lead_of_b) == ["no_leader"]
        assert kinds(world, models=EVERY_MODEL.narrow("c")) == ["no_leader"]
        assert kinds(world, reviewer) == []
        if "UPDATE" in str(change):
            first = listed(world).entries[0]
            assert (first.since, first.model, first.rank) == (ended_at, "", 0)


def test_open_requests_reach_every_lead(any_engine: Engine, clock: datetime) -> None:
    world = WaitingWorld(any_engine, clock)
    lead_of_b, reviewer = world.user("Bo", "lead", models=["b"]), world.user("Rex", "reviewer")
    with transaction(any_engine) as connection:
        for days, kind in ((5, "access"), (-1, "erasure")):
            insert_request(
                connection, kind, "digest", opened_at=clock - 25 * DAY, opened_by="lea",
                due_at=clock + days * DAY,
            )  # fmt: skip
        update_request(connection, 2, closed_at=clock)
    (entry,) = [entry for entry in listed(world, lead_of_b).entries if entry.kind == "request"]
    assert (entry.address, "access" in entry.text) == ("/requests/1", True)
    assert (entry.model, "daemon" in entry.subject) == ("", False)
    assert "request" not in kinds(world, reviewer)


def test_entries_come_by_harm_and_then_by_age(any_engine: Engine, clock: datetime) -> None:
    world = WaitingWorld(any_engine, clock)
    fill(world, "a")
    world.window("b", days=3, status="failed")
    world.decision("c", "retrain", days=5)
    entries = listed(world).entries
    assert [(entry.kind, entry.model) for entry in entries] == [
        ("incident_critical", "a"),
        ("window", "b"),
        ("window", "a"),
        ("run", "a"),
        ("decision", "c"),
        ("decision", "a"),
        ("candidate", "a"),
        ("human_evaluation", "a"),
        ("batch", "a"),
        ("adjudication", "a"),
        ("audit", "a"),
        ("flag", "a"),
        ("incident_warning", "a"),
    ]
    assert all(entry.text.endswith(".") and entry.label for entry in entries)
    assert len({(entry.kind, entry.address) for entry in entries}) == len(entries)


def test_statements_do_not_depend_on_the_models(engine: Engine, clock: datetime) -> None:
    world, counts = WaitingWorld(engine, clock), []
    settings = Configuration(models={f"m{number}": {} for number in range(20)})
    lead = world.user("Lea", "lead")
    for number in range(5):
        fill(world, f"m{number}")
        statements: list[str] = []
        event.listen(engine, "before_cursor_execute", lambda *a, to=statements: to.append(a[2]))
        assert listed(world, lead, settings=settings).entries
        counts.append(len(statements))
    assert len(set(counts)) == 1
    assert counts[0] <= 27


def test_each_role_is_shown_what_it_can_do(world: WaitingWorld) -> None:
    fill(world, "a")
    world.incident("", "records_lost")
    admin, lead_of_b = world.user("Amy", "admin"), world.user("Bo", "lead", models=["b"])
    adjudicator, reviewer = world.user("Cleo", "adjudicator"), world.user("Rex", "reviewer")
    of_another = world.user("Sam", "adjudicator", models=["b"])
    assert kinds(world, admin) == kinds(world)
    assert "incident_error" in kinds(world, admin)  # of the daemon
    assert "incident_error" not in kinds(world, admin, models=EVERY_MODEL.narrow("a"))
    assert kinds(world, lead_of_b) == kinds(world, of_another) == kinds(world, reviewer) == []
    assert kinds(world, adjudicator) == ["adjudication", "audit"]
    assert own(world, reviewer) == [("review", "a", 1), ("rating", "a", 6)]
    assert own(world, lead_of_b) == own(world, of_another) == []


def test_a_lead_who_does_not_review_has_no_reviews(world: WaitingWorld) -> None:
    item, _ = world.batch("a", ["disagreed", "queued"])
    lead, other = world.user("Lea", "lead"), world.user("Rex", "reviewer")
    assert own(world, lead) == []
    world.review(item, lead, other, days=29)
    assert own(world, lead) == []
    (old,) = world.batch("b", ["gold"])
    world.review(old, lead, days=27)
    world.batch("b", ["queued"], days=2)
    assert own(world, lead) == [("review", "b", 1)]


def test_a_confirmed_or_superseded_decision_is_not_listed(world: WaitingWorld) -> None:
    first = world.decision("a", "retrain", days=15)
    assert only(world).address == f"/decisions/{first}"
    second = world.decision("a", "retrain", days=8)
    assert only(world).label == f"Confirm decision {second}"
    assert "48%" in only(world).text
    # Reviews under way decide nothing yet; an older window that is decided late is no news.
    world.decision("a", "undecided", days=1)
    world.decision("a", "keep", days=20, decided_at=world.now)
    assert only(world).address == f"/decisions/{second}"
    with transaction(world.engine) as connection:
        connection.execute(update(Decision).where(Decision.id == second).values(confirmed_by="Lea"))
    assert kinds(world) == []
    automatic = Configuration(models={"b": {"retrain": {"require_confirmation": False}}})
    world.decision("b", "retrain")
    assert kinds(world, settings=automatic) == []


def test_a_retraining_that_cannot_start_is_listed(world: WaitingWorld) -> None:
    decision = world.decision(
        "a", "retrain", confirmed_by="Lea", preview={"refusal": "40 examples are benchmark items"}
    )
    entry = only(world)
    assert (entry.kind, entry.address) == ("run", f"/decisions/{decision}/plan")
    assert "benchmark items" not in entry.text
    world.run("a", "planned", decision_id=decision)
    assert kinds(world) == []


def test_guidelines_wait_until_others_are_in_force(world: WaitingWorld, tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.md"
    file.write_text(TAXONOMY)
    settings = Configuration(models={"a": {}, "b": {}}, review={"taxonomy": str(file)})
    world.decision("a", "fix_guidelines")
    world.decision("b", "fix_context")
    assert kinds(world) == ["guidelines", "context"]
    # The items of the batch were reviewed under none.
    assert kinds(world, settings=settings) == ["context"]
    file.write_text("no taxonomy")
    assert kinds(world, settings=settings) == ["guidelines", "context"]


def test_guidelines_of_the_newest_item_are_compared(world: WaitingWorld, tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.md"
    file.write_text(TAXONOMY)
    settings = Configuration(models={"a": {}}, review={"taxonomy": str(file)})
    with transaction(world.engine) as connection:
        in_force = taxonomy_in_force(connection, settings.settings_of("a").review, "a").version
    items = world.batch("a", ["gold"] * 2, days=9)
    world.decision("a", "fix_guidelines")
    for versions, expected in ((("f" * 64, in_force), True), ((in_force, "0" * 64), False)):
        with transaction(world.engine) as connection:
            batch = select(func.max(Decision.batch_id)).scalar_subquery()
            for item, version in zip(sorted(items), versions, strict=True):
                update_row(connection, ReviewItem, item, taxonomy_version=version)
            connection.execute(update(ReviewItem).values(batch_id=batch))
        assert ("guidelines" in kinds(world, settings=settings)) == expected


def test_a_run_that_was_planned_again_is_not_listed(world: WaitingWorld) -> None:
    incident = world.incident("a", "training_failed")
    failed = world.run("a")
    entry = only(world)
    assert (entry.address, entry.incident_id) == (f"/runs/{failed}/plan", incident)
    world.run("a", "planned")
    assert kinds(world) == ["incident_warning"]


def test_a_snoozed_incident_returns_when_its_snooze_ends(world: WaitingWorld) -> None:
    incident = world.incident("a", "no_traffic")
    assert only(world).action == f"/incidents/{incident}/acknowledge"
    for status, until, n in (
        ("snoozed", world.now + DAY, 0),
        ("snoozed", world.now, 1),
        ("acknowledged", None, 0),
    ):
        with transaction(world.engine) as connection:
            update_incident(connection, incident, status=status, snoozed_until=until)
        assert len(listed(world).entries) == n


def test_many_incidents_of_a_model_are_one_entry(world: WaitingWorld) -> None:
    causes = ("late_records", "decision_overdue", "training_failed", "queue_not_worked")
    for days, cause in enumerate(causes, start=1):
        assert len(listed(world).entries) == min(days - 1, MAX_OF_A_KIND)
        world.incident("a", cause, days=days)
    entry = only(world)
    assert (entry.n, entry.address, entry.action) == (4, "/incidents?model=a", "")
    assert entry.since == world.now - 4 * DAY


def test_a_batch_overdue_in_two_ways_is_one_entry(world: WaitingWorld) -> None:
    incident = world.incident("a", "queue_not_worked")
    world.batch("a", ["queued"] * 3, days=9)
    entry = only(world)
    assert (entry.n, entry.incident_id) == (3, incident)
    assert entry.since == world.now - 9 * DAY
    assert entry.text.count("24 Oct") == 2
    world.batch("b", ["queued"], days=2)
    assert kinds(world) == ["batch"]


def test_discussions_wait_for_one_reviewer_at_a_time(world: WaitingWorld) -> None:
    ada, ben = world.user("Ada", "reviewer"), world.user("Ben", "reviewer")
    items = world.batch("a", ["disagreed"] * 15)
    for item in items:
        world.review(item, ada, ben, days=2)
    assert own(world, ada) == own(world, ben) == [("discussion", "a", 15)]
    assert listed(world, ada).own[0].since == world.now - 2 * DAY
    hour = timedelta(hours=1)
    with transaction(world.engine) as connection:
        save_proposal(connection, items[0], ada.id, world.now - 3 * hour, **PROPOSAL)
    assert own(world, ada) == [("discussion", "a", 14)]
    assert own(world, ben) == [("discussion", "a", 15)]
    with transaction(world.engine) as connection:
        insert_message(connection, items[0], ben.id, "Why?", world.now - 2 * hour)
    assert own(world, ada) == [("discussion", "a", 15)]
    with transaction(world.engine) as connection:
        save_proposal(connection, items[0], ada.id, world.now - hour, **PROPOSAL)
        save_proposal(connection, items[0], ben.id, world.now, **PROPOSAL)
    assert own(world, ada) == [("discussion", "a", 15)]
    assert own(world, ben) == [("discussion", "a", 14)]


def test_disputes_of_a_deactivated_user_reach_an_adjudicator(world: WaitingWorld) -> None:
    ada, ben = world.user("Ada", "reviewer"), world.user("Ben", "reviewer")
    cleo = world.user("Cleo", "adjudicator")
    (item,) = world.batch("a", ["disagreed"])
    world.review(item, ada, ben, days=4)
    with transaction(world.engine) as connection:
        set_active(connection, ada.id, active=False)
    assert own(world, ben) == [("discussion", "a", 1)]
    assert kinds(world, cleo) == []
    with transaction(world.engine) as connection:
        assert escalate_stale(connection, world.now) == [item]
    assert own(world, ben) == []
    assert only(world, cleo).address == f"/review/{item}"
    assert world.now - only(world, cleo).since > DISCUSSION_TIME
    # Who reviewed an item neither adjudicates nor audits it.
    lead = world.user("Lea", "lead")
    world.review(item, lead)
    assert kinds(world, lead) == []


def test_candidates_wait_until_a_lead_acts(world: WaitingWorld) -> None:
    version = world.candidate("a")
    entry = only(world)
    assert (entry.kind, entry.label) == ("candidate", "Approve or reject version 1")
    assert "1 of 2 checks" in entry.text
    with transaction(world.engine) as connection:
        connection.execute(update(CandidateEvaluation).values(approved_by="Lea"))
    assert (only(world).kind, only(world).address) == (
        "start_rollout",
        f"/rollouts/start/{version}",
    )
    automatic = Configuration(models={"a": {"rollout": {"start": "automatic"}}})
    assert kinds(world, settings=automatic) == []
    newer = world.candidate("a", "promote")
    assert only(world).address == f"/rollouts/start/{newer}"
    with transaction(world.engine) as connection:
        connection.execute(
            insert(Rollout).values(
                model="a", version_id=newer, stable_version_id=version, status="reverted",
                weight_percent=0, stage_started_at=world.now, reason="x", settings={},
                started_at=world.now, finished_at=world.now,
            )
        )  # fmt: skip
    assert kinds(world) == []
    world.version("a", stage="production")
    with transaction(world.engine) as connection:
        connection.execute(update(CandidateEvaluation).values(status="failed"))
    assert kinds(world) == []  # a newer version serves
    with transaction(world.engine) as connection:
        connection.execute(
            update(ModelVersion).where(ModelVersion.version == 3).values(stage="archived")
        )
    assert only(world).label == "Evaluate version 2 again"


def test_a_rollout_of_a_removed_model_is_listed(world: WaitingWorld) -> None:
    removed = add_rollout(world.engine, world.now - DAY, model="gone")
    world.window("gone", status="failed")
    watched = add_rollout(world.engine, world.now - DAY, model="a", status="holding")
    assert (only(world).kind, only(world).address) == ("rollout_unwatched", f"/rollouts/{removed}")
    with transaction(world.engine) as connection:
        add_event(
            connection, rollout_id=watched, event="asked", from_status="holding",
            to_status="holding", weight_percent=5, by="driftwarden", at=world.now, reason="x",
            details=None,
        )  # fmt: skip
    assert kinds(world) == ["rollout", "rollout_unwatched"]
    assert listed(world).entries[0].since == world.now
    everything = Configuration(models={"a": {}}, monitoring={"unlisted_models": "watch"})
    assert kinds(world, settings=everything) == ["rollout", "window"]


def test_a_human_evaluation_waits_for_its_lock(world: WaitingWorld) -> None:
    human_evaluation = make_human_evaluation(world.engine, world.now, version_id=world.version("a"))
    lead, reviewer = world.user("Lea", "lead"), world.user("Rex", "reviewer")
    assert kinds(world, lead) == []
    assert own(world, reviewer) == [("rating", "a", 6)]
    with transaction(world.engine) as connection:
        connection.execute(update(HumanEvaluation).values(raters_per_item=0))
    assert only(world, lead).label == f"Lock human evaluation {human_evaluation}"
    assert own(world, reviewer) == []


def test_a_refused_digest_is_listed_and_a_silent_one_not(world: WaitingWorld) -> None:
    due = last_due(SETTINGS.alerts.digest, world.now)
    assert due is not None
    with transaction(world.engine) as connection:
        for channel, attempts in (("slack", 3), ("email", 0)):
            connection.execute(
                insert(OutboxMessage).values(
                    dedupe_key=digest_key(due), channel=channel, model="", subject="digest",
                    kind="post", payload={}, attempts=attempts, next_attempt_at=due,
                    created_at=due, failed_at=due,
                )
            )  # fmt: skip
    assert "slack" in only(world).text
    assert kinds(world, world.user("Bo", "lead", models=["a"])) == []


def test_a_thousand_entries_are_listed_at_once(world: WaitingWorld) -> None:
    settings = Configuration(monitoring={"unlisted_models": "watch"})
    with transaction(world.engine) as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO training_runs (model, status, launcher, recipe, work_dir, created_at, "
            "resumptions) SELECT 'm' || i, 'failed', 'local', '{}', '', '2026-11-01 00:00:00', 0 "
            "FROM n",
            (999,),
        )
    assert len(listed(world, settings=settings).entries) == 1000


def test_every_kind_has_a_reason_and_one_place() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.title and kind.reason for kind in KINDS)


@pytest.mark.parametrize("status", ["draft", "cancelled"])
def test_a_failed_run_waits_until_another_was_attempted(world: WaitingWorld, status: str) -> None:
    failed = world.run("a", finished_at=world.now, error="x")
    world.run("a", status)
    with transaction(world.engine) as connection:
        newest = newest_run(connection, "a")
    assert only(world).address == f"/runs/{failed}/plan"
    assert (newest and newest.id) == failed


def test_run_of_a_closed_decision_is_not_planned_again(world: WaitingWorld) -> None:
    closed = world.decision("a", "retrain", confirmed_by="Lea", version="9")
    world.run("a", plan={"request": {"decision_id": closed}})
    assert kinds(world) == []


def test_a_decision_that_waits_is_that_of_the_newest_window(world: WaitingWorld) -> None:
    world.decision("a", "retrain", days=9, confirmed_by="Lea", decided_at=world.now)
    world.decision("a", "fix_guidelines", days=2)
    with transaction(world.engine) as connection:
        assert recommended_retraining(connection, "a") is None
    assert kinds(world) == ["guidelines"]


def test_a_plan_takes_the_place_of_what_it_follows(any_engine: Engine, clock: datetime) -> None:
    world = WaitingWorld(any_engine, clock)
    decision = world.decision("a", "retrain", preview={"refusal": "x"})
    lea = {"requested_by": "Lea", "requested_at": (clock - DAY).isoformat()}
    request = {"request": lea | {"decision_id": decision, "after_run": None}}
    checked = {"checked_at": clock.isoformat()}
    run = world.run("a", "draft", plan=request | checked | {"code": "min_gold"})
    assert only(world).label == f"Change the plan of run {run}"
    assert "too few gold examples" in only(world).text
    with transaction(world.engine) as connection:
        update_row(connection, TrainingRun, run, status="planned", plan=request | checked)
    assert only(world).address == f"/runs/{run}/start"
    failed = world.run("b", finished_at=clock, error="x")
    request = {"request": lea | {"decision_id": None, "after_run": failed}}
    unchecked = world.run("b", "draft", plan=request)
    places = {entry.model: (entry.address, entry.since) for entry in listed(world).entries}
    assert places == {
        "a": (f"/runs/{run}/start", clock), "b": (f"/runs/{unchecked}", clock - DAY),
    }  # fmt: skip
    with transaction(world.engine) as connection:
        update_row(connection, TrainingRun, unchecked, plan=request | checked)
    assert f"/runs/{unchecked}" in {entry.address for entry in listed(world).entries}
    assert len(listed(world).entries) == 2
    for refusal, n in (("", 1), ("no device", 2)):
        with transaction(world.engine) as connection:
            requested = {"status": "planned", "start_request": {"refusal": refusal}}
            update_row(connection, TrainingRun, unchecked, **requested)
        assert len(listed(world).entries) == n
