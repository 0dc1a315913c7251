"""Strict reader of JSON lines, with errors by line."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from monitor.errors import InputError

#: How many problems of a file an error quotes.
QUOTED = 5

T = TypeVar("T")


def parse_lines(content: bytes, origin: str, parse: Callable[[bytes], T]) -> list[T]:
    """Parse each line that isn't blank.

    Args:
        content: The file, as bytes: text would also be cut at the line separators that JSON allows
            in a string.
        origin: Where it comes from, for messages.
        parse: Raises ``InputError`` or what msgspec does for a line that can't be used.

    Raises:
        InputError: Lines can't be used; it names the first of them.
    """
    parsed, problems = [], []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            parsed.append(parse(line))
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            problems.append(f"line {number}: {error}")
    if problems:
        more = f"; and {len(problems) - QUOTED} more" if len(problems) > QUOTED else ""
        raise InputError(f"{origin}: {'; '.join(problems[:QUOTED])}{more}")
    return parsed
