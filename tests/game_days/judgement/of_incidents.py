"""Messages of an incident against each other: channels that differ, what is told twice or not."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tests.game_days.faults import Strike
from tests.game_days.judgement.flaws import BEHIND, Flaw, flaw
from tests.game_days.judgement.wording import cause_of, is_about, model_of, since
from tests.game_days.ledger import Message
from tests.game_days.night import Night
from tests.game_days.world.channels import ALERTMANAGER, CHANNELS, PAGER, SLACK

#: Day of the week and time of the weekly digest, and what waits with it.
DIGEST, MONDAY, NINE = "weekly digest", 0, timedelta(hours=9)
WAITS_FOR = "follow-up stops"


def find_contradictions(messages: Sequence[Message], strikes: Sequence[Strike]) -> Iterator[Flaw]:
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
                    yield flaw("contradicting", first, why, message.at)


def _differing(
    of_incident: dict[str, Message], disturbed: set[str]
) -> Iterator[tuple[str, Message, Message]]:
    parent = of_incident.get(SLACK)
    if parent is None or SLACK in disturbed:
        return
    for other in of_incident.values():
        subjects = [(cause_of(message), model_of(message)) for message in (parent, other)]
        if all(cause for cause, _ in subjects) and subjects[0] != subjects[1]:
            yield "its messages are about different things", parent, other
    thread = of_incident.get(f"{SLACK} thread")
    if thread is not None and thread.is_open != parent.is_open and thread.at >= parent.at:
        yield "parent and thread differ in whether it lasts", parent, thread
    for channel in (PAGER, ALERTMANAGER):
        other_channel = of_incident.get(channel)
        if other_channel is None or channel in disturbed:
            continue
        if other_channel.is_open != parent.is_open:
            yield "channels differ in whether it lasts", parent, other_channel
        here, there = set(since(parent.text)), set(since(other_channel.text))
        if other_channel.at == parent.at and here and there and not here & there:
            yield "channels differ in since when", parent, other_channel


def find_doubled(messages: Sequence[Message], strikes: Sequence[Strike]) -> Iterator[Flaw]:
    """Yield incidents that tell what another one tells, and texts that notify a second time.

    Of one cause each model has an incident of its own.
    """
    unresolved: dict[int, tuple[Message, list[Strike]]] = {}
    posted: set[tuple[str, int, str]] = set()
    for message in messages:
        if message.incident is None:
            continue
        key = message.channel, message.incident, message.text
        if message.notifies and message.kind != "update":
            if key in posted:
                yield flaw("doubled", message, f"incident {message.incident}: the same text again")
            posted.add(key)
        if not message.is_open:
            unresolved.pop(message.incident, None)
        elif message.incident not in unresolved:
            about = [s for s in strikes if s.begin <= message.at and is_about(message, s)]
            for other, (first, same) in unresolved.items():
                if len(about) == 1 and about == same and not _is_of_another_model(message, first):
                    why = f"incident {other} tells of {about[0].name}, too: {first.title[:120]}"
                    yield flaw("doubled", message, why)
            unresolved[message.incident] = message, about


def _is_of_another_model(message: Message, other: Message) -> bool:
    is_same_cause = cause_of(message) == cause_of(other)
    return is_same_cause and model_of(message) != model_of(other)


def find_missing(night: Night) -> Iterator[Flaw]:
    """Yield the incidents that a channel was not told of, and the digests that did not come."""
    strikes = night.script.strikes
    openings: list[Message] = []
    unresolved: set[int] = set()
    for message in night.messages:
        if message.incident is None:
            if message.title.endswith("no incident") and unresolved:
                yield flaw("contradicting", message, f"incidents {unresolved} are not resolved")
        elif not message.is_open:
            unresolved.discard(message.incident)
        elif message.incident not in unresolved:
            unresolved.add(message.incident)
            openings.append(message)
    for opening in openings:
        for channel in CHANNELS:
            until = _undisturbed(opening.at, [s for s in strikes if channel in s.fault.disturbs])
            heard = [
                message.is_open
                for message in night.messages
                if message.incident == opening.incident
                and message.channel == channel
                and opening.at <= message.at <= until
            ]
            # Where it was disturbed, it may hear of the end only.
            is_told = any(heard) if until == opening.at + BEHIND else bool(heard)
            if not is_told and until < night.script.end:
                yield flaw("missing", opening, f"{channel} was not told")
    for due in _digests_due(night):
        late = [
            s for s in strikes if s.fault.blinds or s.fault.disturbs or s.fault.name == WAITS_FOR
        ]
        until = _undisturbed(due, late)
        digests = (m for m in night.messages if DIGEST in m.title.lower())
        if until < night.script.end and not any(due <= digest.at <= until for digest in digests):
            yield Flaw("missing", due, SLACK, "no weekly digest", "")


def _digests_due(night: Night) -> Iterator[datetime]:
    begin = night.script.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    due = begin + timedelta(days=(MONDAY - begin.weekday()) % 7) + NINE
    while due < night.script.end:
        if due >= night.script.begin:
            yield due
        due += timedelta(days=7)


def _undisturbed(at: datetime, strikes: Sequence[Strike]) -> datetime:
    """Return until when what is due may come, where strikes hold it back."""
    until = at + BEHIND
    for strike in sorted(strikes, key=lambda strike: strike.begin):
        if strike.begin <= until and strike.end + BEHIND >= at:
            until = max(until, strike.end + BEHIND)
    return until


def _disturbed(strikes: Sequence[Strike], at: datetime) -> set[str]:
    return {
        channel
        for strike in strikes
        if strike.begin <= at <= strike.end + BEHIND
        for channel in strike.fault.disturbs
    }
