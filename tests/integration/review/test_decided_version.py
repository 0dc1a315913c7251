"""Decisions count reviews of one version, and are closed with it or superseded."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.daemon.retraining import Retraining
from monitor.errors import WorkflowError
from monitor.review.decision.decisions import confirm_retraining, decide, decide_open_batches
from monitor.review.decision.weekly_rates import weekly_rates
from monitor.settings import Review, Secrets, Settings
from monitor.store.alerts.condition_facts import recommended_retraining
from monitor.store.engine import transaction
from monitor.store.review.decision_states import decision_state, decision_states
from monitor.store.review.decisions import list_decisions
from monitor.store.rows import insert_row
from monitor.store.tables import TrainingRun
from monitor.store.training.runs import run_by_id
from monitor.store.windows.digest import newest_windows
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import Told, settle
from tests.support.review.two_versions import (
    MODEL,
    put_in_production,
    register,
    review,
    two_weeks,
)

SMALL = Review(min_drifted_gold=1)
DAY = timedelta(days=1)


@pytest.fixture
def weeks(engine: Engine, clock: datetime) -> tuple[World, World]:
    return two_weeks(engine, clock)


def test_a_decision_counts_its_own_version(
    weeks: tuple[World, World], engine: Engine, clock: datetime
) -> None:
    old, new = weeks
    with transaction(engine) as connection:
        before = decide(connection, new.batch_id, SMALL, clock)
        register(connection, clock + DAY)
        after = decide(connection, new.batch_id, SMALL, clock + DAY)
    # Version 1 has 40 control points of the first week, and half of those of the second.
    assert (before.version, after.version) == ("1", "2")
    assert before.inputs["batches"] == [new.batch_id, old.batch_id]
    assert (before.inputs["rate"]["errors"], before.inputs["rate"]["n"]) == (24, 60)
    assert before.inputs["points_by_version"] == {"1": 60, "2": 20}
    assert before.recommendation == "retrain"
    assert after.inputs["batches"] == [new.batch_id]
    assert (after.inputs["rate"]["errors"], after.inputs["rate"]["n"]) == (1, 20)
    assert after.inputs["traffic"]["rate"] == pytest.approx(0.05)
    assert after.recommendation == "keep"
    launches = [(row.inputs["baseline"]["from"], row.inputs["baseline"]["rate"])
                for row in (before, after)]  # fmt: skip
    assert [source for source, _ in launches] == [
        "evaluation of version 1",
        "evaluation of version 2",
    ]
    assert [rate for _, rate in launches] == pytest.approx([0.05, 0.30])


def test_weekly_rates_are_split_by_version(
    weeks: tuple[World, World], engine: Engine, clock: datetime
) -> None:
    old, new = weeks
    with transaction(engine) as connection:
        register(connection, clock + DAY)
        rates = weekly_rates(connection, MODEL, newest_windows(connection, MODEL, 9), SMALL)
    figures = {
        evaluation: [(w.version, w.control.errors, w.control.n) for w in weekly]
        for evaluation, weekly in rates.items()
    }
    assert figures[old.evaluation_id] == [("1", 12, 40)]
    assert figures[new.evaluation_id] == [("1", 12, 20), ("2", 1, 20)]
    launch = [weekly.launch.errors / weekly.launch.n for weekly in rates[new.evaluation_id]]
    assert launch == pytest.approx([0.05, 0.30])


def checks_of(
    monkeypatch: pytest.MonkeyPatch, steps: Retraining
) -> Callable[[datetime], list[int]]:
    """Return a function that lets the daemon look for decisions, and returns those it checks."""
    checked: list[int] = []
    monkeypatch.setattr(
        Retraining, "_check_and_plan", lambda _self, decision, _now: checked.append(decision.id)
    )

    def check(now: datetime) -> list[int]:
        checked.clear()
        steps.advance(now, iter((True, False)).__next__)
        return list(checked)

    return check


def test_a_decision_is_closed_with_its_version(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = any_engine
    old, new = two_weeks(engine, clock)
    settings = Settings(model={"name": MODEL}, review=SMALL)
    checked = checks_of(monkeypatch, Retraining.build(engine, settings, Secrets()))
    with transaction(engine) as connection:
        row = decide(connection, new.batch_id, SMALL, clock)
        assert decision_state(connection, row.id, MODEL).is_open
        waiting = recommended_retraining(connection, MODEL)
        assert waiting is not None
        register(connection, clock + DAY)
        state = decision_state(connection, row.id, MODEL)
        assert (state.kind, state.version) == ("closed", "1")
        assert f"on {(clock + DAY).day} {clock + DAY:%b %Y}" in state.reason
        assert recommended_retraining(connection, MODEL) is None
        with pytest.raises(WorkflowError) as refused:
            confirm_retraining(connection, row.id, old.rows["Lea"], clock + DAY)
        assert refused.value.code == "closed"
    assert checked(clock + DAY) == [], "no run is checked or planned"
    with transaction(engine) as connection:
        put_in_production(connection, 1, clock + 2 * DAY)
    (made,) = decide_open_batches(engine, settings, clock + 2 * DAY)[-1:]
    with transaction(engine) as connection:
        states = decision_states(connection, MODEL)
    assert made.id != row.id
    assert (made.version, made.recommendation) == ("1", "retrain")
    assert (states[made.id].kind, states[row.id].kind) == ("open", "closed")
    assert checked(clock + 2 * DAY) == [made.id]


def test_a_batch_of_another_version_gets_no_decision(engine: Engine, clock: datetime) -> None:
    old = make_world(engine, clock, weeks_ago=1, versions=("1",))
    with transaction(engine) as connection:
        register(connection, clock - 9 * DAY)
        register(connection, clock)
        with pytest.raises(WorkflowError) as refused:
            decide(connection, old.batch_id, SMALL, clock)
    assert refused.value.code == "other_version"
    assert decide_open_batches(engine, Settings(review=SMALL), clock) == []


def test_the_newest_final_decision_supersedes(engine: Engine, clock: datetime) -> None:
    old = make_world(engine, clock, weeks_ago=1, versions=("1",))
    new = make_world(engine, clock, users=False, versions=("1",))
    lea = old.rows["Lea"]
    with transaction(engine) as connection:
        review(connection, old, old.users, clock)
        first = decide(connection, old.batch_id, SMALL, clock)
        waiting = decide(connection, new.batch_id, SMALL, clock)
        assert (first.recommendation, waiting.recommendation) == ("retrain", "undecided")
        states = decision_states(connection, MODEL)
        assert all(state.is_open for state in states.values()), "an undecided one supersedes none"
        single = Told("accept", "correct", "correct", "tone", "yes")
        other = Told("correct", "accept", "correct", "tone", "yes")
        settle(
            connection, new.batch_id, (old.users["Ada"], old.users["Ben"]),
            lambda number, _item: (single, other)[number % 2], clock,
        )  # fmt: skip
        second = decide(connection, new.batch_id, SMALL, clock + DAY)
        assert second.recommendation == "fix_guidelines"
        states = decision_states(connection, MODEL)
        assert (states[first.id].kind, states[first.id].superseded_by) == ("superseded", second.id)
        assert states[second.id].is_open
        assert states[second.id].supersedes == (first.id,)
        with pytest.raises(WorkflowError) as refused:
            confirm_retraining(connection, first.id, lea, clock + DAY)
        assert refused.value.code == "superseded"
        assert list_decisions(connection, MODEL)[-1].confirmed_by is None


@pytest.mark.parametrize("status", ["", "planned", "running", "failed"])
def test_a_confirmed_decision_is_superseded_too(
    any_engine: Engine, clock: datetime, status: str
) -> None:
    old = make_world(any_engine, clock, weeks_ago=1)
    new = make_world(any_engine, clock, users=False)
    with transaction(any_engine) as connection:
        review(connection, old, old.users, clock, {"": 20})
        first = decide(connection, old.batch_id, SMALL, clock)
        confirm_retraining(connection, first.id, old.rows["Lea"], clock)
        run = None
        if status:
            run = insert_row(
                connection, TrainingRun, model=MODEL, status=status, launcher="subprocess",
                recipe={}, work_dir="runs", created_at=clock, decision_id=first.id,
            )  # fmt: skip
        review(connection, new, old.users, clock, {})
        second = decide(connection, new.batch_id, SMALL, clock)
        states = decision_states(connection, MODEL)
    state = states[first.id]
    assert (state.kind, state.superseded_by) == ("superseded", second.id)
    assert (f"run {run} goes on" in state.reason) == (status == "running")
    assert states[second.id].supersedes == (first.id,)


def test_a_run_of_a_superseded_decision_is_cancelled(engine: Engine, clock: datetime) -> None:
    old = make_world(engine, clock, weeks_ago=1)
    new = make_world(engine, clock, users=False)
    with transaction(engine) as connection:
        review(connection, old, old.users, clock, {"": 20})
        first = decide(connection, old.batch_id, SMALL, clock)
        confirm_retraining(connection, first.id, old.rows["Lea"], clock)
        run = insert_row(
            connection, TrainingRun, model=MODEL, status="planned", launcher="subprocess",
            recipe={}, work_dir="runs", created_at=clock, decision_id=first.id,
        )  # fmt: skip
        review(connection, new, old.users, clock, {})
        second = decide(connection, new.batch_id, SMALL, clock)
    settings = Settings(model={"name": MODEL}, review=SMALL)
    Retraining.build(engine, settings, Secrets()).advance(clock)
    with transaction(engine) as connection:
        row = run_by_id(connection, run)
    assert row.status == "cancelled"
    assert f"superseded by decision {second.id}" in (row.error or "")


def test_the_traffic_names_a_version_that_the_registry_lacks(
    engine: Engine, clock: datetime
) -> None:
    old = make_world(engine, clock, weeks_ago=1, versions=("blue",))
    with transaction(engine) as connection:
        register(connection, clock - 9 * DAY)
        review(connection, old, old.users, clock, {"blue": 20})
        row = decide(connection, old.batch_id, SMALL, clock)
        assert (row.version, row.recommendation) == ("blue", "retrain")
        assert row.inputs["baseline"]["from"] == "review.baseline_error_rate"
        assert decision_state(connection, row.id, MODEL).is_open
    make_world(engine, clock, users=False, versions=("green",))
    with transaction(engine) as connection:
        state = decision_state(connection, row.id, MODEL)
    assert (state.kind, state.version) == ("closed", "blue")
    assert "green" in state.reason


def test_a_first_registration_closes_nothing(engine: Engine, clock: datetime) -> None:
    """Responses without a label were given by the first version, which is registered later."""
    world = make_world(engine, clock)
    with transaction(engine) as connection:
        review(connection, world, world.users, clock, {"": 20})
        row = decide(connection, world.batch_id, SMALL, clock)
        register(connection, clock)
        state = decision_state(connection, row.id, MODEL)
        assert (state.kind, state.version) == ("open", "1")
        assert decide(connection, world.batch_id, SMALL, clock).id == row.id
        register(connection, clock + DAY)
        assert decision_state(connection, row.id, MODEL).kind == "closed"
