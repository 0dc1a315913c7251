"""Gauges of the leader: what they show, and that a former leader has none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, update

from monitor.alerts.channels import NO_CHANNELS
from monitor.alerts.incidents import report, resolve
from monitor.daemon import schedule
from monitor.daemon.cycle import Cycle
from monitor.daemon.leader_metrics import read_gauges, withdraw_gauges
from monitor.settings import Secrets, Settings, load_configuration
from monitor.store.alerts.incidents import unresolved_incident_of
from monitor.store.engine import transaction
from monitor.store.tables import ReviewBatch, ReviewItem
from monitor.store.windows.claims import (
    EvaluationClaim,
    claim_drift_evaluation,
    fail_drift_evaluation,
    finish_drift_evaluation,
)
from monitor.store.windows.pauses import begin_pause, end_pauses
from monitor.store.windows.sample_scores import SampleScores
from monitor.telemetry import LEADER_GAUGES, REGISTRY, TRAINING_LOSS
from retrain.rollout.transitions.revert import revert_rollout
from tests.support.retrain.rollout_desk import RolloutDesk
from tests.support.review.review_world import make_world
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, not_comparable, store_evaluation

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
NEWEST_END = "driftwarden_newest_evaluated_window_end_timestamp_seconds"
WINDOW = "driftwarden_window_seconds"
ASSISTANT = {"model": "assistant"}
NO_SCORES = SampleScores(np.empty(0, int), np.empty(0), np.empty(0, int), np.empty(0))


class Leadership:
    """A leadership that tests give and take."""

    def __init__(self) -> None:
        self.leads = True

    def held(self) -> bool:
        """Return whether this process leads."""
        return self.leads

    @contextmanager
    def acting(self) -> Iterator[bool]:
        """Yield whether this process leads."""
        yield self.leads


@pytest.fixture(autouse=True)
def no_gauges() -> Iterator[None]:
    """Leave no gauges to the next test."""
    yield
    withdraw_gauges()


def newest_end(engine: Engine, now: datetime, settings: Settings | None = None) -> float | None:
    reading = read_gauges(engine, [settings or Settings()], NO_CHANNELS, now)
    return reading[NEWEST_END].get(("assistant",))


def test_freshness_is_the_newest_evaluated_end(any_engine: Engine, clock: datetime) -> None:
    assert newest_end(any_engine, clock) is None  # neither traffic nor a baseline

    store_traffic(any_engine, clock + 2 * DAY, 20, seed=1)
    # Nothing was evaluated: it ages from the start of the first window.
    assert newest_end(any_engine, clock + 5 * WEEK) == clock.timestamp()

    # A backlog is caught up late; the window's end counts, not the time of the evaluation.
    with transaction(any_engine) as connection:
        store_evaluation(connection, make_assessment(), clock)
    assert newest_end(any_engine, clock + 5 * WEEK) == (clock + WEEK).timestamp()


def test_freshness_begins_anew_after_a_pause(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 20, seed=1)
    with transaction(engine) as connection:
        store_evaluation(connection, make_assessment(), clock)
        begin_pause(connection, "assistant", clock + WEEK + DAY)
        end_pauses(connection, ["assistant"], clock + 6 * WEEK + DAY)
    assert newest_end(engine, clock + 6 * WEEK + DAY) == (clock + 6 * WEEK).timestamp()


def test_only_the_leader_exports_gauges(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 20, seed=1)
    cycle = Cycle.build(engine, Settings(), Secrets(), clock)
    leadership = Leadership()
    scheduler = schedule.build_scheduler(cycle, leadership, threading.Event())  # type: ignore[arg-type]
    publish = scheduler.get_job("publish_gauges").func

    publish()
    TRAINING_LOSS.labels("assistant").set(0.5)
    names = [family.name for family in LEADER_GAUGES.collect() if family.samples]
    assert {NEWEST_END, WINDOW, "driftwarden_outbox_pending_messages"} <= set(names)

    leadership.leads = False
    publish()
    assert not [family for family in LEADER_GAUGES.collect() if family.samples]
    assert REGISTRY.get_sample_value("driftwarden_training_loss", ASSISTANT) is None


def test_a_removed_model_has_no_gauges(engine: Engine, clock: datetime, tmp_path: Path) -> None:
    store_traffic(engine, clock, 20, seed=1)
    for listed in ("assistant", "desk"):
        file = tmp_path / f"{listed}.toml"
        file.write_text(f"models.{listed} = {{}}")
        Cycle.build(engine, load_configuration(file), Secrets(), clock).publish_gauges(clock)
    assert REGISTRY.get_sample_value(WINDOW, ASSISTANT) is None
    assert REGISTRY.get_sample_value(WINDOW, {"model": "desk"}) == WEEK.total_seconds()


def test_open_incidents_are_counted_until_resolved(any_engine: Engine, clock: datetime) -> None:
    alerts = Settings().alerts

    def measured() -> dict[tuple[str, ...], float]:
        reading = read_gauges(any_engine, [Settings()], NO_CHANNELS, clock)
        return dict(reading["driftwarden_open_incidents"])

    assert measured() == {}
    with transaction(any_engine) as connection:
        for cause, model in (("evaluation_failed", "assistant"), ("records_lost", "")):
            report(connection, cause, model, clock, text="It failed.", alerts=alerts)
    lost = ("", "records_lost", "error")
    assert measured() == {("assistant", "evaluation_failed", "error"): 1, lost: 1}

    with transaction(any_engine) as connection:
        incident = unresolved_incident_of(connection, "assistant", "evaluation_failed")
        assert incident is not None
        resolve(connection, incident.id, "Lea", "repaired", clock, alerts=alerts)
    assert measured() == {lost: 1}


def test_gauges_of_rollouts_follow_weights_and_holds(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock)
    names = ("rollout_weight_percent", "rollout_holding_seconds", "weights_unconfirmed_seconds")

    def read() -> list[float]:
        reading = read_gauges(engine, [desk.settings], NO_CHANNELS, desk.now)
        return [max(reading[f"driftwarden_{name}"].values()) for name in names]

    assert read() == [0, 0, 0]
    desk.start()
    desk.now += timedelta(minutes=20)
    assert read() == [5, 0, 1200]
    desk.tick()
    assert read() == [5, 0, 0]
    desk.action = "hold"
    desk.run_hours(3)
    percent, held, unconfirmed = read()
    assert (percent, unconfirmed) == (5, 0)
    assert 0 < held <= 3 * 3600
    rollout_id = desk.rollout().id
    with transaction(engine) as connection:
        revert_rollout(connection, rollout_id, desk.now, by="lea", reason="x")
    assert read()[:2] == [0, 0]


def test_the_time_of_the_reading_is_exported(engine: Engine, clock: datetime) -> None:
    reading = read_gauges(engine, [Settings()], NO_CHANNELS, clock)
    assert reading["driftwarden_leader_measured_timestamp_seconds"] == {(): clock.timestamp()}


def test_verdict_and_share_are_of_the_newest_window(any_engine: Engine, clock: datetime) -> None:
    def read() -> tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
        reading = read_gauges(any_engine, [Settings()], NO_CHANNELS, clock + 3 * WEEK)
        verdicts = reading.get("driftwarden_window_verdict", {})
        return dict(verdicts), dict(reading.get("driftwarden_drifted_share", {}))

    assert read() == ({}, {})
    store_traffic(any_engine, clock, 20, seed=1)
    assert read() == ({}, {})  # nothing was evaluated
    windows = make_assessment(), not_comparable("csat"), make_assessment(0.3)
    for number, assessment in enumerate(windows):
        with transaction(any_engine) as connection:
            store_evaluation(connection, assessment, clock + number * WEEK)
        verdicts, shares = read()
        assert verdicts["assistant", "window", "not_comparable"] == float(number == 1)
        for side, family in (("input", assessment.input), ("output", assessment.output)):
            known = {v: n for (_, s, v), n in verdicts.items() if s == side}
            assert known == {
                v: float(v == family.verdict) for v in ("drift", "no_drift", "not_enough_data")
            }
            if family.verdict != "not_enough_data":
                share = family.drifted_share
                assert [
                    shares["assistant", side, bound] for bound in ("estimate", "lower", "upper")
                ] == [share.estimate, share.lower, share.upper]
    assert shares["assistant", "input", "estimate"] == 0.3


def test_the_review_queue_ages_until_it_is_touched(engine: Engine, clock: datetime) -> None:
    def read(now: datetime) -> list[float]:
        reading = read_gauges(engine, [Settings()], NO_CHANNELS, now)
        names = ("review_open_items", "review_queue_idle_seconds")
        return [reading[f"driftwarden_{name}"]["assistant",] for name in names]

    assert read(clock) == [0, 0]
    world = make_world(engine, clock)
    with transaction(engine) as connection:
        connection.execute(update(ReviewBatch).values(created_at=clock))
    n_open, idle = read(clock + 2 * DAY)
    assert n_open > 0
    assert idle == 2 * DAY.total_seconds()
    with transaction(engine) as connection:
        connection.execute(
            update(ReviewItem).where(ReviewItem.batch_id == world.batch_id).values(status="gold")
        )
    assert read(clock + 2 * DAY) == [0, 0]


def test_a_failed_window_counts_while_it_is_repeated(any_engine: Engine, clock: datetime) -> None:
    """A retry that takes longer than a scrape must not begin the alert's two hours anew."""
    end, hour = clock + WEEK, timedelta(hours=1)

    def failed(now: datetime) -> float:
        reading = read_gauges(any_engine, [Settings()], NO_CHANNELS, now)
        return reading["driftwarden_failed_windows"]["assistant",]

    def claim(now: datetime) -> EvaluationClaim:
        with transaction(any_engine) as connection:
            made = claim_drift_evaluation(connection, "assistant", clock, end, seed=1, now=now)
        assert made is not None
        return made

    first = claim(end)
    assert failed(end) == 0  # its first attempt runs
    with transaction(any_engine) as connection:
        fail_drift_evaluation(connection, first, "out of memory", end + hour)
    assert failed(end + hour) == 1
    second = claim(end + 3 * hour)
    assert failed(end + 3 * hour) == 1  # its second attempt runs
    with transaction(any_engine) as connection:
        finish_drift_evaluation(
            connection, second, assessment=make_assessment(), scores=NO_SCORES, baseline_id=None,
            provenance={}, now=end + 4 * hour,
        )  # fmt: skip
    assert failed(end + 4 * hour) == 0
