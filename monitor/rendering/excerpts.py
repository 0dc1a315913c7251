"""Excerpts of prompts and responses for display: one short line, no control characters."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

#: Characters of a text that are read; an excerpt is far shorter.
CHARACTERS_READ = 4_000

#: Characters of a version's name in an excerpt.
VERSION_CHARACTERS = 60

#: Longest name of a version that is kept.
LONGEST_VERSION = 256

#: Characters of a metric's name that a sentence quotes.
METRIC_CHARACTERS = 40

#: Words and characters of a text that a sentence quotes.
QUOTED_WORDS = 8
QUOTED_CHARACTERS = 60

#: Control, surrogate and format characters (bidirectional overrides, zero-width ones).
HIDDEN = frozenset({"Cc", "Cs", "Cf", "Co", "Cn"})


def excerpt(text: str, limit: int = 240) -> str:
    r"""Return the beginning of a text on one line, in at most ``limit`` characters.

    Terminal escapes, NUL bytes, lone surrogates and bidirectional overrides are dropped: the text
    is untrusted, and terminals, Slack and pages display it.

    Example:
        >>> excerpt("two\n lines\x1b[31m", limit=20)
        'two lines[31m'
    """
    visible = text[:CHARACTERS_READ]
    if not visible.isprintable():  # which takes a hundredth of the time
        visible = "".join(
            character
            if unicodedata.category(character) not in HIDDEN
            else " " * character.isspace()
            for character in visible
        )
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip(" …") + "…"


def excerpt_of_version(version: str) -> str:
    """Return the name of a version for display; a long name without its middle.

    Long names are paths or composed ids, which differ at their ends.
    """
    if len(version) <= VERSION_CHARACTERS:
        return version
    begins = VERSION_CHARACTERS // 2
    return f"{version[:begins]}…{version[begins + 1 - VERSION_CHARACTERS :]}"


@lru_cache(maxsize=1_024)
def clean_version_name(name: str) -> str:
    """Return the name of a version on one line, without control characters."""
    return excerpt(name, LONGEST_VERSION)


def version_from_attributes(attributes: Mapping[str, Any], field: str) -> str:
    """Return the version in the metadata of an exchange; empty where there is none."""
    value = attributes.get(field)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return clean_version_name(str(value))
    return ""


def name_version(version: str) -> str:
    """Return a version as a sentence names it.

    >>> name_version("3"), name_version("1 and 2"), name_version("")
    ('version 3', 'version 1 and 2', 'an unknown version')
    """
    return f"version {excerpt_of_version(version)}" if version else "an unknown version"


def quote_metric(name: str) -> str:
    """Return the name of a metric as a sentence quotes it."""
    line = excerpt(name, METRIC_CHARACTERS).replace("`", "'")
    return f"`{line}`"


def quote(text: str) -> str:
    """Return the beginning of a text or name as a sentence quotes it: a few words in “...”.

    An erasure finds the text in sentences by the same function.
    """
    line = excerpt(text, QUOTED_CHARACTERS)
    words = line.split(" ")
    if len(words) > QUOTED_WORDS:
        line = f"{' '.join(words[:QUOTED_WORDS]).rstrip(' …')}…"
    return f"“{line or '(empty)'}”"
