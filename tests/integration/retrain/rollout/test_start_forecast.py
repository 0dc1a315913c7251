"""The forecast of a rollout before its start, from the traffic so far."""

import pytest
from sqlalchemy import Engine, delete, select

from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.store.training.registry import production_version, version_by_id
from retrain.rollout.checks.check import share_check
from retrain.rollout.checks.evidence import Tolerances
from retrain.rollout.checks.forecast import pairs_at_level
from retrain.rollout.measurement.start_forecast import StartForecast, forecast_start
from retrain.rollout.wording.forecast import describe_forecast
from tests.support.retrain.measured_desk import measured_desk
from tests.support.retrain.rollout_desk import RolloutDesk


def yes(number: int) -> tuple[str, str]:
    return "Is it open?", "Yes, it is open until six." if number % 9 else "I can't help with that."


def forecast_of(desk: RolloutDesk) -> StartForecast:
    canary = desk.register()
    with transaction(desk.engine) as connection:
        version = version_by_id(connection, canary)
        serving = production_version(connection, version.model)
        assert serving is not None
        return forecast_start(connection, version, serving, desk.settings, desk.now)


def test_each_check_has_its_hours_at_this_traffic(engine: Engine) -> None:
    desk = measured_desk(engine, yes, embedded_per_hour=0)
    forecast = forecast_of(desk)
    assert pytest.approx(forecast.requests_per_hour) == 400 / 48
    checks = {check.check: check for check in forecast.checks}
    assert {"malformed", "refusals", "truncation", "errors", "latency"} <= set(checks)
    refusals = checks["refusals"]
    n_pairs = pairs_at_level(share_check("refusals"), 1 / 9, Tolerances())
    assert n_pairs == pytest.approx(refusals.n_pairs, rel=0.05)
    assert refusals.hours is not None
    assert refusals.n_pairs / (forecast.requests_per_hour * 0.05) == pytest.approx(refusals.hours)
    assert not refusals.can_be_shown
    lines = describe_forecast(forecast)
    assert ["Four of five" in lines[0], "refusals " in lines[1]] == [False, True]


def test_checks_without_enough_values_are_named(engine: Engine) -> None:
    desk = measured_desk(engine, yes, embedded_per_hour=0)
    with transaction(engine) as connection:
        last = select(Exchange.id).order_by(Exchange.id.desc()).limit(60)
        connection.execute(delete(Exchange).where(Exchange.id.not_in(last)))
    forecast = forecast_of(desk)
    assert {None} == {check.hours for check in forecast.checks}
    lines = describe_forecast(forecast)
    assert all(check.check in lines[1] for check in forecast.checks)


def test_duration_without_traffic_is_unknown(engine: Engine) -> None:
    desk = measured_desk(engine, yes, embedded_per_hour=0)
    with transaction(engine) as connection:
        connection.execute(delete(Exchange))
    forecast = forecast_of(desk)
    assert forecast.requests_per_hour == 0
    assert {None} == {check.hours for check in forecast.checks}
    assert len(describe_forecast(forecast)) == 1
