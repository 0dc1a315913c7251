"""Tokenization for overlap metrics, in any script."""

import string
import unicodedata

#: Part of a number if between two digits.
_IN_NUMBERS = ".,\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC THOUSANDS SEPARATOR}"
_TATWEEL = "\N{ARABIC TATWEEL}"
#: Harakat (vowel marks), which Arabic texts mostly omit.
_ARABIC_VOWEL_SIGNS = frozenset(chr(code) for code in (*range(0x064B, 0x0653), 0x0670))
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def normalise(text: str) -> str:
    """Normalise Unicode form, case and spaces.

    >>> normalise(" Cards:  BLOCK card")
    'cards: block card'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tokens(text: str) -> list[str]:
    """Split a text into words without punctuation, or into characters in unspaced scripts.

    Japanese, Chinese, Thai, Lao, Khmer and Burmese have no spaces between words. Arabic vowel
    marks, tatweel and invisible marks are removed; digits of every script become European digits.
    A point or comma between digits remains: 3.5 is not 35.

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
    """Convert the decimal digits of every script to 0 to 9."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(entry)) if entry.isdecimal() and not entry.isascii() else entry
        for entry in text
    )


def _plain(word: str) -> str:
    """Remove punctuation and insignificant marks from a word."""
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
