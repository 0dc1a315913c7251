"""The oracle: it knows the faults and the channels only, and says what was told rightly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.game_days.faults import HOUR, MINUTE, Strike
from tests.game_days.judgement.flaws import Flaw
from tests.game_days.judgement.of_incidents import find_contradictions, find_doubled, find_missing
from tests.game_days.judgement.of_messages import find_flaws
from tests.game_days.judgement.wording import is_about
from tests.game_days.ledger import Message
from tests.game_days.night import Night
from tests.game_days.world.channels import CHANNELS


@dataclass(frozen=True)
class Outcome:
    """The messages about a fault, against its promises."""

    strike: Strike
    #: Whether it lasted long enough that it is promised to be told.
    is_due: bool
    deadline: datetime
    message: Message | None
    #: Whether the message names a step that helps.
    is_enough: bool
    #: Time at which its end was told; ``None``: it was not.
    ended_at: datetime | None
    end_deadline: datetime | None

    @property
    def in_time(self) -> bool:
        """Return whether it was told in the promised time."""
        return self.message is not None and self.message.at <= self.deadline

    @property
    def end_in_time(self) -> bool:
        """Return whether its end was told in time, or need not be."""
        if self.end_deadline is None or self.message is None:
            return True
        return self.ended_at is not None and self.ended_at <= self.end_deadline

    @property
    def took(self) -> timedelta | None:
        """Return the time from its begin until it was told."""
        return None if self.message is None else self.message.at - self.strike.begin


@dataclass(frozen=True)
class Verdict:
    """The judgement of a night."""

    night: Night
    outcomes: tuple[Outcome, ...]
    flaws: tuple[Flaw, ...]

    @property
    def due(self) -> list[Outcome]:
        """Return the outcomes of the faults that are promised to be told."""
        return [outcome for outcome in self.outcomes if outcome.is_due]

    def count(self, kind: str) -> int:
        """Return the number of flaws of a kind."""
        return sum(flaw.kind == kind for flaw in self.flaws)

    @property
    def pages(self) -> list[Message]:
        """Return the messages that wake somebody."""
        return [
            message
            for message in self.night.messages
            if message.is_open and message.level in {"critical", "error"}
        ]

    @property
    def holds(self) -> bool:
        """Return whether all was told in time, enough to act, and nothing was wrong."""
        return not self.flaws and all(
            outcome.in_time and outcome.is_enough and outcome.end_in_time for outcome in self.due
        )


def judge(night: Night) -> Verdict:
    """Judge a night."""
    strikes = night.script.strikes
    outcomes = tuple(_outcome(strike, night) for strike in strikes)
    flaws = [flaw for message in night.messages for flaw in find_flaws(message, strikes)]
    flaws += find_contradictions(night.messages, strikes)
    flaws += find_doubled(night.messages, strikes)
    flaws += find_missing(night)
    return Verdict(night, outcomes, tuple(sorted(flaws, key=lambda flaw: flaw.at)))


def _outcome(strike: Strike, night: Night) -> Outcome:
    fault, messages = strike.fault, night.messages
    if fault.promised is None:
        return Outcome(strike, False, strike.end, None, True, None, None)
    deadline = _later(strike, strike.begin + fault.promised, night.script.strikes)
    telling = next(
        (
            message
            for message in messages
            if message.at >= strike.begin
            and message.is_open
            and message.notifies
            and is_about(message, strike)
        ),
        None,
    )
    is_enough = telling is not None and any(
        re.search(fault.acts, message.text, re.IGNORECASE)
        for message in messages
        if _is_same(message, telling) and message.at == telling.at
    )
    ended_at = end_deadline = None
    if fault.ends_within is not None and telling is not None:
        end_deadline = _later(strike, strike.end + fault.ends_within, night.script.strikes)
        ended_at = next(
            (
                message.at
                for message in messages
                if message.at >= strike.end and _is_same(message, telling) and not message.is_open
            ),
            None,
        )
    # A fault that ends before it is due, to the grain of the steps, may be told.
    is_due = deadline + HOUR <= strike.end or fault.promised <= HOUR
    return Outcome(strike, is_due, deadline, telling, is_enough, ended_at, end_deadline)


def _is_same(message: Message, telling: Message) -> bool:
    """Return whether two messages are of one incident, or of one channel without incidents."""
    if telling.incident is None:
        return message.channel == telling.channel
    return message.incident == telling.incident


def _later(strike: Strike, deadline: datetime, strikes: Sequence[Strike]) -> datetime:
    """Return a deadline without the time in which another fault hides this one."""
    for other in sorted(strikes, key=lambda other: other.begin):
        if other is not strike and _hides(other, strike):
            overlap = min(other.end, deadline) - max(other.begin, strike.begin)
            if overlap > timedelta():
                # What is hidden counts from its end on, and what was read late takes an hour.
                deadline += (other.end - max(other.begin, strike.begin)) + HOUR
    return deadline + MINUTE


def _hides(other: Strike, strike: Strike) -> bool:
    """Return whether nothing of a fault is told while another lasts."""
    if set(CHANNELS).issubset(other.fault.disturbs):
        return True
    is_without_traffic = other.fault.touches == "volume" and other.model == strike.model
    is_without_looks = other.fault.touches == "looks" and strike.fault.by_looks
    is_without_follow_up = other.fault.name == "follow-up stops" and strike.fault.touches == "pilot"
    is_hidden = other.fault.blinds or is_without_traffic or is_without_looks or is_without_follow_up
    return is_hidden and not strike.fault.blinds
