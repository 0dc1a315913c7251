"""Rows of CSV files as JSON objects."""

import ast
import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Literal

import msgspec

from monitor.errors import InputError
from monitor.input_files.json_values import MAX_VALUE_BYTES, quote, read_lines

DELIMITERS = ",;\t|"
#: Rows whose cells decide what a column holds.
SAMPLED_ROWS = 1000
SAMPLED_CHARACTERS = 2**20
#: Columns whose cells are texts, even where all look like numbers.
TEXT_COLUMNS = frozenset(
    (
        *("id", "prompt", "response", "model", "task_type", "user", "expected", "context"),
        *("pattern", "question", "query", "instruction", "answer", "reply", "completion"),
        *("text", "message"),
    )
)
#: Columns whose objects are a model's own text in JSON, unless they have a key of a chat.
PAYLOAD_COLUMNS = TEXT_COLUMNS | {"input", "output"}
CHAT_KEYS = frozenset({"messages", "role"})

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NOT_FINITE = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}
#: A name of a column: a few words, no sentence and no number.
_NAME = re.compile(r"[^\W\d][\w.:/()#%-]*(?: [\w.:/()#%-]+){0,4}")
MAX_NAME_CHARACTERS = 64
MAX_INTEGER = 2**63
#: The beginning of Python's form of a dict, or of a list of dicts.
PYTHON_MARKS = ("{'", "[{'")
MAX_PYTHON_CHARACTERS = 2**20

Kind = Literal["text", "number", "boolean", "object"]


@dataclass(frozen=True)
class CsvColumn:
    """A column with what its cells hold."""

    name: str
    kind: Kind

    def read(self, cell: str) -> Any:
        """Return the value of a cell; ``None`` where it has none.

        Raises:
            ValueError: An infinite number, which JSON does not have.
        """
        text = cell.strip() if self.kind != "text" else cell
        if not text:
            return None
        if self.kind == "boolean":
            return _BOOLEANS.get(text.lower(), cell)
        if self.kind == "object":
            parsed = _parsed(text)
            return cell if parsed is None else parsed
        if self.kind == "number":
            return _number(text)
        return cell


def read_header(first_line: str) -> tuple[list[str], str] | None:
    """Return the names of the columns and the delimiter; ``None`` where a line is no header.

    A column without a name, such as an index that pandas writes, has an empty one. A line that
    begins and ends with ``|`` is of a table in Markdown.
    """
    line = first_line.rstrip("\r\n")
    rows = [(next(csv.reader([line], delimiter=sign), []), sign) for sign in DELIMITERS]
    names, delimiter = max(rows, key=lambda row: len(row[0]))
    names = [name.strip() for name in names]
    named = [name for name in names if name]
    is_drawn = delimiter == "|" and not names[0] and not names[-1]
    if not named or not all(map(_is_name, named)) or is_drawn:
        return None
    return None if len(names) == 1 and " " in named[0] else (names, delimiter)


