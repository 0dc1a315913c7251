"""Remarks on the data of a comparison: limitations that the reader must know."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from monitor.drift import SampleDesign
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import join_names
from monitor.rendering.wording import example_line
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Topic, UntestedReason
from monitor.windows.comparison.large_users import large_user_shares
from monitor.windows.comparison.matched_days import MatchedDays
from monitor.windows.comparison.window_comparison import ComparedSide, WindowComparison
from monitor.windows.topics.segmenters import missing_segmenter

#: With this many exchanges a day on average, a day without any is chance once in a thousand days.
USUAL_PER_DAY = 7.0

#: Beginning of a remark on a large end user, by which erasure finds the name.
LARGE_USER = re.compile(r"One user \((.*)\) sent ")

#: Extra of driftwarden -> language, and the package that separates its words.
SEGMENTERS = {"chinese": ("Chinese", "jieba"), "thai": ("Thai", "PyThaiNLP")}

#: Difference of the shares of copies of two sides that is remarked on.
COPIES_DIFFERENCE = 0.1

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")

#: Days named in a remark.
DAYS_NAMED = 7


def untested_reason(
    reference: Exchanges, current: Exchanges, least: int, *, with_responses: bool = True
) -> UntestedReason:
    """Return why responses could not be compared although prompts could.

    The baseline needs ``least`` responses: a window of empty responses is compared. With
    ``with_responses`` both sides have responses, if only empty ones.
    """
    n_responses = current.n_responses, reference.n_responses
    if not any(n_responses):
        return "no_responses"
    if n_responses[1] < least or not with_responses:
        return "few_responses"
    return "few_comparable_prompts"


def remarks_on_untested_responses(
    reason: UntestedReason | None, reference: Exchanges, current: Exchanges, least: int
) -> tuple[str, ...]:
    """Return a remark why responses could not be compared; none where neither side has any."""
    if reason not in {"few_responses", "few_comparable_prompts"}:
        return ()
    detail = f"fewer than {least:,} prompts of a side are comparable with prompts of the other"
    if reason == "few_responses":
        detail = (
            f"{current.n_responses:,} of {pluralize(len(current), 'exchange')} in the window and "
            f"{reference.n_responses:,} of {len(reference):,} in the baseline have one; {least:,} "
            "are required in the baseline, and one in the window"
        )
    return (f"The responses could not be compared: {detail}.",)


def remarks_on_missing_users(
    reference: Exchanges, current: Exchanges, least: float
) -> tuple[str, ...]:
    """Return a remark on exchanges without an end user, where others have one.

    Below ``least``, the least drifted share, they cannot cause an alarm.
    """
    sides = (current, reference)
    missing = [sum(not user for user in side.end_users) for side in sides]
    if all(n == len(side) for n, side in zip(missing, sides, strict=True)) or not any(
        n and n >= least * len(side) for n, side in zip(missing, sides, strict=True)
    ):
        return ()
    remark = (
        f"Without an end user: {missing[0]:,} of {pluralize(len(current), 'exchange')} in the "
        f"window, {missing[1]:,} of {len(reference):,} in the baseline. Each of these counts as an "
        "end user of its own, so one person who sends many can cause a false alarm."
    )
    return (remark,)


def remarks_on_copies(reference: Exchanges, current: Exchanges) -> tuple[str, ...]:
    """Return a remark where one side repeats itself more than the other, and names no end users.

    Copies that belong to one end user are one unit of the test; without end users each is a unit of
    its own, and repeating a side changes its density as drift does.
    """
    copies = [_share_of_copies(side) for side in (current, reference)]
    if abs(copies[0] - copies[1]) < COPIES_DIFFERENCE:
        return ()
    remark = (
        f"Repeated word for word and without an end user: {copies[0]:.0%} of the window, "
        f"{copies[1]:.0%} of the baseline. Copies on one side alone can cause a false alarm; "
        "remove them, or name their end users."
    )
    return (remark,)


def _share_of_copies(exchanges: Exchanges) -> float:
    """Return the share of the exchanges that repeat another one, of those without an end user."""
    unknown = [""] * len(exchanges)
    columns = (column or unknown for column in (exchanges.responses, exchanges.end_users))
    # Hashes, as a large window would not fit in memory.
    pairs = [
        hash((prompt, response))
        for prompt, response, end_user in zip(exchanges.prompts, *columns, strict=True)
        if not end_user
    ]
    return (len(pairs) - len(set(pairs))) / len(exchanges) if pairs else 0.0


def remarks_on_pairs(comparison: WindowComparison) -> tuple[str, ...]:
    """Return a remark where both sides have the same prompts, and are compared in pairs."""
    pairs = comparison.pairs
    has_metrics = any(column.side == "metric" for column in comparison.columns)
    if pairs is None or (comparison.responses is None and not has_metrics):
        return ()
    n_prompts = pluralize(pairs.n_prompts, "prompt")
    remark = f"The same {n_prompts} on both sides: compared in pairs."
    left_out = [
        len(side.compared) - len(pairs) for side in (comparison.reference, comparison.current)
    ]
    if any(left_out):
        remark += (
            f" Without a partner, and not in these comparisons: {left_out[1]:,} exchanges of the "
            f"window, {left_out[0]:,} of the baseline."
        )
    return (remark,)


def remarks_on_large_users(reference: ComparedSide, current: ComparedSide) -> tuple[str, ...]:
    """Return a remark on each large end user of a side that was thinned."""
    sides = (("baseline", reference), ("window", current))
    remarks: list[str] = []
    for name, side in sides:
        if len(side.compared) == len(side.whole):
            continue
        n_left = Counter(side.compared.end_users)
        remarks += [
            f"One user ({excerpt(user, 40)}) sent {share:.0%} of the {name}. So that one end user "
            f"does not decide the result, {n_left[user]:,} of these exchanges are compared."
            for user, share in large_user_shares(side.whole).items()
        ]
    return tuple(remarks)


def remarks_on_matched_days(matched: MatchedDays | None, n_current: int) -> tuple[str, ...]:
    """Return a remark on a window that was compared with some days of the week of its baseline."""
    if matched is None:
        return ()
    n = len(matched.reference)
    names = join_names([WEEKDAYS[day] for day in matched.weekdays])
    remark = (
        f"Compared with the {names} of the baseline, {n:,} of "
        f"{pluralize(matched.n_baseline, 'exchange')}: the window has no other day of the week. "
        "`drift.match_weekdays` (in `compare`, `--all-days`) turns this off."
    )
    if n < n_current:
        remark += " A baseline with more of them detects smaller changes."
    return (remark,)


def remarks_on_topic_names(topics: Sequence[Topic]) -> tuple[str, ...]:
    """Return a remark on each language whose topics are named without a segmenter."""
    missing = {
        missing_segmenter(" ".join((topic.name, *map(example_line, topic.examples))))
        for topic in topics
    }
    return tuple(
        f"Topics in {language} are named by sequences of characters, not by words: the package "
        f"{package} is not installed; `pip install 'driftwarden[{extra}]'`."
        for extra, (language, package) in SEGMENTERS.items()
        if extra in missing
    )


def remark_on_design(
    reference: Exchanges, current: Exchanges, design: SampleDesign | None
) -> tuple[str, ...]:
    """Return a remark on different sampling rates, where there are any."""
    if design is None:
        return ()
    n_current = int(design.current_comparable.sum())
    n_reference = int(design.reference_comparable.sum())
    remark = (
        "The exchanges were sampled at different rates: shares and means are weighted, and the "
        f"tests compare {n_current:,} of {len(current):,} exchanges with {n_reference:,} of "
        f"{len(reference):,} of the baseline, thinned to one rate."
    )
    return (remark,)


def withheld_remark(n_withheld: int, share: float) -> str:
    """Return a remark on exchanges whose texts the source withheld."""
    return (
        f"Not compared: {pluralize(n_withheld, 'exchange')} ({share:.0%}) whose texts the source "
        "withheld, redacted or not captured."
    )


def remarks_on_silent_days(
    occurred_at: Sequence[datetime], bounds: tuple[datetime, datetime] | None
) -> tuple[str, ...]:
    """Return a remark on days without traffic, where other days have too much for chance.

    ``bounds`` are the first instant of the window and the first after it; ``None`` takes the days
    between the first and the last exchange.
    """
    days_with_traffic = {instant.astimezone(UTC).date() for instant in occurred_at}
    if not days_with_traffic or len(occurred_at) / len(days_with_traffic) < USUAL_PER_DAY:
        return ()
    if bounds is None:
        first, last = min(days_with_traffic), max(days_with_traffic)
    else:
        first = bounds[0].astimezone(UTC).date()
        last = (bounds[1] - timedelta(microseconds=1)).astimezone(UTC).date()
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    silent = [day for day in days if day not in days_with_traffic]
    # Of a file that spans months, single silent days are worth a remark, not most of its days.
    if not silent or (bounds is None and len(silent) > len(days) / 2):
        return ()
    return (f"No traffic on {pluralize(len(silent), 'day')} of the window: {_dates(silent)}.",)


def _dates(days: Sequence[date]) -> str:
    dates = ", ".join(f"{day:%Y-%m-%d}" for day in days[:DAYS_NAMED])
    return dates if len(days) <= DAYS_NAMED else f"{dates} and {len(days) - DAYS_NAMED} more"
