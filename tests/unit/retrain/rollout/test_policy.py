"""Rollout policy: no advance without measurements, a revert at every failure."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ConfigurationError
from monitor.settings import Rollout
from retrain.rollout.policy import (
    Health,
    HealthCheck,
    RolloutDecision,
    first_stage_percent,
    next_step,
)

NOW = datetime(2026, 11, 2, tzinfo=UTC)
SETTINGS = Rollout()

checks = st.lists(
    st.builds(
        HealthCheck, st.sampled_from(["latency", "errors"]), st.sampled_from([True, False, None])
    ),
    max_size=4,
)
rising = st.lists(st.integers(1, 99), unique=True, max_size=5).map(
    lambda steps: (*sorted(steps), 100)
)
settings_of = st.builds(
    lambda steps, dwell, least: Rollout(
        stages=steps, min_dwell=timedelta(hours=dwell), min_samples=least
    ),
    rising,
    st.floats(0, 200),
    st.integers(1, 500),
)


def ok(n: int = 500) -> Health:
    return Health(n, (HealthCheck("errors", True), HealthCheck("latency", True)))


def step(health: Health, *, hours: float, percent: int = 5) -> RolloutDecision:
    return next_step(percent, NOW - timedelta(hours=hours), health, NOW, SETTINGS)


@given(
    settings=settings_of,
    seen=checks,
    n=st.integers(0, 1000),
    hours=st.floats(0, 400),
    data=st.data(),
)
def test_the_rules(
    settings: Rollout, seen: list[HealthCheck], n: int, hours: float, data: st.DataObject
) -> None:
    percent = data.draw(st.sampled_from(settings.stages))
    started = NOW - timedelta(hours=hours)
    decision = next_step(percent, started, Health(n, tuple(seen)), NOW, settings)
    passed = [check.passed for check in seen]
    if False in passed:
        assert (decision.action, decision.percent) == ("revert", 0)
    elif not seen or None in passed:
        assert (decision.action, decision.percent) == ("hold", percent)
    elif NOW - started < settings.min_dwell or n < settings.min_samples:
        assert (decision.action, decision.percent) == ("wait", percent)
    else:
        assert decision.action == "advance"
        assert decision.percent in settings.stages
        assert decision.percent > percent or percent == 100
        assert decision.completes == (decision.percent == 100)
    assert decision.reason


@given(settings=settings_of, data=st.data())
def test_a_healthy_canary_climbs_every_step_once(settings: Rollout, data: st.DataObject) -> None:
    percent, at, climbed = first_stage_percent(settings), NOW, [first_stage_percent(settings)]
    while percent < 100:
        later = at + settings.min_dwell
        decision = next_step(percent, at, ok(settings.min_samples), later, settings)
        assert decision.action == "advance"
        percent, at = decision.percent, later
        climbed.append(percent)
    assert climbed == list(settings.stages)


def test_a_step_that_the_configuration_no_longer_has_still_rises() -> None:
    assert step(ok(), hours=50, percent=10).percent == 25
    assert step(ok(), hours=50, percent=60).percent == 100


@pytest.mark.parametrize(
    ("health", "hours", "action", "reason"),
    [
        (ok(), 47.9, "wait", "5% .*2026-11-02 00:06 UTC"),
        (ok(199), 48, "wait", "199 of 200 .*5%"),
        (ok(200), 48, "advance", "200 .*: errors, latency"),
        (Health(500, ()), 99, "hold", ".+"),
        (Health(500, (HealthCheck("errors", None),)), 99, "hold", ".* errors"),
        (
            Health(1, (HealthCheck("errors", False, "9% against 1%"), HealthCheck("x", None))),
            0,
            "revert",
            "errors .*: 9% against 1%",
        ),
    ],
)
def test_decisions_have_a_reason(health: Health, hours: float, action: str, reason: str) -> None:
    decision = step(health, hours=hours)
    assert decision.action == action
    assert re.search(rf"{reason}$", decision.reason)


@pytest.mark.parametrize("steps", [(), (5, 25), (25, 5, 100), (5, 5, 100), (100, 100)])
def test_stages_must_rise_to_all_traffic(steps: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"rollout\.stages = .*\b100$"):
        first_stage_percent(Rollout(stages=steps))
