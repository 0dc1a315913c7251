"""The oracle: it knows the faults and the channels only, and says what was told rightly."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.game_days.faults import HOUR, MINUTE, Strike
from tests.game_days.ledger import Message, says_open
from tests.game_days.night import Night
from tests.game_days.world.channels import ALERTMANAGER, PAGER, SLACK

CHANNELS = {SLACK, PAGER, ALERTMANAGER}
#: Words of a message, from its begin, in which it says what it is about.
HEAD = 900
INSTANT = r"(\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d) UTC"
SINCE = re.compile(rf"\bsince {INSTANT}", re.IGNORECASE)
#: What follows is of the past.
PAST = re.compile(r"\bBefore: |\bIt is back\b|\bHistory\b")
#: How a message of an incident that is not resolved yet says that what it names has ended.
NO_LONGER = re.compile(r"has not held since", re.IGNORECASE)
#: Messages without an incident that are no alarm.
NOTICES = re.compile(r"digest|keep the model|retrain|not listed|months old", re.IGNORECASE)
#: Time after a disturbance in which a channel may be behind: the longest delay of an attempt.
BEHIND = 65 * MINUTE
#: Times in messages are to the minute.
ROUNDING = MINUTE


@dataclass(frozen=True)
class Flaw:
    """A message that was wrong."""

    #: ``false``, ``stale`` or ``contradicting``.
    kind: str
    at: datetime
    channel: str
    why: str
    text: str


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
    flaws = [flaw for message in night.messages for flaw in _flaws(message, strikes)]
    flaws += _contradictions(night.messages, strikes)
    return Verdict(night, outcomes, tuple(sorted(flaws, key=lambda flaw: flaw.at)))


def is_about(message: Message, strike: Strike) -> bool:
    """Return whether a message says what is true of a fault."""
    if not strike.fault.says:
        return False
    head = f"{message.title}\n{_present(message.text)[:HEAD]}"
    return all(
        re.search(pattern.format(model=re.escape(strike.model)), head, re.IGNORECASE)
        for pattern in strike.fault.says
    )


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
    """Return a deadline without the time in which another fault hides everything."""
    for other in sorted(strikes, key=lambda other: other.begin):
        # Of one that is told without ingest, only what silences every channel hides anything.
        hides = CHANNELS.issubset(other.fault.disturbs) or not strike.fault.blinds
        if other.fault.blinds and hides and other is not strike:
            overlap = min(other.end, deadline) - max(other.begin, strike.begin)
            if overlap > timedelta():
                # What is hidden counts from its end on, and what was read late takes an hour.
                deadline += (other.end - max(other.begin, strike.begin)) + HOUR
    return deadline + MINUTE


def _flaws(message: Message, strikes: Sequence[Strike]) -> Iterator[Flaw]:
    if NOTICES.search(message.title):
        return
    if message.channel in {PAGER, ALERTMANAGER} and message.is_open != says_open(message.text):
        yield _flaw("contradicting", message, "its text and its state differ")
    about = [strike for strike in strikes if is_about(message, strike)]
    begun = [strike for strike in about if strike.begin <= message.at]
    if not begun:
        yield _flaw("false", message, "nothing of the kind was so")
        return
    lasting = [
        strike
        for strike in begun
        if message.at <= strike.end + strike.fault.lingers + _slack(strike)
    ]
    if message.is_open and not lasting and not NO_LONGER.search(message.text):
        ended = max(strike.end for strike in begun)
        yield _flaw("stale", message, f"it ended {ended:%d %b %H:%M}")
    if not message.is_open and all(strike.end > message.at for strike in begun):
        yield _flaw("false", message, "it lasts, and the message says that it has ended")
    for since in _since(message.text):
        earliest = min(strike.begin - strike.fault.resolution for strike in begun)
        if since < earliest - ROUNDING:
            yield _flaw("contradicting", message, f"since {since:%d %b %H:%M}, before it began")
        if since > message.at + ROUNDING:
            yield _flaw("contradicting", message, f"since {since:%d %b %H:%M}, which is to come")


def _slack(strike: Strike) -> timedelta:
    """Return the time in which an end may be unnoticed: a step, or the attempts of a channel."""
    return BEHIND if strike.fault.disturbs else max(strike.fault.grain, 10 * MINUTE)


def _contradictions(messages: Sequence[Message], strikes: Sequence[Strike]) -> Iterator[Flaw]:
    """Compare, after each step, what the channels and the thread say of an incident."""
    states: dict[int, dict[str, Message]] = {}
    known: set[tuple[int, str]] = set()
    for n, message in enumerate(messages):
        if message.incident is not None:
            place = f"{SLACK} thread" if message.kind == "reply" else message.channel
            states.setdefault(message.incident, {})[place] = message
        if n + 1 < len(messages) and messages[n + 1].at == message.at:
            continue
        disturbed = _disturbed(strikes, message.at)
        for incident, of_incident in states.items():
            for kind, first, second in _differing(of_incident, disturbed):
                key = incident, f"{kind} {first.channel} {second.channel}"
                if key not in known:
                    known.add(key)
                    why = f"incident {incident}: {kind}; {second.channel}: {second.title[:120]}"
                    yield _flaw("contradicting", first, why, message.at)


def _differing(
    of_incident: dict[str, Message], disturbed: set[str]
) -> Iterator[tuple[str, Message, Message]]:
    parent = of_incident.get(SLACK)
    if parent is None or SLACK in disturbed:
        return
    thread = of_incident.get(f"{SLACK} thread")
    if thread is not None and thread.is_open != parent.is_open and thread.at >= parent.at:
        yield "parent and thread differ in whether it lasts", parent, thread
    for channel in (PAGER, ALERTMANAGER):
        other = of_incident.get(channel)
        if other is None or channel in disturbed:
            continue
        if other.is_open != parent.is_open:
            yield "channels differ in whether it lasts", parent, other
        since, in_other = set(_since(parent.text)), set(_since(other.text))
        if other.at == parent.at and since and in_other and not since & in_other:
            yield "channels differ in since when", parent, other


def _disturbed(strikes: Sequence[Strike], at: datetime) -> set[str]:
    return {
        channel
        for strike in strikes
        if strike.begin <= at <= strike.end + BEHIND
        for channel in strike.fault.disturbs
    }


def _present(text: str) -> str:
    """Return what a message says of the present."""
    return PAST.split(text, maxsplit=1)[0]


def _since(text: str) -> Iterator[datetime]:
    for match in SINCE.finditer(_present(text)):
        yield datetime.strptime(match[1], "%d %b %Y, %H:%M").replace(tzinfo=UTC)


def _flaw(kind: str, message: Message, why: str, at: datetime | None = None) -> Flaw:
    return Flaw(kind, at or message.at, message.channel, why, message.title)
