"""Details of a text: numbers, addresses, names, days and negations."""

import re
from collections.abc import Iterable, Set

from monitor.descriptors.stop_words import WORDS
from retrain.evaluation.metrics.tokens import european_digits, normalise

_STOPPED = frozenset(word for words in WORDS.values() for word in words.split())
_MARKER = re.compile(r"(?m)^\s*\d{1,2}[.)]\s")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_ADDRESS = re.compile(r"https?://\S+|\bwww\.\S+|\S+@\S+\.\w+")
_NUMBER_WORDS = {
    word: str(value)
    for words in (
        "two three four five six seven eight nine ten eleven twelve",
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for value, word in enumerate(words.split(), start=2)
}
#: Days and months where they are written in lower case; elsewhere they are names anyway.
_CALENDAR = """
    monday tuesday wednesday thursday friday saturday sunday january february april june july august
    september october november december lundi mardi mercredi jeudi vendredi samedi dimanche janvier
    février avril juin juillet août septembre octobre novembre décembre lunes martes miércoles
    jueves viernes sábado domingo enero febrero abril mayo junio julio agosto septiembre octubre
    noviembre diciembre
"""
_DAYS = frozenset(_CALENDAR.split())
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|without|cannot|\w+n['\u2019]t|nicht|kein\w*|nie"
    r"|niemals|ohne|nichts|weder|pas|jamais|aucune?|sans|rien|nunca|jamás|sin|ningun\w*|ningún|non"
    r"|senza|nessun\w*)\b|不|没|沒|ない|ません"
)
#: A word, and what stands before it.
_WORD = re.compile(r"(^|[.!?:\n]\W*|\W)(?<!\w)([^\W\d_]\w*)")


def numbers(text: str) -> set[str]:
    """Return the numbers and addresses of a text, without the markers of lists.

    >>> sorted(numbers("1. Pay 1,000.50 euro in two days"))
    ['1000.5', '2']
    """
    plain = european_digits(normalise(_MARKER.sub("\n", text)))
    addresses = set(_ADDRESS.findall(plain))
    values = {_value(number) for number in _NUMBER.findall(_ADDRESS.sub(" ", plain))}
    return values | addresses | {_NUMBER_WORDS[w] for w in plain.split() if w in _NUMBER_WORDS}


def _value(number: str) -> str:
    whole, _, fraction = _THOUSANDS.sub("", number).replace(",", ".").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def count_negations(text: str) -> int:
    """Return the number of negations of a text, in six languages."""
    return len(_NEGATION.findall(normalise(text)))


def words(text: str) -> set[str]:
    """Return the words of a text in lower case."""
    return {word for _, word in _WORD.findall(normalise(text))}


class Names:
    """Names in the texts of a benchmark: capitalised words that it never has in lower case.

    In German, these are nouns, too. Days and months are names in any case.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        small: set[str] = set()
        inside: set[str] = set()
        for text in texts:
            for before, word in _WORD.findall(text):
                if word[0].islower():
                    small.add(word.casefold())
                elif _is_inside(before):
                    inside.add(word.casefold())
        self._ordinary: Set[str] = small | _STOPPED
        self._inside = inside - self._ordinary

    def of(self, text: str) -> set[str]:
        """Return the names of a text; a sentence's first word counts if it is a name elsewhere."""
        matches = words(text) & _DAYS
        for before, word in _WORD.findall(text):
            own = word.casefold()
            is_name = own in self._inside or (_is_inside(before) and own not in self._ordinary)
            if is_name and word[0].isupper() and len(word) > 1:
                matches.add(own)
        return matches


def _is_inside(before: str) -> bool:
    """Return whether a word after this text is inside a sentence."""
    return before in (" ", "(", "-", "/")
