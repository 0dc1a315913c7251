"""Human evaluations from opening to lock, on both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from monitor.daemon.human_evaluations import score_locked_human_evaluations
from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.review.human_evaluation.locking import completeness, lock_human_evaluation
from monitor.review.human_evaluation.opening import open_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue, Ratings, view_current_item
from monitor.settings import Settings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.engine import transaction
from monitor.store.human_evaluation.assignments import blind_ratings, progress_by_rater
from monitor.store.human_evaluation.human_evaluations import (
    human_evaluation_by_id,
    is_under_human_evaluation,
    items_of,
    items_under_human_evaluation,
    models_under_human_evaluation,
)
from monitor.store.human_evaluation.keys import systems_by_response, unblinded_ratings
from monitor.store.tables import (
    AuditEntry,
    HumanEvaluationAssignment,
    HumanEvaluationKey,
    HumanEvaluationResponse,
)
from retrain.evaluation.lifecycle import cancel_evaluation
from tests.support.refusals import refusal
from tests.support.retrain.candidates import awaiting_ratings
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.review.human_evaluation import (
    SECRET,
    SYSTEMS,
    make_human_evaluation,
    make_version,
    rate_all,
    rows,
    systems_of_texts,
)
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import give_role
from tests.support.traffic.ingest import wait_until

DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
GOOD = dict.fromkeys(DIMENSIONS, 5)
FAIR = dict.fromkeys(DIMENSIONS, 3)
SCORES = {"candidate": GOOD, "incumbent": FAIR, "base": dict.fromkeys(DIMENSIONS, 1)}


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock, n=4)


def claim(world: World, human_evaluation: int, name: str, now: datetime) -> int | None:
    with transaction(world.engine) as connection:
        return RatingQueue(human_evaluation).claim_next(
            connection, world.users[name], now, timedelta(minutes=20)
        )


def rate(world: World, human_evaluation: int, name: str, number: int, now: datetime) -> None:
    with transaction(world.engine) as connection:
        inputs = Ratings([FAIR] * 3)
        RatingQueue(human_evaluation).submit(connection, number, world.users[name], inputs, now=now)


def test_human_evaluation_from_start_to_lock(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=6)
    for name in ("Ada", "Ben", "Cleo"):
        n = rate_all(world.engine, human_evaluation, world.users[name], clock, SCORES)
        assert n == 6
    assert claim(world, human_evaluation, "Lea", clock) is None, "each item has its three ratings"
    with transaction(world.engine) as connection:
        assert not completeness(
            connection, human_evaluation_by_id(connection, human_evaluation)
        ).n_missing
        assert (
            len(blind_ratings(connection, human_evaluation)) == 6 * 3 * 3 - 2 * 3
        )  # of two in one
        lock_human_evaluation(connection, human_evaluation, world.rows["Lea"], clock)
        ratings = unblinded_ratings(connection, human_evaluation)
        row = human_evaluation_by_id(connection, human_evaluation)
    assert (row.status, row.locked_at, row.locked_by_id) == ("locked", clock, world.users["Lea"])
    # Two items were answered in the same words by base and incumbent: rated once, as whoever came
    # first, and counted for both.
    assert len(ratings) == 6 * 3 * 3
    means: Counter[str] = Counter()
    for rating in ratings:
        assert set(rating.scores) == set(DIMENSIONS)
        means[rating.system] += rating.scores["tone"]
    assert means["candidate"] == 5 * 18


def test_claim_gives_each_rater_one_item_in_turn(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(
        world.engine, clock, n=3, plan=HumanEvaluationPlan(sample_size=3, reviewers=2)
    )
    assert claim(world, human_evaluation, "Ada", clock) == 1
    assert claim(world, human_evaluation, "Ada", clock) == 1, "a second tab is at the same item"
    assert claim(world, human_evaluation, "Ben", clock) == 1
    assert claim(world, human_evaluation, "Cleo", clock) == 2, (
        "both places of the first item are taken"
    )
    late = clock + timedelta(minutes=21)
    assert claim(world, human_evaluation, "Lea", late) == 1, "reservations run out"
    assert claim(world, human_evaluation, "Cleo", late) == 1
    with (
        transaction(world.engine) as connection,
        refusal("lease_expired"),
    ):
        RatingQueue(human_evaluation).extend_lease(
            connection,
            1,
            world.users["Ada"],
            now=late,
            lease=timedelta(minutes=20),
        )
    rate(world, human_evaluation, "Lea", 1, late)
    assert claim(world, human_evaluation, "Lea", late) == 2


def test_an_item_is_put_off_or_declined(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=2)
    ada = world.users["Ada"]
    assert claim(world, human_evaluation, "Ada", clock) == 1
    with transaction(world.engine) as connection:
        RatingQueue(human_evaluation).decline(connection, 1, world.rows["Ada"], clock)
    assert claim(world, human_evaluation, "Ada", clock) == 2
    rate(world, human_evaluation, "Ada", 2, clock)
    assert claim(world, human_evaluation, "Ada", clock) == 1, "what was put off comes back last"
    with transaction(world.engine) as connection:
        RatingQueue(human_evaluation).decline(
            connection, 1, world.rows["Ada"], clock, "I know the customer"
        )
    assert claim(world, human_evaluation, "Ada", clock) is None
    with transaction(world.engine) as connection, pytest.raises(NotFoundError):
        RatingQueue(human_evaluation).submit(connection, 1, ada, Ratings([FAIR] * 3), now=clock)
    with transaction(world.engine) as connection:
        (progress,) = progress_by_rater(connection, human_evaluation)
    assert (progress.name, progress.n_submitted, progress.n_declined) == ("Ada", 1, 1)


def test_raters_get_their_own_task_types(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=6)
    with transaction(world.engine) as connection:
        give_role(connection, world.users["Ada"], "reviewer", ["fees"])
    assert rate_all(world.engine, human_evaluation, world.users["Ada"], clock, SCORES) == 2


def test_draft_and_withdrawn_ratings_are_restored(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=2)
    ada = world.users["Ada"]
    claim(world, human_evaluation, "Ada", clock)
    with transaction(world.engine) as connection:
        RatingQueue(human_evaluation).save_draft(
            connection,
            1,
            world.rows["Ada"],
            {"A.0": "4"},
            now=clock,
            lease=timedelta(minutes=20),
        )
        view = view_current_item(connection, human_evaluation, ada, clock)
    assert view is not None
    assert view.draft == {"A.0": "4"}
    order = view.responses
    inputs = [dict.fromkeys(DIMENSIONS, at + 2) for at in range(len(order))]
    with transaction(world.engine) as connection:
        RatingQueue(human_evaluation).submit(
            connection, 1, ada, Ratings(inputs, "Fine."), now=clock
        )
        assert view_current_item(connection, human_evaluation, ada, clock) is None
        RatingQueue(human_evaluation).withdraw(
            connection, 1, ada, now=clock, lease=timedelta(minutes=20)
        )
        view = view_current_item(connection, human_evaluation, ada, clock)
    assert view is not None
    assert view.responses == order, "the order is the same at every visit"
    assert view.draft["comment"] == "Fine."
    assert [view.draft[f"{dead_letter}.1"] for dead_letter in "ABC"[: len(order)]] == [
        str(at + 2) for at in range(len(order))
    ]
    with transaction(world.engine) as connection:
        assert blind_ratings(connection, human_evaluation) == []


@pytest.mark.parametrize(
    ("ratings", "problem"),
    [
        ([FAIR] * 2, "responses"),
        ([FAIR, FAIR, {"tone": 3}], "missing_dimensions"),
        ([FAIR, FAIR | {"wit": 2}, FAIR], "unknown_dimensions"),
        ([FAIR, FAIR | {"tone": 6}, FAIR], "outside_scale"),
        ([FAIR | {"tone": 0}, FAIR, FAIR], "outside_scale"),
    ],
)
def test_invalid_ratings_are_refused(
    world: World, clock: datetime, ratings: list[dict[str, int]], problem: str
) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=1)
    claim(world, human_evaluation, "Ada", clock)
    with transaction(world.engine) as connection, refusal(problem):
        RatingQueue(human_evaluation).submit(
            connection, 1, world.users["Ada"], Ratings(ratings), now=clock
        )


def test_starting_twice_has_no_effect(world: World, clock: datetime) -> None:
    plan = HumanEvaluationPlan(sample_size=4)
    with transaction(world.engine) as connection:
        evaluation = awaiting_ratings(connection, make_version(connection, clock), clock)
        opened = [
            open_human_evaluation(
                connection, evaluation_id=evaluation.id, plan=plan, rows=rows(6), seed=1,
                secret=SECRET, now=clock,
            )
            for _ in range(2)
        ]  # fmt: skip
        entries = select(func.count()).where(AuditEntry.action == "human_evaluation_opened")
        assert connection.execute(entries).scalar_one() == 1
        items = items_of(connection, opened[0])
    assert opened[0] == opened[1]
    assert len(items) == 4


def test_small_benchmark_is_rated_completely(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(
        world.engine, clock, n=6, plan=HumanEvaluationPlan(sample_size=100)
    )
    with transaction(world.engine) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
        assert len(items_of(connection, human_evaluation)) == 6
    assert (row.sample_size, row.n_available) == (100, 6)


def test_items_without_all_responses_are_skipped(world: World, clock: datetime) -> None:
    inputs = [row for row in rows(3) if (row["by"], row["id"]) != ("base", "q1")]
    human_evaluation = make_human_evaluation(world.engine, clock, inputs=inputs)
    with transaction(world.engine) as connection:
        assert {item.benchmark_item_id for item in items_of(connection, human_evaluation)} == {
            "q0",
            "q2",
        }


@pytest.mark.parametrize(
    ("ratings", "problem"),
    [
        ([], "too few systems"),
        ([row for row in rows(2) if row["by"] == "base"], "too few systems"),
        ([row for row in rows(2) if (row["by"] == "base") == (row["id"] == "q0")], "no item"),
    ],
)
def test_start_without_two_systems_is_refused(
    world: World, clock: datetime, ratings: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        make_human_evaluation(world.engine, clock, inputs=ratings)


def test_equal_responses_are_shown_once_and_counted_each(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=3)
    claim(world, human_evaluation, "Ada", clock)
    systems_by_text = systems_of_texts(world.engine, human_evaluation)
    assert sorted(len(entry) for entry in systems_by_text.values()) == [1, 1, 1, 1, 1, 1, 1, 2]
    assert ["base", "incumbent"] in [sorted(entry) for entry in systems_by_text.values()]


def test_systems_are_hidden_before_the_lock(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=2)
    for reads in (systems_by_response, unblinded_ratings):
        with transaction(world.engine) as connection, pytest.raises(WorkflowError, match="open"):
            reads(connection, human_evaluation)
    with transaction(world.engine) as connection:
        assert models_under_human_evaluation(connection) == {"assistant"}
        assert items_under_human_evaluation(connection, "assistant") == {
            ("support", "q0"),
            ("support", "q1"),
        }
        assert items_under_human_evaluation(connection, "another") == frozenset()
    rate_all(world.engine, human_evaluation, world.users["Ada"], clock, SCORES)
    with transaction(world.engine) as connection:
        lock_human_evaluation(
            connection, human_evaluation, world.rows["Lea"], clock, allow_missing=True
        )
        assert sorted(
            entry
            for each in systems_by_response(connection, human_evaluation).values()
            for entry in each
        ) == sorted(SYSTEMS * 2)
        assert models_under_human_evaluation(connection) == frozenset()
        assert items_under_human_evaluation(connection, "assistant") == frozenset()


def test_lock_is_refused_without_lead_ratings_or_twice(world: World, clock: datetime) -> None:
    human_evaluation = make_human_evaluation(world.engine, clock, n=2)
    lea = world.rows["Lea"]
    with transaction(world.engine) as connection, refusal("unrated"):
        lock_human_evaluation(connection, human_evaluation, lea, clock, allow_missing=True)
    rate_all(world.engine, human_evaluation, world.users["Ada"], clock, SCORES)
    with transaction(world.engine) as connection, pytest.raises(NotFoundError):
        lock_human_evaluation(
            connection, human_evaluation, world.rows["Ada"], clock, allow_missing=True
        )
    with transaction(world.engine) as connection, refusal("missing_ratings"):
        lock_human_evaluation(connection, human_evaluation, lea, clock)
    assert claim(world, human_evaluation, "Ben", clock) == 1
    with transaction(world.engine) as connection:
        lock_human_evaluation(connection, human_evaluation, lea, clock, allow_missing=True)
    with transaction(world.engine) as connection, refusal("locked"):
        lock_human_evaluation(connection, human_evaluation, lea, clock)
    with refusal("locked"):
        rate(world, human_evaluation, "Ben", 1, clock)
    with refusal("locked"):
        claim(world, human_evaluation, "Ben", clock)
    with transaction(world.engine) as connection, refusal("locked"):
        RatingQueue(human_evaluation).withdraw(
            connection,
            1,
            world.users["Ada"],
            now=clock,
            lease=timedelta(minutes=20),
        )


def test_cancelled_candidate_evaluation_cancels_its_human_evaluation(
    world: World, clock: datetime
) -> None:
    human_evaluation, other = (
        make_human_evaluation(world.engine, clock, n=2),
        make_human_evaluation(world.engine, clock, n=2),
    )
    n_given = rate_all(world.engine, human_evaluation, world.users["Ada"], clock, SCORES)
    assert claim(world, human_evaluation, "Ben", clock) == 1
    later = clock + timedelta(hours=1)
    with transaction(world.engine) as connection:
        evaluation = human_evaluation_by_id(connection, human_evaluation).candidate_evaluation_id
        assert evaluation is not None
        assert is_under_human_evaluation(
            connection, human_evaluation_by_id(connection, human_evaluation).version_id
        )
    cancel_evaluation(world.engine, evaluation, FakeLauncher(), later, cancelled_by="lea")
    with refusal("cancelled"):
        rate(world, human_evaluation, "Ben", 1, later)
    with refusal("cancelled"):
        claim(world, human_evaluation, "Ben", later)
    ada = world.users["Ada"]
    with transaction(world.engine) as connection, refusal("cancelled"):
        RatingQueue(human_evaluation).withdraw(
            connection, 1, ada, now=later, lease=timedelta(minutes=20)
        )
    with transaction(world.engine) as connection, refusal("cancelled"):
        lock_human_evaluation(
            connection, human_evaluation, world.rows["Lea"], later, allow_missing=True
        )
    for reads in (systems_by_response, unblinded_ratings):
        with transaction(world.engine) as connection, pytest.raises(WorkflowError, match="never"):
            reads(connection, human_evaluation)
    with transaction(world.engine) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
        assert (row.status, row.cancelled_at, row.locked_at) == ("cancelled", later, None)
        assert completeness(connection, row).n_submitted == n_given == 2
        assert view_current_item(connection, human_evaluation, world.users["Ben"], later) is None
        assert not is_under_human_evaluation(connection, row.version_id)
        assert human_evaluation_by_id(connection, other).is_open


def is_waited_for(engine: Engine) -> bool:
    """Return whether a PostgreSQL connection waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with transaction(engine) as connection:
        return bool(connection.execute(waiting).scalar_one())


