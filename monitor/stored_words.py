"""Words of the database, such as causes and states, that a newer release may have added to."""

from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class Words(dict[str, Value]):
    """Values of stored words: ``words[word]`` has one for every other word, too.

    During an upgrade the release before reads what the new one writes. ``known`` has the words of
    this release; ``unknown`` makes the value of another word.
    """

    def __init__(self, known: Mapping[str, Value], unknown: Callable[[str], Value]) -> None:
        super().__init__(known)
        self._unknown = unknown

    def __missing__(self, word: str) -> Value:
        return self._unknown(word)


def name_unknown(word: str) -> str:
    """Return the text for a word that this release doesn't know."""
    return f"unknown ({word})"


def labels(known: Mapping[str, str]) -> Words[str]:
    """Return the texts of words, with one that shows any other word."""
    return Words(known, name_unknown)
