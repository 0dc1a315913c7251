"""Texts that are searched for: what is wrong with one, and an excerpt around its first word."""

import re

from monitor.rendering.excerpts import excerpt
from monitor.store.search.terms import wanted_words

#: Characters of a text that is searched for.
MAX_TEXT = 500
#: Characters of an excerpt, and of those before the word.
SHOWN, BEFORE = 200, 60


def check_text(text: str, problems: list[str]) -> None:
    """Note what is wrong with a text that is searched for."""
    if len(text) > MAX_TEXT:
        problems.append(
            f"Text: {len(text):,} characters; shorten it to {MAX_TEXT}, or to its rarest words"
        )
    elif text and not wanted_words(text):
        problems.append(f"Text: {excerpt(text, 40) or 'no word'}; type a word or a number")


def excerpt_around(text: str, search: str) -> str:
    """Return a part of a text on one line, around the first word of a search that it has."""
    wanted = "|".join(map(re.escape, wanted_words(search)))
    match = re.search(wanted, text, re.IGNORECASE) if wanted else None
    if match is None or match.start() <= BEFORE:
        return excerpt(text, SHOWN)
    return f"… {excerpt(text[match.start() - BEFORE :], SHOWN)}"
