"""Differences of a response's text from its reference answer that overlap ignores."""

import unicodedata
from collections import Counter
from collections.abc import Sequence, Set

from retrain.evaluation.metrics.overlap import exact_match, token_f1
from retrain.evaluation.metrics.tokens import alphanumeric_tokens

#: Least share of the reference answer's words in a response that a metric of words may find right.
MOST_WORDS = 0.7
#: Least token F1 from which a response has the reference's words, and the share of them in order
#: up to which they are scrambled.
SAME_WORDS, IN_ORDER = 0.7, 0.7
#: Least token F1 from which another word, or details in another order, are no paraphrase.
NEARLY_EQUAL = 0.87
#: Words of a stock phrase, and the share and number of responses with it.
PHRASE, STOCK_SHARE, LEAST_STOCK = 4, 0.05, 3
#: Unusual characters, and spaces at an end, that are left alone.
MAX_UNUSUAL, MAX_EDGE = 2, 2


def has_most_words(expected: str, response: str) -> bool:
    """Return whether a response has most of the reference answer's words."""
    wanted = Counter(alphanumeric_tokens(expected))
    shared = (wanted & Counter(alphanumeric_tokens(response))).total()
    return shared >= MOST_WORDS * wanted.total()


def is_scrambled(expected: str, response: str, details: Set[str]) -> bool:
    """Return whether a response has the reference's words, or its details, in another order."""
    overlap = token_f1(expected, response)
    if overlap < SAME_WORDS:
        return False
    wanted, own = alphanumeric_tokens(expected), alphanumeric_tokens(response)
    shared = (Counter(wanted) & Counter(own)).total()
    if shared >= 2 and common_in_order(wanted, own) <= IN_ORDER * shared:
        return True
    first, second = ([token for token in text if token in details] for text in (wanted, own))
    return overlap >= NEARLY_EQUAL and first != second and sorted(first) == sorted(second)


def common_in_order(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Reference: Hyyrö (2004), Bit-parallel LCS-length computation revisited.
    """
    places: dict[str, int] = {}
    for place, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << place
    every = (1 << len(first)) - 1
    open_places = every
    for token in second:
        matched = open_places & places.get(token, 0)
        open_places = (open_places + matched | open_places - matched) & every
    return len(first) - open_places.bit_count()


def phrases(text: str) -> set[tuple[str, ...]]:
    """Return the phrases of a text."""
    words = alphanumeric_tokens(text)
    return {tuple(words[place : place + PHRASE]) for place in range(len(words) - PHRASE + 1)}


def has_unusual_characters(source: str, response: str) -> bool:
    """Return whether a response has characters that only a normalisation makes readable.

    These are styled characters, digits of another script, invisible characters and unusual spaces
    that are neither in the prompt nor in the reference answer.
    """
    if response.isascii() and not any(c in response for c in "\t\r\v\f\x00"):
        return False
    known = set(source)
    return sum(_is_unusual(c) for c in response if c not in known) > MAX_UNUSUAL


def differs_in_form(expected: str, response: str) -> bool:
    """Return whether a response equals the reference only without its styles and spaces."""
    if not exact_match(expected, response):
        return False
    core = response.strip(" \n")
    start = response.find(core)
    edges = max(start, len(response) - start - len(core)) if core else len(response)
    return edges > MAX_EDGE or _plain(core) != _plain(expected.strip())


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_unusual(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Nd":
        return not character.isascii()
    if category[0] == "L":
        return unicodedata.normalize("NFKC", character) != unicodedata.normalize("NFC", character)
    return (
        category in ("Cf", "Co", "Cn")
        or (category == "Zs" and character != " ")
        or character == "\t"
    )
