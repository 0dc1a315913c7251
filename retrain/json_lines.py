"""Strict reader of JSON objects in a file, with their numbers in errors."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from monitor.errors import InputError
from monitor.input_files import InputSource, source_of_bytes

#: Maximum problems quoted in an error.
QUOTED = 5

T = TypeVar("T")


def parse_lines(content: bytes, origin: str, parse: Callable[[bytes], T]) -> list[T]:
    """Parse the objects of a file in memory: JSON, CSV or Parquet, compressed or not.

    Raises:
        InputError: The content can't be read, or objects are invalid; the message has the first.
    """
    return parse_source(source_of_bytes(content, origin), parse)


def parse_source(source: InputSource, parse: Callable[[bytes], T]) -> list[T]:
    """Parse each line, row or element that isn't blank.

    ``parse`` raises ``InputError`` or an error of msgspec for an invalid object.

    Raises:
        InputError: The file can't be read, or objects are invalid; the message has the first.
    """
    parsed, problems = [], []
    for number, value in source.values():
        if not value:
            continue
        try:
            parsed.append(parse(value))
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            problems.append(f"{source.unit} {number + 1}: {error}")
    if problems:
        more = f"; and {len(problems) - QUOTED} more" if len(problems) > QUOTED else ""
        raise InputError(f"{source.label}: {'; '.join(problems[:QUOTED])}{more}")
    return parsed
