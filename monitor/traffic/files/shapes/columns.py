"""Flat columns with names of the site's own: a guess by common names and by the values.

The guess is made once, from the first objects, and holds for the whole file.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from monitor.errors import InputError, RecordError
from monitor.traffic.files.shapes import column_names as names
from monitor.traffic.files.shapes.encoded_texts import enclosed_text, request_turns
from monitor.traffic.files.shapes.shape import Object
from monitor.traffic.files.shapes.turns import (
    decode_text,
    is_turn,
)
from monitor.traffic.formats.schemas.bodies import is_api_response
from monitor.traffic.parsing.raw_exchange import is_number
from monitor.traffic.parsing.timestamps import parse_timestamp

Kind = Literal["text", "turns", "number", "boolean", "other", "empty"]

#: Share of a column's values that must be times.
MIN_TIMES = 0.9
#: Distinct values of a task type: at most this many, or half of the values.
MAX_TASKS = 20
#: Values from which on whole numbers that rise by one are row numbers.
MIN_ROW_NUMBERS = 10
#: Values from which on a column with one value is constant.
MIN_CONSTANT = 3
#: The settings that map columns, in messages.
SETTINGS = (
    "traffic.fields.prompt and traffic.fields.response, in config.toml or as "
    "DRIFTWARDEN_TRAFFIC__FIELDS__PROMPT=NAME"
)
#: Keys of the plain format.
PLAIN_KEYS = frozenset(
    (
        *("prompt", "response", "id", "timestamp", "model", "task_type", "user", "metadata"),
        *("context", "truncated"),
    )
)
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Columns:
    """Columns by what they hold; empty where there is none."""

    prompt: str = ""
    response: str = ""
    system: str = ""
    exchange_id: str = ""
    timestamp: str = ""
    model: str = ""
    task_type: str = ""
    end_user: str = ""
    metadata: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    #: All columns.
    names: tuple[str, ...] = ()
    #: Columns of a response's name whose values are numbers.
    numeric_responses: tuple[str, ...] = ()

    @property
    def are_plain(self) -> bool:
        """Whether all columns have the names of the plain format, and are read."""
        return set(self.names) <= PLAIN_KEYS and not self.not_read

    def __str__(self) -> str:
        """Return ``question -> prompt, reply -> response; not read: note``."""
        roles = {
            "prompt": self.prompt,
            "response": self.response,
            "system message": self.system,
            "id": self.exchange_id,
            "timestamp": self.timestamp,
            "model": self.model,
            "task_type": self.task_type,
            "user": self.end_user,
            "metadata": ", ".join(self.metadata),
        }
        text = ", ".join(f"{column} -> {role}" for role, column in roles.items() if column)
        if not self.response:
            text += "; no response"
            if self.numeric_responses:
                text += f" ({', '.join(self.numeric_responses)}: numbers)"
        return text + (f"; not read: {', '.join(self.not_read)}" if self.not_read else "")


@dataclass
class _Table:
    """The columns of the first objects, and those that have a role already."""

    first: Sequence[Object]
    kinds: dict[str, Kind]
    taken: set[str] = field(default_factory=set)

    def values(self, column: str) -> list[Any]:
        """Return the values of a column, those that are missing left out."""
        return [row[column] for row in self.first if row.get(column) not in (None, "")]

    def named(self, wanted: Iterable[str]) -> list[str]:
        """Return the free columns that have one of these names, in the order of the names."""
        order = list(wanted)
        free = [name for name in self.kinds if name not in self.taken]
        matches = [name for name in free if names.normalize(name) in order]
        return sorted(matches, key=lambda name: order.index(names.normalize(name)))

    def is_constant(self, column: str) -> bool:
        """Return whether all of at least three values are one."""
        values = self.values(column)
        return len(values) >= MIN_CONSTANT and all(value == values[0] for value in values)

    def are_sentences(self, column: str) -> bool:
        """Return whether at least half of the values have several words."""
        values = self.values(column)
        return sum(len(str(value).split()) > 1 for value in values) * 2 >= len(values)

    def take(self, column: str) -> str:
        """Mark a column as read."""
        self.taken.add(column)
        return column


def guess_columns(first: Sequence[Object], *, source: str) -> Columns:
    """Guess what the columns of objects hold.

    Raises:
        InputError: Two columns are equally good for the prompt, or for the response.
    """
    columns = dict.fromkeys(key for row in first for key in row)
    table = _Table(first, {name: _kind(row.get(name) for row in first) for name in columns})
    system = next(iter(table.named(names.SYSTEMS)), "")
    if system:
        table.take(system)
    response = _pick_text(table, names.RESPONSES, "response", source)
    prompt = _pick_prompt(table, response, source)
    timestamp = next((name for name in table.named(names.TIMES) if _are_times(table, name)), "")
    table.take(timestamp)
    end_user = next((name for name in table.named(names.USERS) if _are_names(table, name)), "")
    table.take(end_user)
    exchange_id = next((name for name in table.named(names.IDS) if _are_names(table, name)), "")
    table.take(exchange_id)
    model = next((name for name in table.named(names.MODELS) if table.kinds[name] == "text"), "")
    table.take(model)
    task_type = next((name for name in table.named(names.TASKS) if _are_tasks(table, name)), "")
    table.take(task_type)
    metadata = tuple(
        name for name in columns if name not in table.taken and _is_metric(table, name)
    )
    table.taken.update(metadata)
    numeric = [
        name
        for tier in names.RESPONSES
        for name in columns
        if names.normalize(name) in tier and table.kinds[name] in {"number", "boolean"}
    ]
    return Columns(
        prompt=prompt,
        response=response,
        system=system,
        exchange_id=exchange_id,
        timestamp=timestamp,
        model=model,
        task_type=task_type,
        end_user=end_user,
        metadata=metadata,
        not_read=tuple(name for name in columns if name not in table.taken),
        names=tuple(columns),
        numeric_responses=tuple(numeric),
    )


def guess_metrics(first: Sequence[Object]) -> list[str]:
    """Return the keys of plain lines, other than their own, whose values may be metrics."""
    columns = dict.fromkeys(key for row in first for key in row if key not in PLAIN_KEYS)
    table = _Table(first, {name: _kind(row.get(name) for row in first) for name in columns})
    return [
        name
        for name in columns
        if _is_metric(table, name)
        and names.normalize(name) not in (*names.TIMES, *names.CONTEXTS)
        and len(table.values(name)) * 2 > len(first)
    ]


def _pick_prompt(table: _Table, response: str, source: str) -> str:
    """Return the column of prompts: ``user`` beside ``assistant`` where it holds sentences."""
    is_dialogue = names.normalize(response).startswith(("assistant", "bot", "ai_", "chatbot"))
    senders = [name for name in table.named(("user",)) if is_dialogue and table.are_sentences(name)]
    tiers = (*names.PROMPTS[:2], ("user",) if senders else (), *names.PROMPTS[2:])
    return _pick_text(table, tiers, "prompt", source)


def _pick_text(table: _Table, tiers: Sequence[Sequence[str]], role: str, source: str) -> str:
    """Return the column of texts with the best of these names; empty where there is none.

    A prompt that never changes is a template where another column changes.
    """
    texts = [
        name
        for tier in tiers
        for name in table.named(tier)
        if table.kinds[name] in {"text", "turns"}
    ]
    for tier in tiers:
        matches = [name for name in table.named(tier) if table.kinds[name] in {"text", "turns"}]
        if role == "prompt" and not all(map(table.is_constant, texts)):
            matches = [name for name in matches if not table.is_constant(name)]
        if len(matches) > 1:
            raise InputError(
                f"{source}: two columns may be the {role}: {matches[0]!r} and {matches[1]!r}; name "
                f"those of the texts by {SETTINGS}",
                code="ambiguous_columns",
            )
        if matches:
            return table.take(matches[0])
    return ""


def _kind(values: Iterable[Any]) -> Kind:
    """Return the kind of a column's values, by all that are there."""
    present = [value for value in values if value not in (None, "")]
    if not present:
        return "empty"
    if all(isinstance(value, bool) or read_boolean(value) is not None for value in present):
        return "boolean"
    if all(read_number(value) is not None for value in present):
        return "number"
    decoded = [decode_text(value) for value in present]
    if all(request_turns(value) or is_turn(value) for value in decoded):
        return "turns"
    if all(
        isinstance(value, str | int | float)
        or is_api_response(value)
        or enclosed_text(value) is not None
        for value in present
    ):
        return "text"
    return "other"