@pytest.mark.postgres
def test_cancellation_waits_for_a_running_submission(
    postgres_engine: Engine, clock: datetime
) -> None:
    world = make_world(postgres_engine, clock, n=4)
    human_evaluation = make_human_evaluation(postgres_engine, clock, n=2)
    claim(world, human_evaluation, "Ada", clock)
    with transaction(postgres_engine) as connection:
        evaluation = human_evaluation_by_id(connection, human_evaluation).candidate_evaluation_id
        view = view_current_item(connection, human_evaluation, world.users["Ada"], clock)
    assert evaluation is not None
    assert view is not None
    inputs = Ratings([FAIR] * len(view.responses))
    with ThreadPoolExecutor(1) as pool:
        with transaction(postgres_engine) as connection:
            RatingQueue(human_evaluation).submit(
                connection, 1, world.users["Ada"], inputs, now=clock
            )
            cancelling = pool.submit(
                cancel_evaluation, postgres_engine, evaluation, FakeLauncher(), clock,
                cancelled_by="lea",
            )  # fmt: skip
            wait_until(lambda: is_waited_for(postgres_engine), "the lock of the item")
            assert not cancelling.done()
        cancelling.result(timeout=60)
    with transaction(postgres_engine) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
        assert (row.status, completeness(connection, row).n_submitted) == ("cancelled", 1)


