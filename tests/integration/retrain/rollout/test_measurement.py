"""Looks at the hours of a rollout, from observations in SQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, delete, func, select, update

from bench.rollout.simulated_hours import SimulatedTraffic, write_hour
from monitor.errors import JudgeError
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import RolloutObservation
from monitor.store.traffic.daily_counts import SampledCount
from retrain.rollout.measurement.judged import judge_hour
from retrain.rollout.measurement.next_look import next_look, stored_evidence
from retrain.rollout.measurement.starting_point import fix_starting_point, learn_starting_point
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import Look, insert_look
from retrain.rollout.rows.measured_hours import insert_scores
from retrain.rollout.rows.observations import LabelKey, add_labels
from tests.support.traffic.observed_traffic import MODEL, open_rollout

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def good(
    rng: np.random.Generator, is_canary: NDArray[np.bool_], _users: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    n = len(is_canary)
    return {
        "errors": (rng.random(n) < 0.004).astype(float),
        "refusals": (rng.random(n) < 0.004).astype(float),
        "truncation": (rng.random(n) < 0.004).astype(float),
        "empty": (rng.random(n) < 0.004).astype(float),
        "latency": rng.gamma(2.0, 0.5, size=n),
        "length": rng.gamma(3.0, 40.0, size=n),
    }


def bad(
    rng: np.random.Generator, is_canary: NDArray[np.bool_], users: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    measures = good(rng, is_canary, users)
    rate = np.where(is_canary, 0.12, 0.004)
    return {**measures, "empty": (rng.random(len(rate)) < rate).astype(float)}


def subject_of(rollout_id: int, **changes: object) -> Subject:
    subject = Subject(
        rollout_id=rollout_id,
        model=MODEL,
        stable=1,
        canary=2,
        started_at=START,
        stage=0,
        n_stages=4,
        percent=5,
        weight_percent=5,
        stage_started_at=START,
        min_dwell=timedelta(hours=48),
        max_hold=timedelta(hours=48),
    )
    return replace(subject, **changes)


def store(engine: Engine, look: Look) -> None:
    with transaction(engine) as connection:
        insert_look(connection, look)


def look_at(engine: Engine, subject: Subject, until: datetime) -> Look | None:
    with transaction(engine) as connection:
        return next_look(connection, subject, Settings(), until, until)


def simulate(
    engine: Engine,
    traffic: SimulatedTraffic,
    n_hours: int,
    weight: float = 5.0,
    seed: int = 1,
    set_percent: float | None = None,
) -> None:
    rng = np.random.default_rng(seed)
    for number in range(n_hours):
        with transaction(engine) as connection:
            hour = START + number * HOUR
            write_hour(connection, traffic, hour, weight, rng, set_percent=set_percent)


def test_a_worse_canary_reverts_and_looks_repeat_exactly(any_engine: Engine) -> None:
    subject = subject_of(open_rollout(any_engine, START))
    traffic = SimulatedTraffic(rollout_id=subject.rollout_id, model=MODEL, draw=bad, n_users=900)
    simulate(any_engine, traffic, 12)
    looks = []
    while not looks or looks[-1].action != "revert":
        until = START + (len(looks) + 1) * HOUR
        assert look_at(any_engine, subject, until - timedelta(seconds=1)) is None
        look, again = (look_at(any_engine, subject, until) for _ in range(2))
        assert look is not None
        assert look == again
        store(any_engine, look)
        looks.append(look)
    assert ["worse"] == [reason.code for reason in looks[-1].reasons]
    assert "malformed" == looks[-1].reasons[0].check
    assert [START + number * HOUR for number in range(len(looks))] == [x.hour for x in looks]
    assert all(0.02 < (look.seen_share or 0) < 0.09 for look in looks)


def test_equal_versions_advance_after_the_stage(engine: Engine) -> None:
    rollout_id = open_rollout(engine, START, weight_percent=50)
    subject = subject_of(
        rollout_id, percent=50, weight_percent=50, min_dwell=timedelta(hours=11), n_stages=2
    )
    traffic = SimulatedTraffic(rollout_id=rollout_id, model=MODEL, draw=good)
    simulate(engine, traffic, 12, weight=50.0)
    actions = []
    for number in range(1, 13):
        look = look_at(engine, subject, START + number * HOUR)
        assert look is not None
        store(engine, look)
        actions.append(look.action)
    assert {"wait"} == set(actions[:10])
    assert "advance" == actions[11], look.reason


def test_latency_that_no_field_holds_is_not_waited_for(engine: Engine) -> None:
    subject = subject_of(open_rollout(engine, START))
    names = []
    for field in ("latency_seconds", ""):
        settings = Settings(rollout={"latency_field": field})
        with transaction(engine) as connection:
            point = learn_starting_point(connection, subject, settings)
        names.append({check.name for check in point.checks})
    assert {"latency"} == names[0] - names[1]


def test_a_share_that_was_not_set_holds(engine: Engine) -> None:
    subject = subject_of(open_rollout(engine, START))
    traffic = SimulatedTraffic(rollout_id=subject.rollout_id, model=MODEL, draw=good)
    simulate(engine, traffic, 6, weight=2.0, set_percent=5.0)
    for number in range(1, 7):
        look = look_at(engine, subject, START + number * HOUR)
        assert look is not None
        store(engine, look)
    assert "hold" == look.action
    assert "sample_ratio" in {reason.code for reason in look.reasons}


@pytest.mark.parametrize("lost", ["nothing", "labels", "records"])
def test_lost_requests_of_remaining_users_hold(any_engine: Engine, lost: str) -> None:
    subject = subject_of(open_rollout(any_engine, START), percent=50, weight_percent=50)
    traffic = SimulatedTraffic(
        rollout_id=subject.rollout_id, model=MODEL, draw=good, n_users=1500, requests_per_hour=4500
    )
    with transaction(any_engine) as connection:
        write_hour(connection, traffic, START, 50.0, np.random.default_rng(1))
        if lost != "nothing":  # each user keeps the first
            first = select(func.min(RolloutObservation.id)).group_by(RolloutObservation.end_user)
            is_lost = (RolloutObservation.arm == "canary", RolloutObservation.id.not_in(first))
            n = connection.execute(delete(RolloutObservation).where(*is_lost)).rowcount
        if lost == "labels":
            counts = {LabelKey(subject.rollout_id, ""): SampledCount(n, n)}
            add_labels(connection, counts, START)
    look = look_at(any_engine, subject, START + HOUR)
    assert look is not None
    assert not stored_evidence(look.evidence).sample_ratio.is_mismatch  # all users are seen
    codes = {reason.code for reason in look.reasons}
    expected = {"nothing": set(), "labels": {"unlabelled", "sample_ratio"}}
    assert codes & {"unlabelled", "sample_ratio"} == expected.get(lost, {"sample_ratio"})


def test_hours_without_traffic_hold_as_idle(engine: Engine) -> None:
    subject = subject_of(open_rollout(engine, START))
    for number in range(1, 8):
        look = look_at(engine, subject, START + number * HOUR)
        assert look is not None
        store(engine, look)
    assert (0, 0, None) == (look.n_canary, look.n_stable, look.seen_share)
    assert {"canary_idle", "stable_idle"} <= {reason.code for reason in look.reasons}


def test_late_observations_and_scores_count_once(engine: Engine) -> None:
    subject = subject_of(open_rollout(engine, START))
    traffic = SimulatedTraffic(rollout_id=subject.rollout_id, model=MODEL, draw=good)
    simulate(engine, traffic, 1)
    first = look_at(engine, subject, START + HOUR)
    assert first is not None
    store(engine, first)
    simulate(engine, traffic, 1, seed=2)  # late ones of the hour that was looked at
    with transaction(engine) as connection:
        connection.execute(
            update(RolloutObservation)
            .where(RolloutObservation.id <= first.n_canary + first.n_stable)
            .values(end_user="")
        )
        insert_scores(connection, subject.rollout_id, "errors", {1: 1.0, 2: 1.0}, START)

    def n_units(look: Look | None) -> float:
        assert look is not None
        store(engine, look)
        return float(stored_evidence(look.evidence).n_units.sum())

    looks = [look_at(engine, subject, START + 2 * HOUR)]
    units = [float(stored_evidence(first.evidence).n_units.sum()), n_units(looks[0])]
    units.append(n_units(look_at(engine, subject, START + 3 * HOUR)))
    n_late = units[1] - units[0] - 2
    assert n_late > 300
    assert units[2] == units[1]


class ScriptedJudge:
    """A judge that scores by a word of the response, and fails on another."""

    def ask(self, system: str, question: str) -> str:
        assert "canary" not in system + question
        if "unclear" in question:
            raise JudgeError("no reply")
        return "Reason.\nSCORE: 5" if "helpful" in question else "Reason.\nSCORE: 1"


def test_a_judge_scores_both_arms_for_the_next_look(engine: Engine) -> None:
    subject = subject_of(open_rollout(engine, START, weight_percent=50), weight_percent=50)
    count = iter(range(10**6))

    def texts(arm: str, _measures: object) -> tuple[str, str]:
        if next(count) % 11 == 0:
            return "question", "unclear"
        return "question", "helpful" if arm == "stable" else "wrong"

    traffic = SimulatedTraffic(
        rollout_id=subject.rollout_id, model=MODEL, draw=good, texts=texts, requests_per_hour=400
    )
    simulate(engine, traffic, 3, weight=50.0)
    with transaction(engine) as connection:
        settings = Settings(retrain={"judge": {"url": "http://judge", "model": "m"}})
        fix_starting_point(connection, subject, settings)

    def judge(hour: datetime) -> int:
        rubrics = {"": "Be brief."}
        return judge_hour(
            engine, ScriptedJudge(), subject.rollout_id, hour, hour, limit=150, rubrics=rubrics
        )

    for number in range(2):  # stable's level is known after the first
        look = look_at(engine, subject, START + (number + 1) * HOUR)
        assert look is not None
        store(engine, look)
        assert judge(START + number * HOUR) > 100
        assert judge(START + number * HOUR) == 0  # only what failed is asked again
    last = look_at(engine, subject, START + 3 * HOUR)
    assert last is not None
    result = next(check for check in last.checks if check.name == "judge")
    assert result.n_pairs > 40
    assert result.worse
    assert ("revert_only", "revert") == (result.kind, last.action)
