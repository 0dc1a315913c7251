"""What the reader of an evaluation should know about its data."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from monitor.plurals import pluralize
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import UntestedReason

#: Where a day has so many exchanges on average, one without any is chance once in a thousand days.
USUAL_A_DAY = 7.0


def remarks_on(window: Exchanges, bounds: tuple[datetime, datetime] | None) -> tuple[str, ...]:
    """Return remarks on the exchanges that are compared; see :func:`silent_days`."""
    return silent_days(window.occurred_at, bounds)


def why_incomparable(reference: Exchanges, current: Exchanges, least: int) -> UntestedReason:
    """Return why answers could not be compared, of exchanges whose prompts could.

    Args:
        reference: The baseline.
        current: The window.
        least: Answers that are needed on either side.
    """
    n_responses = current.n_responses, reference.n_responses
    if not any(n_responses):
        return "no_responses"
    return "few_responses" if min(n_responses) < least else "few_comparable_prompts"


def incomparable_answers(
    because: UntestedReason, reference: Exchanges, current: Exchanges, least: int
) -> tuple[str, ...]:
    """Say why answers could not be compared; nothing where neither side has any.

    Args:
        because: From :func:`why_incomparable`.
        reference: The baseline.
        current: The window.
        least: Answers that are needed on either side.
    """
    if because == "no_responses":
        return ()
    n_responses = current.n_responses, reference.n_responses
    why = (
        f"{n_responses[0]:,} of {pluralize(len(current), 'exchange')} in the window and "
        f"{n_responses[1]:,} of {len(reference):,} in the baseline have one; {least:,} are needed on "
        "either side"
        if because == "few_responses"
        else f"fewer than {least:,} prompts on a side are like some of the other"
    )
    return (f"The answers could not be compared: {why}.",)


def missing_users(reference: Exchanges, current: Exchanges, least: float) -> tuple[str, ...]:
    """Say how many exchanges have no user, where others have one.

    Args:
        reference: The baseline.
        current: The window.
        least: The floor of the drifted share: a smaller share without a user can't alarm alone.
    """
    sides = (current, reference)
    missing = [sum(not user for user in side.end_users) for side in sides]
    if all(n == len(side) for n, side in zip(missing, sides, strict=True)) or not any(
        n and n >= least * len(side) for n, side in zip(missing, sides, strict=True)
    ):
        return ()
    remark = (
        f"Without a user: {missing[0]:,} of {pluralize(len(current), 'exchange')} in the window, "
        f"{missing[1]:,} of {len(reference):,} in the baseline. Each of these counts as a user of "
        "its own, so one person who sends many can raise a false alarm."
    )
    return (remark,)


def withheld_remark(n_withheld: int, share: float) -> str:
    """Say how much of the traffic could not be compared, as its source kept the texts back.

    Args:
        n_withheld: Exchanges of the sample.
        share: The estimated share of the traffic that they stand for.
    """
    return (
        f"Left out: {pluralize(n_withheld, 'exchange')} ({share:.0%}) of which the source kept the "
        "texts back, redacted or not captured."
    )


def silent_days(
    occurred_at: Sequence[datetime], bounds: tuple[datetime, datetime] | None
) -> tuple[str, ...]:
    """Name the days without traffic, where there is so much on the others that it isn't chance.

    Args:
        occurred_at: When the exchanges of the window occurred.
        bounds: First instant of the window and first after it; ``None`` takes the days between
            the first and the last exchange.
    """
    seen = {instant.astimezone(UTC).date() for instant in occurred_at}
    if not seen or len(occurred_at) / len(seen) < USUAL_A_DAY:
        return ()
    if bounds is None:
        first, last = min(seen), max(seen)
    else:
        first = bounds[0].astimezone(UTC).date()
        last = (bounds[1] - timedelta(microseconds=1)).astimezone(UTC).date()
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    silent = [day for day in days if day not in seen]
    # Of a file that spans months only whole weeks of traffic would make this worth reading.
    if not silent or (bounds is None and len(silent) > len(days) / 2):
        return ()
    return (f"No traffic on {pluralize(len(silent), 'day')} of the window: {_dates(silent)}.",)


def _dates(days: Sequence[date], shown: int = 7) -> str:
    named = ", ".join(f"{day:%Y-%m-%d}" for day in days[:shown])
    return named if len(days) <= shown else f"{named} and {len(days) - shown} more"
