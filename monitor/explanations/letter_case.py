"""Case of texts: in capitals, in lower case, or mixed."""

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import Shares
from monitor.explanations.text_categories import find_category

#: Fewer characters with a case have none: "OK", "USA".
MIN_CASED = 2
CAPITALS, LOWER, MIXED = "in capitals", "in lower case", "in mixed case"


def find_letter_case(shares: Shares) -> list[FoundExplanation]:
    """Return the case that more texts have than before."""
    return find_category(shares, "letter_case", letter_case, str.lower)


def letter_case(text: str) -> str:
    """Return the case of a text; empty with too few capital and small characters.

    Example:
        >>> letter_case("BLOCK MY CARD!"), letter_case("block my card"), letter_case("I?")
        ('in capitals', 'in lower case', '')
    """
    upper, lower = text.upper(), text.lower()
    if sum(map(str.__ne__, upper, lower)) < MIN_CASED:
        return ""
    return CAPITALS if text == upper else LOWER if text == lower else MIXED
