"""Wording of the checks of a rollout: result, figures and interval."""

from collections.abc import Sequence
from math import log

from monitor.plurals import pluralize
from monitor.rendering.numbers import format_mean
from retrain.rollout.checks.check import SHARES
from retrain.rollout.checks.results import CheckResult

#: What a check of the default catalogue compares.
SUBJECTS = SHARES | {
    "latency": "responses slower than stable's 95th percentile",
    "relevance": "responses related to their prompt",
}
MISSING = {
    "unmeasured": "not measured yet",
    "unknown_level": "stable's level is not known yet",
    "stale": "no measurement for hours",
    "measured_less": "measured less often on the canary than on stable",
}
#: Results of checks, those that need someone first.
ORDER = ("worse", "missing", "open", "watched", "shown")
#: The pace cannot be estimated from fewer pairs.
MIN_PAIRS = 20


def result_of(check: CheckResult) -> str:
    """Return a check's result: ``worse``, ``missing``, ``open``, ``shown`` or ``watched``."""
    if check.worse:
        return "worse"
    if check.of_experiment:
        return {"better": "shown", "equivalent": "shown"}.get(check.verdict, "open")
    if check.kind != "advance":
        return "watched"
    if check.missing:
        return "missing"
    return "shown" if check.not_worse else "open"


