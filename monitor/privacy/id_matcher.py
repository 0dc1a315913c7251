"""Whether a text, or raw bytes that nobody could read, mention an id."""

import json
import re

#: A shorter id, 17 for instance, stands everywhere: it counts only as a whole string, in quotes.
SHORTEST_WORD = 6


class IdMatcher:
    """Finds an id as a word, whatever its case and however JSON escapes it.

    >>> Mention("ann@example.org").in_text("write to Ann@example.org!")
    True
    >>> Mention("17").in_text("17 times"), Mention("17").in_bytes(b'{"user": "17"}')
    (False, True)
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        body = "".join(_any_spelling(character) for character in subject)
        if len(subject) >= SHORTEST_WORD:
            before, after = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
        else:
            before, after = r"[\"']", r"[\"']"
        self._text = re.compile(before + body + after, re.IGNORECASE)
        self._bytes = re.compile((before + body + after).encode(), re.IGNORECASE)

    def in_text(self, text: str) -> bool:
        """Return whether a text mentions the id."""
        return self._text.search(text) is not None

    def in_bytes(self, raw: bytes) -> bool:
        """Return whether bytes mention the id, in UTF-8 or as JSON writes it in ASCII."""
        return self._bytes.search(raw) is not None


def _any_spelling(character: str) -> str:
    """Return a pattern of a character as it is, and as JSON may escape it."""
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    spellings = {character, escaped, json.dumps(character)[1:-1]}
    if character == "/":
        spellings.add("\\/")
    return f"(?:{'|'.join(re.escape(one) for one in sorted(spellings))})"
