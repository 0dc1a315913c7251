"""Punctuation of texts: the signs at their end."""

import re

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import Shares
from monitor.explanations.text_categories import find_category

#: The signs at the end of a text; brackets, quotation marks and markup belong to words.
FINAL_SIGNS = re.compile(r"[.!?,;:…。！？،؟।~\s]*\Z")  # noqa: RUF001
#: Signs that are read.
MAX_SIGNS = 100
_LAST = re.compile(r"(.)\1{0,2}\Z")
#: Signs of other scripts count as those of the Latin one.
_LATIN = str.maketrans("。！？،؟।…", ".!?,?..")  # noqa: RUF001
NONE = "no punctuation at the end"


def find_punctuation(shares: Shares) -> list[FoundExplanation]:
    """Return the end that more texts have than before."""
    return find_category(shares, "punctuation", final_signs, without_final_signs)


def final_signs(text: str) -> str:
    """Return the last sign of a text and its repetitions, at most three; empty for no text.

    Example:
        >>> final_signs("Now!!!!!"), final_signs("now")
        ('“!!!” at the end', 'no punctuation at the end')
    """
    text = text.strip()
    if not text:
        return ""
    last = _LAST.search(_final(text).translate(_LATIN))
    return f"“{last[0]}” at the end" if last else NONE


def without_final_signs(text: str) -> str:
    """Return a text without the signs at its end."""
    text = text.strip()
    return text[: len(text) - len(_final(text))]


def _final(text: str) -> str:
    ending = FINAL_SIGNS.search(text, max(0, len(text) - MAX_SIGNS))
    return ending[0] if ending else ""
