"""Checks of patterns that a person wrote: each must compile, and none may stop the traffic."""

import re
from re import _parser as parser  # type: ignore[attr-defined]  # the only way to look inside
from typing import Any

#: Longest match. Without a bound a hostile text costs the square of its length.
MAX_MATCH_LENGTH = 1_000
#: Ways in which a pattern may fit at one place: as many may be tried before it is given up.
MAX_WAYS = 5_000


def check_name(name: str) -> str:
    """Return the name of a pattern.

    Raises:
        ValueError: It can't stand in brackets in a text, as ``[ORDER]`` does.
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,31}", name):
        raise ValueError(
            "name it in 2 to 32 capital letters, digits and underscores, such as ORDER: what it "
            "finds becomes [ORDER]"
        )
    return name


def check_pattern(pattern: str) -> str:
    """Return a pattern that is safe to run over hostile texts.

    Raises:
        ValueError: It doesn't compile, matches nothing at all, or may take very long.
    """
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"not a regular expression of Python's re: {error}") from None
    shortest, longest = parsed.getwidth()
    if shortest == 0:
        raise ValueError("it matches the empty text; make it require at least one character")
    if longest > MAX_MATCH_LENGTH:
        raise ValueError(
            f"it may match more than {MAX_MATCH_LENGTH} characters, which lets hostile texts take "
            "minutes; write {1,64} instead of + and {0,64} instead of *"
        )
    if _ways(parsed) > MAX_WAYS:
        raise ValueError(
            f"it can fit in more than {MAX_WAYS} ways at one place, which lets hostile texts take "
            "minutes; use fewer or shorter {m,n} repetitions, and none inside another"
        )
    return pattern


def _ways(parsed: Any) -> int:
    """Return an upper bound of the ways in which a parsed pattern fits at one place."""
    total = 1
    for operation, argument in parsed:
        total = min(total * _ways_of(str(operation), argument), MAX_WAYS + 1)
    return total


def _ways_of(operation: str, argument: Any) -> int:
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, body = argument
        ways = _ways(body)
        total = 0
        for n in range(least, most + 1):
            total += int(ways**n)
            if total > MAX_WAYS:
                return total
        return total
    if operation == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operation == "SUBPATTERN":
        return _ways(argument[-1])
    if operation in {"ASSERT", "ASSERT_NOT"}:
        return _ways(argument[1])
    if operation.startswith("GROUPREF"):
        raise ValueError("it refers back to a group; write out what is repeated")
    return _ways(argument) if operation == "ATOMIC_GROUP" else 1
