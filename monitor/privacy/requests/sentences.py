"""Sentences of a text, and how they read after parts of the text were replaced."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from monitor.privacy.erasure.passages import Span
from monitor.privacy.erasure.traces import ERASED

#: The end of a sentence: marks before a space, marks of scripts without spaces, or a line break.
_END = re.compile(
    r"(?<![.!?…])[.!?…]+[\"'”’»)\]]*(?=\s|\Z)|[。！？]+[”’」』]*|[\r\n]+"  # noqa: RUF001
)
_END_MARKS = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*|[。！？]+[”’」』]*)\Z")  # noqa: RUF001


def sentences(text: str) -> Iterator[Span]:
    r"""Yield begin and end of each sentence, without the space around it.

    >>> text = "Ann called twice. Was she rude?\n- call back"
    >>> [text[first:last] for first, last in sentences(text)]
    ['Ann called twice.', 'Was she rude?', '- call back']
    """
    start = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        piece = text[start:end]
        if stripped := piece.strip():
            first = start + piece.index(stripped[0])
            yield first, first + len(stripped)
        start = end


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, without its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


def digest_of(sentence: str) -> str:
    """Return the digest by which a sentence is found again in its text."""
    return hashlib.sha256(sentence.encode("utf-8", "surrogatepass")).hexdigest()


def sentence_with(text: str, digest: str) -> Span | None:
    """Return begin and end of the sentence of a text that has a digest."""
    for first, last in sentences(text):
        if digest_of(text[first:last]) == digest:
            return first, last
    return None


def around(text: str, sentence: Span) -> tuple[str, str]:
    """Return what stands before and after a sentence in its paragraph."""
    first, last = sentence
    start = text.rfind("\n\n", 0, first) + 1
    end = text.find("\n\n", last)
    return text[start:first].lstrip(), text[last : len(text) if end < 0 else end].rstrip()


def without_sentence(text: str, digest: str) -> str:
    """Return a text in which a sentence is replaced wherever it stands; all else stays.

    Its end mark stays too, so that the next sentence remains one of its own.
    """
    parts, end = [], 0
    for first, last in sentences(text):
        if digest_of(text[first:last]) == digest:
            marks = _END_MARKS.search(text, first, last)
            parts += [text[end:first], ERASED, marks[0] if marks else ""]
            end = last
    return "".join([*parts, text[end:]])


def moved(text: str, spans: Sequence[Span], after: str) -> dict[str, str]:
    """Return the digests of sentences before spans of a text were erased, with those after."""

    def position(at: int, *, is_end: bool) -> int:
        shift = 0
        for first, last in spans:
            if last <= at:
                shift += len(ERASED) - (last - first)
            elif first < at:
                return first + shift + (len(ERASED) if is_end else 0)
        return at + shift

    now = list(sentences(after))
    digests: dict[str, str] = {}
    for first, last in sentences(text):
        start, end = position(first, is_end=False), position(last, is_end=True)
        for begin, stop in now:
            if begin < end and start < stop:
                digests[digest_of(text[first:last])] = digest_of(after[begin:stop])
                break
    return digests