def sort_checks(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return checks, those that need someone first."""
    return sorted(checks, key=lambda check: ORDER.index(result_of(check)))


def describe_check(check: CheckResult, *, is_waited: bool = True) -> str:
    """Return what a check says, in one sentence with its interval.

    ``is_waited`` says whether the stage waits for its advance checks.
    """
    if check.of_experiment:
        return _describe_difference(check)
    if check.loss is None or check.lower is None or check.upper is None:
        return f"{MISSING.get(check.missing, 'not measured yet').capitalize()}."
    loss = check.loss if check.worse or check.stage_loss is None else check.stage_loss
    if check.kind == "limit":
        return _describe_limit(check, loss)
    direction = "worse" if loss >= 0 else "better"
    figures = f"{format_loss(check, abs(loss))} {direction} ({describe_interval(check)})"
    return f"{figures}: {_describe_result(check, is_waited=is_waited)}."


def _describe_result(check: CheckResult, *, is_waited: bool) -> str:
    result = result_of(check)
    if result == "worse":
        return f"worse by more than the negligible {format_loss(check, check.negligible)}"
    if result == "watched":
        return "not shown to be worse. It can revert, and is never waited for"
    if result == "shown":
        return f"not worse by the margin of {format_loss(check, check.margin)}"
    return describe_open(check) if is_waited else "not shown to be worse"


def describe_open(check: CheckResult) -> str:
    """Return why an advance check is not shown yet."""
    if check.missing:
        return MISSING.get(check.missing, check.missing.replace("_", " "))
    left = pairs_left(check)
    more = "" if left is None else f"; about {pluralize(left, 'more pair')} at this pace"
    return (
        f"not shown yet to be less than {format_loss(check, check.margin)} worse; at most "
        f"{format_loss(check, check.upper)} so far{more}"
    )


def describe_course(
    check: CheckResult, hours: int, *, is_waited: bool = True, is_open: bool = True
) -> str:
    """Return what a check's chart shows: the interval against the margin, and what reverts.

    ``is_open`` says whether the rollout can still be reverted.
    """
    if check.lower is None or check.upper is None:
        return describe_check(check, is_waited=is_waited)
    after = f"After {hours:,} h"
    if check.of_experiment:
        word = check.verdict.replace("_", " ") or "no verdict yet"
        return f"{after}, treatment minus control is {describe_interval(check)}: {word}."
    against = _against_margin(check, is_waited=is_waited)
    text = f"{after}, the canary is {_describe_range(check)}{against}."
    if check.worse or not is_open:
        return text
    if check.kind == "limit":
        return f"{text} The rollout reverts once the whole interval is beyond it."
    least = format_loss(check, check.negligible)
    return f"{text} The rollout reverts once more than {least} worse is shown."


def _describe_range(check: CheckResult) -> str:
    """Return estimate and interval of a loss in words, without signs."""
    lower, upper = check.lower or 0.0, check.upper or 0.0
    loss = check.loss if check.worse or check.stage_loss is None else check.stage_loss
    loss = loss or 0.0
    good, bad, than = "better", "worse", " than stable"
    if check.kind == "limit":
        good, bad, than = "within its limit", "beyond its limit", ""
    estimate = f"about {format_loss(check, abs(loss))} {bad if loss > 0 else good}{than}"
    if lower < 0 <= upper:
        good, bad = good.split()[0], bad.split()[0]
        return f"{estimate} ({_number(check, -lower)} {good} to {_number(check, upper)} {bad})"
    least, most = sorted((abs(lower), abs(upper)))
    return f"{estimate} ({_number(check, least)} to {_number(check, most)})"


def _against_margin(check: CheckResult, *, is_waited: bool) -> str:
    """Return how the interval lies to the margin or the negligible difference."""
    result = result_of(check)
    if result == "worse":
        least = format_loss(check, check.negligible)
        return ", which reverts it" if check.kind == "limit" else f": more than {least} reverts it"
    if result == "missing":
        return f"; {MISSING.get(check.missing, check.missing.replace('_', ' '))}"
    margin = format_loss(check, check.margin)
    if result == "shown":
        return f": it is not worse by the margin of {margin}"
    if result == "watched" or not is_waited:
        return ""
    left = pairs_left(check)
    more = "" if left is None else f"; that takes about {pluralize(left, 'more pair')} at this pace"
    return f": not yet shown to be less than {margin} worse{more}"


def pairs_left(check: CheckResult) -> int | None:
    """Return about how many more pairs show a check, at the pace so far; ``None``: unknown.

    The logarithm of a wealth that grows does so in proportion to the pairs.
    """
    wealth = check.wealth_not_worse
    if check.missing or check.not_worse or check.n_stage_pairs < MIN_PAIRS or wealth < 1.5:
        return None
    pace = log(check.wealth_to_advance) / log(wealth) - 1.0
    return max(1, int(float(f"{check.n_stage_pairs * pace:.2g}"))) if pace > 0 else None


def describe_interval(check: CheckResult) -> str:
    """Return the confidence sequence of a loss: positive values are worse."""
    if check.lower is None or check.upper is None:
        return "no interval yet"
    unit = " points" if check.is_share else ""
    return f"{_number(check, check.lower, '+')} to {_number(check, check.upper, '+')}{unit}"


def format_loss(check: CheckResult, value: float | None) -> str:
    """Return a loss with its unit: points for shares."""
    if value is None:
        return "an unknown margin"
    number = _number(check, value)
    if not check.is_share:
        return number
    return f"{number} {'point' if number in {'1', '1.0'} else 'points'}"


def _describe_difference(check: CheckResult) -> str:
    if check.difference is None:
        return "Not measured yet."
    word = check.verdict.replace("_", " ") or "no verdict yet"
    difference = f"{_number(check, check.difference, '+')} ({describe_interval(check)})"
    return f"Treatment minus control: {difference}; {word}."


def _describe_limit(check: CheckResult, loss: float) -> str:
    if check.worse:
        least = format_loss(check, check.lower)
        return f"Beyond the limit by {format_loss(check, loss)}, at least {least}."
    if loss > 0:
        return f"Beyond the limit by {format_loss(check, loss)}, which chance may explain."
    return f"Within the limit by {format_loss(check, -loss)}."


def _number(check: CheckResult, value: float, sign: str = "") -> str:
    if not check.is_share:
        return f"{sign if value > 0 else ''}{format_mean(value)}"
    points = 100 * value
    digits = 0 if abs(points) >= 9.95 else 1 if abs(points) >= 0.095 else 2
    text = f"{points:{sign}.{digits}f}"
    return "0" if float(text) == 0 else text
