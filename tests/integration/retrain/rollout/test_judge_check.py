"""The judge's check must be shown where it samples enough, and else can only revert."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, update

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from retrain.rollout.measurement.next_look import next_look
from retrain.rollout.measurement.starting_point import fix_starting_point
from retrain.rollout.measurement.subject import Subject
from tests.support.retrain.measured_desk import HOUR, NOW, measured_desk
from tests.support.retrain.rollout_desk import MODEL

#: The desk's 400 past exchanges are of 48 hours.
PAST_PER_HOUR = 400 / 48


def judge_settings(judged_per_hour: int) -> Settings:
    return Settings(
        model={"name": MODEL},
        retrain={"judge": {"url": "http://judge", "model": "m"}},
        rollout={"judged_per_hour": judged_per_hour, "embedded_per_hour": 0},
    )


def started(engine: Engine, traffic: float) -> Subject:
    """Return a rollout at 5%, of a model with so many requests an hour; 0: none known."""
    desk = measured_desk(engine, lambda _: ("Yes or no?", "yes"), judge_settings(40))
    rollout = desk.start()
    with transaction(engine) as connection:
        if traffic:
            probability = min(PAST_PER_HOUR / traffic, 1.0)
            connection.execute(update(Exchange).values(inclusion_probability=probability))
        else:
            connection.execute(delete(Exchange))
    return Subject(
        rollout_id=rollout.id,
        model=MODEL,
        stable=1,
        canary=2,
        started_at=NOW,
        stage=0,
        n_stages=4,
        percent=5,
        weight_percent=5,
        stage_started_at=NOW,
        min_dwell=timedelta(hours=48),
        max_hold=timedelta(hours=48),
    )


@pytest.mark.parametrize(
    ("traffic", "judged_per_hour", "kind"),
    [
        (2000, 100, "advance"),
        (2000, 40, "revert_only"),
        (100, 100, "revert_only"),  # five requests of the canary an hour
        (0, 100, "revert_only"),
    ],
)
def test_kind_follows_the_forecast(
    engine: Engine, traffic: float, judged_per_hour: int, kind: str
) -> None:
    subject = started(engine, traffic)
    with transaction(engine) as connection:
        point = fix_starting_point(connection, subject, judge_settings(judged_per_hour))
        later = fix_starting_point(connection, subject, judge_settings(140 - judged_per_hour))
        look = next_look(
            connection, subject, judge_settings(judged_per_hour), NOW + HOUR, NOW + HOUR
        )
    assert point == later  # fixed at the start
    assert [kind] == [check.kind for check in point.checks if check.name == "judge"]
    assert look is not None
    (by_judge,) = [check for check in look.checks if check.name == "judge"]
    assert (kind, True) == (by_judge.kind, bool(by_judge.missing))
