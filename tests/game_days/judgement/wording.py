"""Wording of messages: the cause, the model, the fault and the times that they name."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.game_days.faults import Strike
from tests.game_days.ledger import Message

#: Words of a message, from its begin, in which it says what it is about.
HEAD = 900
INSTANT = r"\b(\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d) UTC"
SINCE = re.compile(rf"(?<!not held )\bsince {INSTANT}", re.IGNORECASE)
NOT_HELD = re.compile(rf"\bnot held since {INSTANT}")
SPAN = re.compile(rf"\blasted from {INSTANT} until {INSTANT}")
#: What follows is of the past.
PAST = re.compile(r"\bBefore: |\bIt is back\b|\bHistory\b")
#: The words of a title after the level and before the state, and the model after them.
CAUSE = re.compile(r"\A\W*(?:[A-Z]+ )?([^,:.\n(]*)")
MODEL = re.compile(r"\A[^.\n(]*: ([\w-]+)(?=\.|\n|\(|\Z)")
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks" / "README.md"
#: Level of each cause, by its title, as the documentation has it.
LEVELS = dict(re.findall(r"^\| \[(.+?)\]\(.*?\| (\w+) \|", RUNBOOKS.read_text(), re.MULTILINE))


def cause_of(message: Message) -> str:
    """Return the cause that a title names; empty: none of the documentation."""
    match = CAUSE.search(message.title)
    name = "" if match is None else match[1].strip()
    return name if name in LEVELS else ""


def model_of(message: Message) -> str:
    """Return the model that a title names; empty: none."""
    match = MODEL.search(message.title)
    return "" if match is None else match[1]


def is_about(message: Message, strike: Strike) -> bool:
    """Return whether a message says what is true of a fault."""
    return _says(message, strike, strike.fault.says)


def is_beside(message: Message, strike: Strike) -> bool:
    """Return whether a message says what else is true of a fault."""
    return _says(message, strike, strike.fault.also)


def _says(message: Message, strike: Strike, patterns: Sequence[str]) -> bool:
    model = model_of(message) if cause_of(message) else ""
    if not patterns or (strike.model and model not in {"", strike.model}):
        return False
    head = f"{message.title}\n{present(message.text)[:HEAD]}"
    return all(
        re.search(pattern.format(model=re.escape(strike.model)), head, re.IGNORECASE)
        for pattern in patterns
    )


def present(text: str) -> str:
    """Return what a message says of the present."""
    return PAST.split(text, maxsplit=1)[0]


def since(text: str) -> list[datetime]:
    """Return since when something is so."""
    return [_instant(match[1]) for match in SINCE.finditer(present(text))]


def ends(text: str) -> list[datetime]:
    """Return until when something was so."""
    not_held = [_instant(match[1]) for match in NOT_HELD.finditer(text)]
    return [*not_held, *(end for _, end in spans(text))]


def spans(text: str) -> list[tuple[datetime, datetime]]:
    """Return from when until when something was so."""
    return [(_instant(match[1]), _instant(match[2])) for match in SPAN.finditer(text)]


def instants(text: str) -> Iterator[datetime]:
    """Yield the times of the present, but for those until which something waits."""
    for match in re.finditer(rf"(?<!until ){INSTANT}", present(text)):
        yield _instant(match[1])


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%d %b %Y, %H:%M").replace(tzinfo=UTC)
