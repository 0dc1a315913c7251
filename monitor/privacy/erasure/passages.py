"""Search for quotes of texts in other texts, whatever their spacing, case and escapes."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

#: A quote has at least so many words, and so many characters in them; a shorter text is found as a
#: whole.
MIN_WORDS = 6
MIN_CHARACTERS = 20
#: A text of fewer words is searched for as a whole where it has so many characters.
MIN_WHOLE_CHARACTERS = 12
#: Characters of scripts without spaces count as words; a quote has at least so many.
MIN_IDEOGRAPHS = 8

#: Chinese, Japanese, Korean and Thai, whose words no spaces separate.
_IDEOGRAPH = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
#: Controls and punctuation, such as the quotes of ``\u201cfoo\u201d``.
_MARK = r"(?:00[01aAbB]|20[0-6]|30[01])[0-9a-fA-F]"
#: Escapes of JSON, of Python and of HTML separate words; ``\u00fc`` belongs to one.
_TOKEN = re.compile(
    rf"\\[nrtbf\"'/\\]|\\u{_MARK}|&(?:amp|lt|gt|quot|apos|nbsp|#x?[0-9a-fA-F]{{1,6}});"
    rf"|(?P<ideograph>[{_IDEOGRAPH}])"
    rf"|(?P<word>(?:\\u(?!{_MARK})[0-9a-fA-F]{{4}}|[^\W{_IDEOGRAPH}])+)"
)
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")

#: Words in their order.
Words = tuple[str, ...]
#: Begin and end in a text.
Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """A run of words of a text that is a quote."""

    words: Words
    span: Span


class Passages:
    r"""The texts whose quotes are searched for.

    >>> passages = Passages(["Please send the parcel of my late aunt to Rye."])
    >>> [passage.words[:2] for passage in passages.find("He wrote: 'the parcel of my\\nLATE aunt'")]
    [('the', 'parcel')]

    ``is_shared`` returns whether others wrote the same words, which are then no quote.
    """

    def __init__(
        self, texts: Iterable[str], is_shared: Callable[[Words], bool] | None = None
    ) -> None:
        self._windows: set[Words] = set()
        self._wholes: dict[int, set[Words]] = {}
        self._is_shared = is_shared or (lambda _words: False)
        self._shared: dict[Words, bool] = {}
        self._brief: set[str] = set()
        for text in texts:
            words = words_of(text)
            n_characters = sum(map(len, words))
            if len(words) < 2 * MIN_WORDS and n_characters >= MIN_WHOLE_CHARACTERS:
                self._brief.add(text)
            if len(words) >= MIN_WORDS:
                self._windows.update(_windows(words, MIN_WORDS))
            elif n_characters >= MIN_WHOLE_CHARACTERS:
                self._wholes.setdefault(len(words), set()).add(words)

    def __bool__(self) -> bool:
        """Return whether there is anything to search for."""
        return bool(self._windows or self._wholes)

    def find(self, text: str) -> list[Passage]:
        """Return the quotes in a text, in its order; they may overlap."""
        if not self:
            return []
        matches = list(tokens(text))
        words = tuple(word for word, _ in matches)
        return [
            Passage(words[first:last], (matches[first][1][0], matches[last - 1][1][1]))
            for first, last in self._runs(words)
            if not self._are_shared(words[first:last])
        ]

    def brief(self) -> Iterator[bytes]:
        """Yield the texts of few words, for a search of bytes in which words are not separate."""
        for text in sorted(self._brief):
            if not self._are_shared(words_of(text)):
                yield text.encode("utf-8", "surrogatepass")

    def _runs(self, words: Words) -> Iterator[tuple[int, int]]:
        first = last = -1
        for at, window in enumerate(_windows(words, MIN_WORDS)):
            if window not in self._windows:
                continue
            if at > last:  # the run before has ended
                if first >= 0 and _is_long(words[first:last]):
                    yield first, last
                first = at
            last = at + MIN_WORDS
        if first >= 0 and _is_long(words[first:last]):
            yield first, last
        for length, wholes in self._wholes.items():
            for at, window in enumerate(_windows(words, length)):
                if window in wholes:
                    yield at, at + length

    def _are_shared(self, words: Words) -> bool:
        if words not in self._shared:
            self._shared[words] = self._is_shared(words)
        return self._shared[words]


def words_of(text: str) -> Words:
    """Return the words of a text as they are compared."""
    return tuple(word for word, _ in tokens(text))


def contains_words(text: str, words: Words) -> bool:
    """Return whether a text has some words in their order, with nothing between them."""
    return words in set(_windows(words_of(text), len(words)))


def tokens(text: str) -> Iterator[tuple[str, Span]]:
    """Yield the words of a text as they are compared, with begin and end."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup is not None:
            word = match[0]
            if "\\u" in word:
                word = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), word)
            yield word.lower(), match.span()


def _windows(words: Words, length: int) -> Iterator[Words]:
    return (words[at : at + length] for at in range(len(words) - length + 1))


def _is_long(words: Words) -> bool:
    return sum(map(len, words)) >= MIN_CHARACTERS or (
        len(words) >= MIN_IDEOGRAPHS and all(len(word) == 1 for word in words)
    )
