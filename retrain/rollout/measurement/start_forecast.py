"""Forecast of a rollout that is not started yet: how long each check takes at this traffic."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.settings import Settings
from monitor.store.training.registry import VersionRow
from retrain.rollout.checks.check import RolloutCheck
from retrain.rollout.checks.evidence import Tolerances
from retrain.rollout.checks.forecast import Forecast, StartForecast, pairs_at_level
from retrain.rollout.measurement.starting_point import (
    JUDGE,
    JUDGE_LEVEL,
    MIN_VALUES,
    RELEVANCE,
    learn_from,
    measured_shares,
    of_stable,
    past_exchanges,
    past_feedback,
    requests_per_hour,
)
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.plan import make_plan
from retrain.rollout.rows.measured_hours import PastExchange
from retrain.rollout.rows.observed_rollout import arm_rates

#: Share of related responses that a forecast assumes: it is measured with the first look.
RELEVANCE_LEVEL = 0.9


def forecast_start(
    connection: Connection,
    version: VersionRow,
    serving: VersionRow,
    settings: Settings,
    now: datetime,
) -> StartForecast:
    """Return the forecast of a rollout that starts now."""
    plan = make_plan(settings)
    subject = Subject.before_start(version, serving, plan, now)
    newest = past_exchanges(connection, subject)
    past = of_stable(newest, subject, settings.model.version_field)
    point = learn_from(newest, subject, settings, feedback=past_feedback(connection, subject))
    checks = [check for check in point.checks if check.kind == "advance"]
    if settings.rollout.embedded_per_hour:
        checks.append(RolloutCheck(RELEVANCE, "advance", RELEVANCE, level=RELEVANCE_LEVEL))
    traffic = requests_per_hour(newest, now)
    shares = measured_shares(past, settings)
    stage_hours = plan.time_of(0) / timedelta(hours=1)
    users = traffic / _requests_per_user(past)
    return StartForecast(
        traffic,
        subject.weight_percent,
        stage_hours,
        tuple(
            _forecast(check, users, shares, subject.weight_percent, stage_hours, settings)
            for check in checks
        ),
        point.not_compared,
    )


def _forecast(  # noqa: PLR0917 - what a stage consists of
    check: RolloutCheck,
    users: float,
    shares: Mapping[str, float],
    weight_percent: float,
    stage_hours: float,
    settings: Settings,
) -> Forecast:
    """Return the forecast of a check.

    ``shares`` has the share of the exchanges that have a measure. ``users`` come in an hour, of
    both arms.
    """
    rollout = settings.rollout
    rates = arm_rates(weight_percent, rollout.canary_rate, rollout.stable_per_canary)
    weight = weight_percent / 100.0
    canary, stable = users * weight * rates["canary"], users * (1.0 - weight) * rates["stable"]
    level, share = check.level, shares.get(check.metric, 0.0)
    limits = {RELEVANCE: rollout.embedded_per_hour, JUDGE: rollout.judged_per_hour}
    if check.metric in limits:
        share = min(1.0, limits[check.metric] / max(canary + stable, 1.0))
        level = RELEVANCE_LEVEL if check.metric == RELEVANCE else JUDGE_LEVEL
    if check.quantile is not None:
        level = check.threshold
    pace = share * min(canary, stable)
    if level is None or pace == 0.0:
        return Forecast(check.name, None, None, can_be_shown=False)
    tolerances = Tolerances(margin=settings.monitoring.alert_threshold)
    n_pairs = pairs_at_level(check, level, tolerances)
    hours = n_pairs / pace
    return Forecast(check.name, n_pairs, hours, can_be_shown=hours <= stage_hours)


def _requests_per_user(past: Sequence[PastExchange]) -> float:
    """Return the mean requests of a user in an hour, at least those that the sample has."""
    if len(past) < MIN_VALUES:
        return 1.0
    counts: defaultdict[tuple[str, datetime], int] = defaultdict(int)
    for number, row in enumerate(past):
        user = row.end_user or f"\0{number}"
        counts[user, row.occurred_at.replace(minute=0, second=0, microsecond=0)] += 1
    return len(past) / len(counts)
