"""Retrieved context: the texts that a response was to be based on."""

import math
import re
from typing import Any

import msgspec

#: Metadata of an exchange that holds it: a text, or a list of texts as JSON.
CONTEXT = "context"
#: Characters of a text whose words are compared.
MAX_CHARACTERS = 20_000
_WORD = re.compile(r"\w{4,}")


def read_context(value: Any) -> str:
    r"""Return the text of a context, passages of a list one a line; empty where there is none.

    Example:
        >>> read_context('["Open Monday.", "Closed Sunday."]')
        'Open Monday.\nClosed Sunday.'
    """
    if not isinstance(value, str):
        return ""
    if value.startswith('["'):
        try:
            return "\n".join(msgspec.json.decode(value, type=list[str]))
        except msgspec.DecodeError:  # a text that looks like a list
            pass
    return value.strip()


def share_in_context(response: str, context: str) -> float:
    """Return the share of the response's distinct words that its context has; NaN without words.

    Words of four letters or digits and more count, whatever their case.

    Example:
        >>> share_in_context("Open Monday until five.", "We open on Monday.")
        0.5
    """
    words, known = (
        {word.casefold() for word in _WORD.findall(text[:MAX_CHARACTERS])}
        for text in (response, context)
    )
    return len(words & known) / len(words) if words else math.nan
