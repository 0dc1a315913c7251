"""Wording of the forecast of a rollout before its start."""

from collections.abc import Sequence

from retrain.rollout.checks.forecast import Forecast, StartForecast
from retrain.rollout.wording.summary import describe_not_compared

#: Hours up to which a time is told in hours.
MAX_HOURS = 240


def describe_forecast(forecast: StartForecast) -> tuple[str, ...]:
    """Return what a user should know before a rollout starts; the slowest checks come first."""
    if not forecast.requests_per_hour:
        first = (
            "The sample has too few exchanges of the stable version to tell how long the checks "
            "take; the page of the rollout tells it from its first hours on"
        )
        return first, *describe_not_compared(forecast.not_compared)
    slowest_first = sorted(forecast.checks, key=lambda check: -(check.hours or 0.0))
    canary = forecast.requests_per_hour * forecast.percent / 100.0
    amount = f"about {canary:,.0f}" if canary >= 1 else "less than one"
    traffic = f"At about {forecast.requests_per_hour:,.0f} requests an hour"
    lines = [f"{traffic}, the canary gets {amount} at {forecast.percent:g}%"]
    in_time = [check for check in slowest_first if check.can_be_shown]
    if in_time:
        lines[0] += (
            f". Four of five equal versions are shown to be as good within: {_list(in_time)}"
        )
    slow = [check for check in slowest_first if check.hours and not check.can_be_shown]
    if slow:
        lines.append(
            f"Longer than the {forecast.stage_hours:.0f} h of the stage at this traffic: "
            f"{_list(slow)}. The rollout holds for them, and asks a lead in the end"
        )
    unmeasured = [check.check for check in slowest_first if check.hours is None]
    if unmeasured:
        lines.append(
            f"Too few values in the traffic before the rollout: {', '.join(unmeasured)}. The "
            "rollout holds until both versions have some"
        )
    return *lines, *describe_not_compared(forecast.not_compared)


def _list(checks: Sequence[Forecast]) -> str:
    return ", ".join(f"{check.check} {_time(check.hours)}" for check in checks)


def _time(hours: float | None) -> str:
    if hours is None:
        return "an unknown time"
    if hours < 1:
        return "an hour"
    return f"{hours:,.0f} h" if hours < MAX_HOURS else f"{hours / 24:,.0f} days"
