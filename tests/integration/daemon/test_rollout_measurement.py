"""The daemon measures a rollout's observations and acts on them."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine, delete, select

from monitor.scheduling.runner import DirectRunner
from monitor.settings.drift import Drift
from monitor.store.engine import transaction
from monitor.store.tables import RolloutObservation, RolloutScore
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.position import FeedbackRow, Position
from monitor.store.training.registry import production_version, version_by_id
from retrain.rollout.commands.text import read_status, status_lines
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.measurement.start_forecast import forecast_start
from retrain.rollout.rows.comparisons import comparison_of, example_pairs
from retrain.rollout.rows.looks import spread_looks
from retrain.rollout.rows.measured_hours import measurement_of
from tests.support.retrain.measured_desk import HOUR, NOW, NamedEncoder, measured_desk, run_hours
from tests.support.retrain.rollout_desk import MODEL, settings_of


def intent(number: int) -> tuple[str, str]:
    return "Which intent?", json.dumps({"intent": f"intent {number % 7}", "sure": True})


def as_json(_arm: str, _measures: Mapping[str, float]) -> tuple[str, str]:
    return "Which intent?", '{"intent": "intent 1", "sure": true}'


def prose_of_canary(arm: str, measures: Mapping[str, float]) -> tuple[str, str]:
    return as_json(arm, measures) if arm == "stable" else ("Which intent?", "It is intent 1.")


def test_a_canary_without_the_output_format_is_reverted(engine: Engine) -> None:
    desk = measured_desk(engine, intent, embedded_per_hour=0)
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    run_hours(desk, 5, prose_of_canary)
    rollout = desk.rollout()
    assert (rollout.status, desk.stage(canary)) == ("reverted", "candidate")
    assert desk.in_force() == (1, None, 0)
    with transaction(engine) as connection:
        looks = spread_looks(connection, rollout.id, limit=1000)
        document = measurement_of(connection, rollout.id)
        scores = list(connection.execute(select(RolloutScore.name)).scalars())
    assert document is not None
    assert document["formats"] == {"": {"json": ["intent", "sure"]}}
    assert looks[-1].action == "revert"
    assert sum(look.n_canary for look in looks) == len(scores) > 50


def test_labels_of_several_end_users_only_are_stored(engine: Engine) -> None:
    def label(number: int) -> tuple[str, str]:
        return "Yes or no?", "Ann Smith" if number == 3 else ("yes", "no")[number % 2]

    desk = measured_desk(engine, label, embedded_per_hour=0)
    desk.start()
    desk.tick()
    run_hours(desk, 1, as_json)
    rollout_id = desk.rollout().id
    with transaction(engine) as connection:
        document = measurement_of(connection, rollout_id)
    assert document is not None
    assert document["formats"] == {"": {"labels": ["no", "yes"]}}


def test_metrics_with_no_check_are_named_with_reasons(engine: Engine) -> None:
    settings = settings_of(embedded_per_hour=0).model_copy(
        update={"drift": Drift(higher_is_better=("resolved", "csat"), lower_is_better=("cost",))}
    )
    desk = measured_desk(engine, intent, settings)
    canary = desk.register()
    with transaction(engine) as connection:
        version = version_by_id(connection, canary)
        serving = production_version(connection, MODEL)
        assert serving is not None
        started = forecast_start(connection, version, serving, settings, desk.now)
        forecast = started.not_compared
    assert list(forecast) == ["csat", "cost"]
    desk.start(canary)
    desk.tick()
    run_hours(desk, 1, as_json)
    with transaction(engine) as connection:
        status = read_status(connection, MODEL)
    assert status.as_json()["not_compared"] == forecast
    lines = [line for line in status_lines(status) if "not compared, because" in line]
    assert ["csat" in lines[0], "cost" in lines[1], len(lines)] == [True, True, 2]


def test_the_daemon_counts_and_shows_late_feedback(engine: Engine) -> None:
    def rate(source: str, ratings: Mapping[str, float], at: datetime) -> None:
        rows = [
            FeedbackRow(
                position=Position(source, 9, number),
                exchange_id=exchange_id,
                model=MODEL,
                name="thumbs_up",
                value=value,
                given_at=at,
                received_at=at,
            )
            for number, (exchange_id, value) in enumerate(ratings.items(), next(offsets))
        ]
        with transaction(engine) as connection:
            insert_feedback(connection, rows)

    offsets = count(0, 1_000_000)
    desk = measured_desk(engine, intent, embedded_per_hour=0)
    rate("topic", {f"past-{n}": float(n % 10 > 0) for n in range(400)}, NOW - HOUR)
    desk.start(desk.register())
    desk.tick()
    run_hours(desk, 1, as_json)
    with transaction(engine) as connection:
        observed = connection.execute(
            select(RolloutObservation.exchange_id, RolloutObservation.arm)
        ).all()
    rate("simulated", {row.exchange_id: float(row.arm == "stable") for row in observed}, desk.now)
    run_hours(desk, 1, as_json)
    rollout = desk.rollout()
    assert rollout.status == "reverted"
    with transaction(engine) as connection:
        status = read_status(connection, MODEL)
        reasons = spread_looks(connection, rollout.id, limit=1000)[-1].reasons
    assert [reason.check for reason in reasons] == ["feedback thumbs_up"]
    assert any(line.strip().startswith("feedback thumbs_up") for line in status_lines(status))


WORDS = ("card", "loan", "rent", "bill", "cash", "bank", "fees", "safe", "sale", "coin")


def on_topic(number: int) -> tuple[str, str]:
    first, second = WORDS[number % 10], WORDS[number // 10 % 10]
    return f"{first} {second} {number}", f"{first} {second} " + "is fine, " * 6


def off_topic_of_canary(arm: str, measures: Mapping[str, float]) -> tuple[str, str]:
    number = int(measures["length"] * 1000)
    prompt, response = on_topic(number)
    return prompt, response if arm == "stable" else on_topic(number + 37)[1]


def test_unrelated_responses_revert_and_are_shown_as_examples(engine: Engine) -> None:
    desk = measured_desk(engine, on_topic, embedded_per_hour=300, stages=[25, 100])
    runner = DirectRunner(engine, desk.settings.embedding, NamedEncoder)
    measurement = RolloutMeasurement(engine, desk.settings, NOW, runner)
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    run_hours(desk, 4, off_topic_of_canary)
    rollout = desk.rollout()
    measurement.compare(desk.now)
    with transaction(engine) as connection:
        looks = spread_looks(connection, rollout.id, limit=1000)
        arms = Counter(
            connection.execute(
                select(RolloutObservation.arm).join(
                    RolloutScore, RolloutScore.observation_id == RolloutObservation.id
                )
            ).scalars()
        )
        comparison = comparison_of(connection, rollout.id)
        assert comparison is not None
        pairs = example_pairs(connection, comparison)
        connection.execute(
            delete(RolloutObservation).where(RolloutObservation.id == pairs[0].canary.id)
        )
        left = example_pairs(connection, comparison)
    assert rollout.status == "reverted"
    assert [check.name for check in looks[-1].checks if check.worse] == ["relevance"]
    # About 300 an hour of both, thinned alike: three of stable to one of the canary.
    assert 0.15 < arms["canary"] / arms.total() < 0.35
    assert 150 * len(looks) < arms.total() < 450 * len(looks)
    assert (len(pairs), len(left)) == (10, 9)
    assert not any(word in json.dumps(comparison.result) for word in WORDS)


def test_no_stage_passes_where_nothing_is_measured(engine: Engine) -> None:
    desk = measured_desk(engine, intent, embedded_per_hour=0, stages=[100])
    desk.start(desk.register())
    desk.tick()
    for _ in range(9):
        desk.tick(HOUR)
        desk.now += timedelta(minutes=11)
        desk.look()
    assert (desk.rollout().status, desk.events()[-1]) == ("holding", "asked")
    assert desk.in_force() == (1, 2, 99)


@pytest.mark.drill
def test_an_equal_canary_reaches_all_traffic(engine: Engine) -> None:
    desk = measured_desk(engine, intent, embedded_per_hour=0, min_dwell="24h", stages=[25, 50, 100])
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    run_hours(desk, 80, as_json)
    assert (desk.rollout().status, desk.stage(canary)) == ("completed", "production")
