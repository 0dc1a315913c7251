"""Sample of the texts of both sides, in tokens from their beginning or from their end."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from monitor.explanations.markup import without_markup
from monitor.explanations.punctuation import without_final_signs
from monitor.explanations.templates.number_masks import NUMBER
from monitor.explanations.templates.tree import TOKEN
from monitor.explanations.templates.word_excess import Words, words_of

End = Literal["beginning", "end"]

#: Characters of a text, from its end that is searched.
MAX_CHARACTERS = 4_000
#: Of the excess of a template, the part that its words have without markup and signs.
MIN_PLAIN_PART = 0.5


class Sample:
    """Distinct texts of both sides, with placeholders for numbers."""

    def __init__(self, reference: Sequence[str], current: Sequence[str]) -> None:
        """Join the sides, the reference first."""
        self.texts = [*reference, *current]
        self.n_reference = len(reference)
        self.sizes = len(reference), len(current)
        self._plain_counts: dict[tuple[End, int], tuple[Counter[tuple[str, ...]], ...]] = {}

    def sequences(self, end: End) -> list[list[str]]:
        """Return the tokens of each text, in lower case, from one end on."""
        return [_directed(_tokens(text.casefold(), end), end) for text in self.texts]

    @cached_property
    def words(self) -> list[Words]:
        """The words of each text."""
        return [words_of(_tokens(text.casefold(), "beginning")) for text in self.texts]

    def edges(self, end: End) -> tuple[Counter[str], Counter[str]]:
        """Return how many texts of each side have which character at one end."""
        place = 0 if end == "beginning" else -1
        characters = [text[place] for text in self.texts]
        return Counter(characters[: self.n_reference]), Counter(characters[self.n_reference :])

    def written(self, row: int, n_tokens: int, end: End) -> tuple[str, str]:
        """Return so many tokens at one end of a text as they are, and the signs behind them."""
        text = self.texts[row]
        tokens = _tokens(text, end)
        if end == "beginning":
            return "".join(tokens[:n_tokens]).strip(), ""
        return "".join(tokens[-n_tokens:]).strip(), text[len(without_final_signs(text)) :]

    def has_plain_excess(self, part: str, end: End, excess: float) -> bool:
        """Return whether the words of a part, without markup and signs, have most of its excess.

        A natural beginning of texts that have another form now is the same in these words.
        """
        words = _plain(part, end)
        if not words or not excess:
            return False
        key = (end, len(words))
        if key not in self._plain_counts:
            own = [words[: key[1]] for words in self._plain(end)]
            halves = own[: self.n_reference], own[self.n_reference :]
            self._plain_counts[key] = tuple(map(Counter, halves))
        reference, current = (
            counts[words] / size
            for counts, size in zip(self._plain_counts[key], self.sizes, strict=True)
        )
        return (current - reference) / excess >= MIN_PLAIN_PART

    def _plain(self, end: End) -> list[tuple[str, ...]]:
        return self._plain_beginnings if end == "beginning" else self._plain_ends

    @cached_property
    def _plain_beginnings(self) -> list[tuple[str, ...]]:
        return [_plain(text, "beginning") for text in self.texts]

    @cached_property
    def _plain_ends(self) -> list[tuple[str, ...]]:
        return [_plain(text, "end") for text in self.texts]


def is_word(token: str) -> bool:
    """Return whether a token is a word, a number or an emoji, not a sign or a space."""
    return token.isalnum() or token == NUMBER or unicodedata.category(token[0]) == "So"


def _plain(text: str, end: End) -> tuple[str, ...]:
    tokens = _tokens(without_markup(text).casefold(), end)
    return tuple(filter(is_word, _directed(tokens, end)))


def _directed(tokens: list[str], end: End) -> list[str]:
    return tokens if end == "beginning" else tokens[::-1]


def _tokens(text: str, end: End) -> list[str]:
    if end == "beginning":
        return TOKEN.findall(text[:MAX_CHARACTERS])
    return TOKEN.findall(without_final_signs(text)[-MAX_CHARACTERS:])
