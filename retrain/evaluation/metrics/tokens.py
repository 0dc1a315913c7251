"""Tokenization for overlap metrics, in any script."""

import re
import unicodedata

#: Part of a number if between two digits.
_IN_NUMBERS = ".,\N{ARABIC DECIMAL SEPARATOR}\N{ARABIC THOUSANDS SEPARATOR}"
_TATWEEL = "\N{ARABIC TATWEEL}"
#: Harakat (vowel marks), which Arabic texts mostly omit.
_ARABIC_VOWEL_SIGNS = frozenset(chr(code) for code in (*range(0x064B, 0x0653), 0x0670))
_VARIATION_SELECTORS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))
_APOSTROPHES = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]")
_ASCII_WORDS = re.compile("[A-Za-z0-9]+")
_ASCII_WORDS_AND_NUMBERS = re.compile("[A-Za-z0-9]+(?:(?<=[0-9])[.,](?=[0-9])[A-Za-z0-9]+)*")
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def normalise(text: str) -> str:
    """Normalise Unicode form, case and spaces.

    >>> normalise(" Cards:  BLOCK card")
    'cards: block card'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def tokens(text: str) -> list[str]:
    """Split a text into words, with numbers and words with an apostrophe in one piece.

    Words end at spaces and at any other punctuation. Characters of scripts without spaces between
    words (Japanese, Chinese, Thai, Lao, Khmer, Burmese) and symbols such as emoji are tokens of
    their own. Arabic vowel marks, tatweel and invisible marks are removed; digits of every script
    become European digits.

    >>> tokens("Don't block card_1, please: 3.5 EUR")
    ['dont', 'block', 'card', '1', 'please', '3.5', 'eur']
    >>> tokens("カード停止")
    ['カ', 'ー', 'ド', '停', '止']
    """
    return _split(_APOSTROPHES.sub("", european_digits(normalise(text))), _IN_NUMBERS)


def alphanumeric_tokens(text: str) -> list[str]:
    """Split a text at all punctuation: ROUGE's tokens, in any script.

    >>> alphanumeric_tokens("Don't block card_1: 3.5 EUR")
    ['don', 't', 'block', 'card', '1', '3', '5', 'eur']
    """
    return _split(european_digits(normalise(text)), "")


def european_digits(text: str) -> str:
    """Convert the decimal digits of every script to 0 to 9."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(entry)) if entry.isdecimal() and not entry.isascii() else entry
        for entry in text
    )


def _split(text: str, in_numbers: str) -> list[str]:
    """Split a text into tokens; a sign of ``in_numbers`` between two digits is part of a number."""
    if text.isascii():  # the same by a pattern, in a tenth of the time
        return (_ASCII_WORDS_AND_NUMBERS if in_numbers else _ASCII_WORDS).findall(text)
    matches: list[str] = []
    run = ""
    for place, character in enumerate(text):
        single = _is_token(character)
        part_of_number = character in in_numbers and (
            text[max(0, place - 1) : place].isdigit() and text[place + 1 : place + 2].isdigit()
        )
        if single or (_is_separator(character) and not part_of_number):
            matches.extend(token for token in (run, character if single else "") if token)
            run = ""
        elif not _is_dropped(character):
            run += character
    return [*matches, run] if run else matches


def _is_separator(character: str) -> bool:
    if character.isascii():
        return not character.isalnum()
    return unicodedata.category(character)[0] in "PZ" and character != _TATWEEL


def _is_token(character: str) -> bool:
    """Return whether a character is a token of its own."""
    if character.isascii():
        return False
    return _is_unspaced(character) or unicodedata.category(character)[0] == "S"


def _is_dropped(character: str) -> bool:
    return (
        character == _TATWEEL
        or character in _ARABIC_VOWEL_SIGNS
        or character in _VARIATION_SELECTORS
        or unicodedata.category(character) in ("Cf", "Cc")
    )


def _is_unspaced(character: str) -> bool:
    return unicodedata.category(character)[0] != "P" and unicodedata.name(character, "").startswith(
        _UNSPACED
    )
