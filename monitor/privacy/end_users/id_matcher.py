"""Search for an id in texts and in undecoded bytes."""

import json
import re
from collections.abc import Iterator
from mmap import mmap

#: A shorter id, such as 17, occurs anywhere: it counts only as a whole string in quotes.
MIN_WORD_LENGTH = 6


class IdMatcher:
    """A pattern that finds an id as a word, in any case and with any JSON escapes.

    >>> IdMatcher("ann@example.org").in_text("write to Ann@example.org!")
    True
    >>> IdMatcher("17").in_text("17 times"), IdMatcher("17").in_bytes(b'{"user": "17"}')
    (False, True)
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        body = "".join(_any_spelling(character) for character in subject)
        if len(subject) >= MIN_WORD_LENGTH:
            before, after = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
        else:
            before, after = r"[\"']", r"[\"']"
        self._text = re.compile(before + body + after, re.IGNORECASE)
        self._bytes = re.compile((before + body + after).encode(), re.IGNORECASE)
        is_long = len(subject) >= MIN_WORD_LENGTH
        self._loose = re.compile(body.encode(), re.IGNORECASE) if is_long else None

    def in_text(self, text: str) -> bool:
        """Return whether a text contains the id."""
        return self._text.search(text) is not None

    def in_bytes(self, raw: bytes) -> bool:
        """Return whether bytes contain the id, in UTF-8 or as JSON in ASCII."""
        return self._bytes.search(raw) is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return begin and end of each id in a text, without the quotes of a short one."""
        quote = 0 if self._loose else 1
        return [(match.start() + quote, match.end() - quote) for match in self._text.finditer(text)]

    def loose_spans(self, raw: bytes | mmap) -> Iterator[tuple[int, int]]:
        """Yield begin and end of each id in bytes whatever is beside it, as in database files.

        A short id, which occurs anywhere, is not searched for.
        """
        if self._loose is not None:
            for match in self._loose.finditer(raw):
                yield match.span()


def _any_spelling(character: str) -> str:
    """Return a pattern of a character, plain or escaped by JSON."""
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    spellings = {character, escaped, json.dumps(character)[1:-1]}
    if character == "/":
        spellings.add("\\/")
    return f"(?:{'|'.join(re.escape(spelling) for spelling in sorted(spellings))})"
