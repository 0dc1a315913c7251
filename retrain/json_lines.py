"""Strict reader of JSON lines, with line numbers in errors."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from monitor.errors import InputError

#: Maximum problems quoted in an error.
QUOTED = 5

T = TypeVar("T")


def parse_lines(content: bytes, origin: str, parse: Callable[[bytes], T]) -> list[T]:
    """Parse each line that isn't blank.

    Args:
        content: The file as bytes, because text would also be split at line separators that JSON
            allows in strings.
        origin: Source of the content, for messages.
        parse: Parses a line; raises ``InputError`` or an error of msgspec for an invalid line.

    Raises:
        InputError: Lines are invalid; the message has the first.
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