def iter_csv(stream: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the rows as JSON objects with the columns as keys; empty cells are left out.

    A byte that is no UTF-8 stays as it is, for the reader to report. Of two columns with one name
    and the same cells, such as an index that is a column too, the first is read.

    Raises:
        InputError: A row has another number of cells than the header, a quote isn't closed, a
            number is infinite, or two columns with one name differ.
    """
    csv.field_size_limit(MAX_VALUE_BYTES)
    lines = (line.decode("utf-8", "surrogateescape") for line in read_lines(stream, label))
    first_line = next((line for line in lines if line.strip()), "")
    names, delimiter = read_header(first_line) or ([], ",")
    copies = {
        place: names.index(name)
        for place, name in enumerate(names)
        if name and name in names[:place]
    }
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = _check_copies(_complete_rows(reader, len(names), label), copies, names, label)
    sample: list[tuple[int, list[str]]] = []
    n_characters = 0
    for number, row in islice(rows, SAMPLED_ROWS):
        sample.append((number, row))
        n_characters += sum(map(len, row))
        if n_characters > SAMPLED_CHARACTERS:
            break
    columns = [
        CsvColumn(
            "" if place in copies else name, _kind(name, [row[place].strip() for _, row in sample])
        )
        for place, name in enumerate(names)
    ]
    for number, row in chain(sample, rows):
        yield _encoded(_object(columns, row, f"{label}: line {number}"))


def _complete_rows(reader: Any, n_columns: int, label: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the numbers of their last lines; blank lines are skipped."""
    number = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            is_open = "end of data" in str(error)
            problem = "the quotes are never closed" if is_open else f"not CSV: {error}"
            raise InputError(
                f'{label}: line {number + 1}: {problem}; write a quote in a cell twice ("")'
                f"{', or give the whole file, if it was cut' if is_open else ''}",
                code="open_quotes" if is_open else "not_csv",
            ) from None
        if row is None:
            return
        number = reader.line_num + 1
        if row and len(row) != n_columns:
            raise InputError(
                f"{label}: line {number}: {len(row)} cells where the header has {n_columns}; put "
                "cells with the delimiter or a line break in quotes",
                code="unequal_row",
            )
        if row:
            yield number, row


def _check_copies(
    rows: Iterator[tuple[int, list[str]]],
    copies: Mapping[int, int],
    names: Sequence[str],
    label: str,
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows; refuse one whose cells differ in two columns with one name."""
    for number, row in rows:
        for place, first in copies.items():
            if row[place] != row[first]:
                raise InputError(
                    f"{label}: line {number}: two columns are named {names[first]!r} and differ; "
                    "rename one",
                    code="same_name",
                )
        yield number, row


def _object(columns: Sequence[CsvColumn], row: Sequence[str], place: str) -> dict[str, Any]:
    content = {}
    for column, cell in zip(columns, row, strict=True):
        try:
            value = column.read(cell) if column.name else None
        except ValueError:
            raise InputError(
                f"{place}: {column.name!r} is infinite, which JSON has no number for; leave the "
                "cell empty",
                code="infinite",
            ) from None
        if value is not None:
            content[column.name] = value
    return content


def _encoded(content: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _is_name(cell: str) -> bool:
    return (
        len(cell) <= MAX_NAME_CHARACTERS
        and _NAME.fullmatch(cell) is not None
        and not cell.endswith((".", ":"))
    )


def _kind(name: str, cells: Sequence[str]) -> Kind:
    """Return what the cells of a column hold, by the first rows."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return "text"
    if all(_is_object(cell, name) for cell in filled):
        return "object"
    if name.lower() in TEXT_COLUMNS:
        return "text"
    if all(cell.lower() in _BOOLEANS for cell in filled):
        return "boolean"
    numeric = [_NUMBER.fullmatch(cell) is not None for cell in filled]
    is_numeric = any(numeric) and all(
        is_number or _NOT_FINITE.fullmatch(cell)
        for is_number, cell in zip(numeric, filled, strict=True)
    )
    return "number" if is_numeric else "text"


def _is_object(cell: str, name: str) -> bool:
    """Return whether a cell holds a list of objects, or an object that is no text in JSON."""
    parsed = _parsed(cell)
    if isinstance(parsed, dict) and name.lower() in PAYLOAD_COLUMNS:
        return not CHAT_KEYS.isdisjoint(parsed)
    return parsed is not None


def _parsed(text: str) -> dict[str, Any] | list[Any] | None:
    """Return a JSON object, or a list of objects; ``None`` for other texts.

    What pandas writes of a column of dicts, Python's form of them, is accepted too.
    """
    try:
        if text.startswith(PYTHON_MARKS) and len(text) <= MAX_PYTHON_CHARACTERS:
            value = ast.literal_eval(text)
            msgspec.json.encode(value)
        elif text.startswith(("{", "[")):
            value = msgspec.json.decode(text)
        else:
            return None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, msgspec.DecodeError):
        return None
    if isinstance(value, list):
        return value if value and all(isinstance(entry, dict) for entry in value) else None
    return value if isinstance(value, dict) else None


def _number(text: str) -> Any:
    """Return a number; ``None`` for NaN, and a text that is none unchanged."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        is_integer = text.lstrip("-").isdigit() and abs(number) < MAX_INTEGER
        if not math.isfinite(number):
            return text
        return int(text) if is_integer else number
    if not _NOT_FINITE.fullmatch(text):
        return text
    if text.lower() == "nan":
        return None
    raise ValueError(text)


def no_header(label: str, first_line: bytes) -> InputError:
    """Return the error for a text that is neither JSON nor CSV with a header."""
    return InputError(
        f"{label}: begins with {quote(first_line)}: neither JSON, nor the header of a CSV file; "
        "give JSON lines, a JSON array, Parquet, or CSV whose first line has the names of the "
        "columns, such as prompt,response",
        code="no_header",
    )
