"""Patterns that ignore case: of a text in lower case they need a fraction of the time."""

import re

#: Letters in lower case that stay, and that a pattern takes for another letter: i, s, final sigma,
#: mu, kappa, and old forms of Cyrillic letters.
ODD = "\u0131\u017f\u03c2\u00b5\u03f0" + "".join(map(chr, range(0x1C80, 0x1C89)))


class AnyCase:
    """A pattern in lower case, which matches in any case."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern, re.IGNORECASE)
        self._lower = re.compile(pattern)

    def is_in(self, text: str) -> bool:
        """Return whether a short text has a match."""
        cases = Cases(text)
        return self.of(cases).search(cases.lower) is not None

    def of(self, text: "Cases") -> re.Pattern[str]:
        """Return the pattern that reads ``text.lower``."""
        return self._lower if text.is_lower else self.pattern


class Cases:
    """A text in lower case, character by character; as it is where that would change a match."""

    def __init__(self, text: str) -> None:
        lower = text.lower()
        self.is_lower = lower.isascii() or (
            len(lower) == len(text) and not any(map(lower.__contains__, ODD))
        )
        self.lower = lower if self.is_lower else text