def read_number(value: Any) -> float | None:
    """Return a number, also of its text; ``None`` for anything else."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
        value = int(number) if number.is_integer() and "." not in value else number
    return value if is_number(value) else None


def read_boolean(value: Any) -> bool | None:
    """Return the boolean of a text; ``None`` for anything else."""
    return BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None


def _are_times(table: _Table, name: str) -> bool:
    values = table.values(name)
    return sum(_is_time(value) for value in values) >= MIN_TIMES * len(values) > 0


def _is_time(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        parse_timestamp(value)
    except RecordError:
        return False
    return True


def _are_names(table: _Table, name: str) -> bool:
    values = table.values(name)
    return bool(values) and all(isinstance(value, str) or is_id_number(value) for value in values)


def is_id_number(value: Any) -> bool:
    """Return whether a value is a whole number; pandas makes ids floats where some are missing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1


def _are_tasks(table: _Table, name: str) -> bool:
    values = table.values(name)
    limit = max(MAX_TASKS, len(values) // 2)
    return table.kinds[name] == "text" and len(set(map(str, values))) <= limit


def _is_metric(table: _Table, name: str) -> bool:
    normalized = names.normalize(name)
    if normalized in (*names.VERSIONS, *names.CONTEXTS) or (
        normalized == "metadata" and all(isinstance(row, dict) for row in table.values(name))
    ):
        return True
    if table.kinds[name] not in {"number", "boolean"} or not names.is_metric_name(normalized):
        return False
    if normalized in {*names.USERS, *names.IDS, *names.MODELS}:
        return False
    numbers = [number for number in map(read_number, table.values(name)) if number is not None]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(numbers) < MIN_ROW_NUMBERS or steps != {1}
