"""Pieces of prompts and responses that can be shown: one line, no control characters, short."""

import unicodedata

#: Characters of text looked at; what a person is shown is far shorter.
LOOKED_AT = 4_000

#: Characters of a version's name that a person is shown.
VERSION_SHOWN = 60

#: Control, surrogate and format characters (bidirectional overrides, zero-width ones).
HIDDEN = frozenset({"Cc", "Cs", "Cf", "Co", "Cn"})


def excerpt(text: str, limit: int = 240) -> str:
    r"""Return the beginning of a text on one line, in at most ``limit`` characters.

    Terminal escapes, NUL bytes, lone surrogates and characters that turn the direction of reading
    are dropped: the text comes from strangers and goes to terminals, Slack and pages.

    Example:
        >>> excerpt("two\n lines\x1b[31m", limit=20)
        'two lines[31m'
    """
    visible = "".join(
        character if unicodedata.category(character) not in HIDDEN else " " * character.isspace()
        for character in text[:LOOKED_AT]
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def excerpt_of_version(version: str) -> str:
    """Return the name of a version as it is shown; a long one without its middle.

    Long names are paths or ids made of parts, and of several the ends tell them apart.
    """
    if len(version) <= VERSION_SHOWN:
        return version
    begins = VERSION_SHOWN // 2
    return f"{version[:begins]}…{version[begins + 1 - VERSION_SHOWN :]}"
