"""A template: a constant beginning and end around texts, and texts without it.

The case, the signs at the end of the text, and spaces around are no part of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.explanations.found_explanation import SLOT
from monitor.explanations.punctuation import FINAL_SIGNS
from monitor.explanations.templates.number_masks import FILLER, NUMBER, PATTERN, show_numbers

#: Characters at the end of a text that are read for an end, for each of the end itself: a
#: placeholder may stand for a long id.
_TAIL = 4
_MIN_TAIL = 200
#: At the border of an end, a line break may be beside it.
_FILLER = r"\s*[^\n]{1,80}?\s*"


@dataclass(frozen=True)
class Template:
    """A beginning and an end, either of them empty, with placeholders for numbers and fillers."""

    beginning: str = ""
    end: str = ""
    #: Signs at the end of the end, as one of the texts has them: they are no part of it.
    signs: str = ""

    def matches(self, text: str) -> bool:
        """Return whether a text begins and ends so."""
        return self._slot(text) is not None

    def unwrap(self, text: str) -> str:
        """Return the text inside the template, without spaces around; any other text as it is.

        Example:
            >>> Template("Question:", "Be brief.").unwrap("Question: Who? Be brief.")
            'Who?'
        """
        slot = self._slot(text)
        return text if slot is None else text[slot[0] : slot[1]].strip()

    @property
    def text(self) -> str:
        """Return the template as it is quoted."""
        parts = (self.beginning, self.end + self.signs)
        return SLOT.join(show_numbers(part) for part in parts if part)

    def rows(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which texts are in the template, bool ``[n]``."""
        return np.fromiter(map(self.matches, texts), dtype=np.bool_, count=len(texts))

    def _slot(self, text: str) -> tuple[int, int] | None:
        start = 0
        if self.beginning:
            head = self._head.match(text)
            if head is None:
                return None
            start = head.end()
        if not self.end:
            return start, len(text)
        offset = max(start, len(text) - _TAIL * len(self.end) - _MIN_TAIL)
        tail = self._tail.search(text, offset)
        return None if tail is None else (start, tail.start())

    @cached_property
    def _head(self) -> re.Pattern[str]:
        closed = r"(?![^\W_])" if _ends_word(self.beginning[-1]) else ""
        return re.compile(r"\s*" + _pattern(self.beginning) + closed, re.IGNORECASE)

    @cached_property
    def _tail(self) -> re.Pattern[str]:
        closed = r"(?<![^\W_])" if _ends_word(self.end[0]) else ""
        return re.compile(closed + _pattern(self.end) + FINAL_SIGNS.pattern, re.IGNORECASE)


def _ends_word(character: str) -> bool:
    # Characters of scripts without spaces have no case.
    return character.isdigit() or character.lower() != character.upper()


def _pattern(part: str) -> str:
    fixed = (PATTERN.join(map(re.escape, own.split(NUMBER))) for own in part.split(FILLER))
    return _FILLER.join(fixed)
