"""Messages by themselves, against the faults: what is not so, or so no longer."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.game_days.faults import MINUTE, Strike
from tests.game_days.judgement.flaws import BEHIND, ROUNDING, Flaw, flaw
from tests.game_days.judgement.wording import (
    LEVELS,
    cause_of,
    ends,
    instants,
    is_about,
    is_beside,
    present,
    since,
    spans,
)
from tests.game_days.ledger import Message, says_open
from tests.game_days.world.channels import ALERTMANAGER, PAGER

#: How a message of an incident that is not resolved yet says that what it names has ended.
NO_LONGER = re.compile(r"has not held since", re.IGNORECASE)
#: Messages without an incident that are no alarm.
NOTICES = re.compile(r"digest|keep the model|retrain|not listed|months old", re.IGNORECASE)


def find_flaws(message: Message, strikes: Sequence[Strike]) -> Iterator[Flaw]:
    """Yield what is wrong with a message."""
    if message.incident is None and NOTICES.search(message.title):
        return
    if message.channel in {PAGER, ALERTMANAGER} and message.is_open != says_open(message.text):
        yield flaw("contradicting", message, "its text and its state differ")
    level = LEVELS.get(cause_of(message), message.level)
    if message.is_open and message.level not in {"", level}:
        yield flaw("contradicting", message, f"{message.level}, and the runbook says {level}")
    begun = [strike for strike in strikes if strike.begin <= message.at]
    about = [strike for strike in begun if is_about(message, strike)]
    if about:
        yield from _untrue(message, about)
        yield from _wrong_spans(message, begun)
    elif not any(is_beside(message, strike) for strike in begun):
        yield flaw("false", message, "nothing of the kind was so")


def _untrue(message: Message, about: Sequence[Strike]) -> Iterator[Flaw]:
    """Yield what a message says that is not so of the faults that it is about."""
    lasting = [
        strike
        for strike in about
        if message.at <= strike.end + strike.fault.lingers + _slack(strike)
    ]
    if message.is_open and not lasting and not NO_LONGER.search(message.text):
        ended = max(strike.end for strike in about)
        yield flaw("stale", message, f"it ended {ended:%d %b %H:%M}")
    if not message.is_open and all(strike.end > message.at for strike in about):
        yield flaw("false", message, "it lasts, and the message says that it has ended")
    yield from _wrong_times(message, about)
    for figure in {figure for strike in about for figure in strike.fault.figures}:
        bounds = [figure.bounds(s.size) for s in about if figure in s.fault.figures]
        for match in re.finditer(figure.pattern, present(message.text)):
            value = float(match[1].replace(",", ""))
            if not any(least <= value <= most for least, most in bounds):
                yield flaw("false", message, f"{value:g}, and {bounds} would be true")


def _wrong_times(message: Message, about: Sequence[Strike]) -> Iterator[Flaw]:
    """Yield the times that are before the faults, after them, or to come."""
    earliest = min(strike.begin - strike.fault.resolution for strike in about) - ROUNDING
    latest = max(strike.end + strike.fault.lingers + _slack(strike) for strike in about)
    for begin in since(message.text):
        if begin < earliest:
            yield flaw("contradicting", message, f"since {begin:%d %b %H:%M}, before it began")
        elif begin > latest:
            yield flaw("contradicting", message, f"since {begin:%d %b %H:%M}, after it ended")
    ended = ends(message.text)
    if ended and all(max(ended) < strike.end - ROUNDING for strike in about):
        yield flaw("contradicting", message, f"until {max(ended):%d %b %H:%M}, before it ended")
    for at in (*instants(message.text), *ended):
        if at > message.at + ROUNDING:
            yield flaw("contradicting", message, f"{at:%d %b %H:%M} is to come")


def _wrong_spans(message: Message, begun: Sequence[Strike]) -> Iterator[Flaw]:
    """Yield the begins of an incident at which nothing was that it may be of.

    Of an incident of two faults one may have ended, and is named no longer.
    """
    for begin, _ in spans(message.text):
        if not any(
            strike.begin - strike.fault.resolution - ROUNDING
            <= begin
            <= strike.end + strike.fault.lingers + _slack(strike)
            for strike in begun
            if strike.model in message.title
        ):
            yield flaw("contradicting", message, f"from {begin:%d %b %H:%M}, when nothing was so")


def _slack(strike: Strike) -> timedelta:
    """Return the time in which an end may be unnoticed: a step, or the attempts of a channel."""
    return BEHIND if strike.fault.disturbs else max(strike.fault.grain, 10 * MINUTE)