def test_ids_of_responses_do_not_reveal_their_systems(any_engine: Engine, clock: datetime) -> None:
    """The first, second and third id of an item belong to each system about equally often."""
    make_human_evaluation(any_engine, clock, n=300, inputs=rows(300, mark="x"))
    with transaction(any_engine) as connection:
        ids: dict[int, list[int]] = {}
        for response, item in connection.execute(
            select(HumanEvaluationResponse.id, HumanEvaluationResponse.item_id)
        ):
            ids.setdefault(item, []).append(response)
        systems = dict(
            connection.execute(
                select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
            ).all()
        )
    first = Counter(systems[min(entry)] for entry in ids.values() if len(entry) == 3)
    assert sum(first.values()) == 200
    # 200 / 3 = 67 each, with a standard deviation of 6.7; the secret is fixed, so is the outcome.
    assert all(45 < first[system] < 90 for system in SYSTEMS), first


def test_two_users_who_claim_at_once_never_overfill_an_item(
    any_engine: Engine, clock: datetime
) -> None:
    world = make_world(any_engine, clock, n=4)
    human_evaluation = make_human_evaluation(
        any_engine, clock, n=3, plan=HumanEvaluationPlan(sample_size=3, reviewers=1)
    )
    with ThreadPoolExecutor(4) as pool:
        inputs = list(
            pool.map(lambda name: claim(world, human_evaluation, name, clock), world.users)
        )
    assert sorted(entry for entry in inputs if entry) == [1, 2, 3]
    with transaction(any_engine) as connection:
        assert (
            connection.execute(
                select(func.count()).select_from(HumanEvaluationAssignment)
            ).scalar_one()
            == 3
        )


def test_locked_human_evaluation_is_scored_once(world: World, clock: datetime) -> None:
    still_open, locked = (
        make_human_evaluation(world.engine, clock, n=12),
        make_human_evaluation(world.engine, clock, n=12),
    )
    for name in ("Ada", "Ben"):
        rate_all(world.engine, locked, world.users[name], clock, SCORES)
    with transaction(world.engine) as connection:
        lock_human_evaluation(connection, locked, world.rows["Lea"], clock, allow_missing=True)
    for hours in (0, 1):
        score_locked_human_evaluations(world.engine, Settings(), clock + timedelta(hours=hours))
    with transaction(world.engine) as connection:
        assert human_evaluation_by_id(connection, still_open).results is None
        row = human_evaluation_by_id(connection, locked)
    assert row.measured_at == clock
    assert row.results is not None
    assert len(row.results.checks) == 4
    assert {check.outcome for check in row.results.checks} == {"passed"}
    assert row.results.remarks == ("12 of 36 ratings are missing",)
    assert (row.results.n_items, row.results.n_ratings) == (12, 2 * (12 * 3 - 4))
