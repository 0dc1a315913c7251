"""Checks of configured regular expressions: valid, and fast on hostile texts."""

import re
from re import _parser as parser  # type: ignore[attr-defined]  # the only way to look inside
from typing import Any

#: Unbounded matches would cost the square of a hostile text's length.
MAX_MATCH_LENGTH = 1_000
#: Ways in which a pattern may match at one place; all may be tried before it fails.
MAX_WAYS = 5_000


def check_name(name: str) -> str:
    """Return the name of a pattern.

    Raises:
        ValueError: The name can't stand in brackets in a text, as ``[ORDER]`` does.
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,31}", name):
        raise ValueError(
            "name it in 2 to 32 capital letters, digits and underscores, such as ORDER: what it "
            "finds becomes [ORDER]"
        )
    return name


def check_pattern(pattern: str) -> str:
    """Return a pattern that is safe on hostile texts.

    Raises:
        ValueError: The pattern is invalid, matches the empty text, or may take very long.
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
            f"it can match in more than {MAX_WAYS} ways at one place, so that hostile texts take "
            "minutes; use fewer or shorter {m,n} repetitions, and none inside another"
        )
    return pattern


def _ways(parsed: Any) -> int:
    """Return an upper bound of the ways in which a parsed pattern matches at one place."""
    total = 1
    for operation, argument in parsed:
        total = min(total * _ways_of(str(operation), argument), MAX_WAYS + 1)
    return total


def _ways_of(operation: str, argument: Any) -> int:
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        minimum, maximum, body = argument
        ways = _ways(body)
        total = 0
        for n in range(minimum, maximum + 1):
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
