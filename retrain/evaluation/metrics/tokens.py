"""Tokenization for overlap metrics, in any script."""

import string
import unicodedata

#: Where these stand between two digits, they are part of the number.
_IN_NUMBERS = ".,\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC THOUSANDS SEPARATOR}"
_TATWEEL = "\N{ARABIC TATWEEL}"
#: Harakat, which Arabic is mostly written without.
_ARABIC_VOWEL_SIGNS = frozenset(chr(code) for code in (*range(0x064B, 0x0653), 0x0670))
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def normalise(text: str) -> str:
    """Return a text without differences that don't matter: Unicode form, case, spaces.

    >>> normalise(" Cards:  BLOCK card")
    'cards: block card'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tokens(text: str) -> list[str]:
    """Split a text into words without punctuation; one character each where words aren't spaced.

    Japanese, Chinese, Thai, Lao, Khmer and Burmese write words without spaces. Arabic loses its
    vowel signs and tatweel, digits of every script become European ones, and invisible marks go.
    A point or comma between digits stays: 3.5 is not 35.

    >>> tokens("Block the card, please: 3.5 EUR")
    ['block', 'the', 'card', 'please', '3.5', 'eur']
    >>> tokens("カード停止")
    ['カ', 'ー', 'ド', '停', '止']
    """
    matches: list[str] = []
    for word in normalise(text).split():
        run = ""
        for character in _plain(word):
            if _is_unspaced(character):
                matches.extend((run, character) if run else (character,))
                run = ""
            else:
                run += character
        if run:
            matches.append(run)
    return matches


def european_digits(text: str) -> str:
    """Return a text with the decimal digits of every script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(entry)) if entry.isdecimal() and not entry.isascii() else entry
        for entry in text
    )


def _plain(word: str) -> str:
    """Return a word without punctuation and marks that don't change it."""
    word = european_digits(word)
    retained = []
    for place, first in enumerate(word):
        if first in _IN_NUMBERS:
            between = word[max(0, place - 1) : place], word[place + 1 : place + 2]
            if all(neighbour.isdigit() for neighbour in between):
                retained.append(first)
        elif not _is_dropped(first):
            retained.append(first)
    return "".join(retained)


def _is_dropped(character: str) -> bool:
    return (
        character in string.punctuation
        or character == _TATWEEL
        or character in _ARABIC_VOWEL_SIGNS
        or unicodedata.category(character)[0] == "P"
        or unicodedata.category(character) == "Cf"
    )


def _is_unspaced(character: str) -> bool:
    return not character.isascii() and unicodedata.name(character, "").startswith(_UNSPACED)
