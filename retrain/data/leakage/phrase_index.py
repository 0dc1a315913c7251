"""Index of the phrases that are unique to a benchmark item."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retrain.data.similarity import phrases_of


@dataclass(frozen=True)
class PhraseIndex:
    """The phrases that one text alone has, and to which they belong."""

    n_words: int
    #: Phrase -> the text that has it.
    owner: dict[tuple[str, ...], int]
    #: Phrases of each text that no other has.
    sizes: list[int]

    @classmethod
    def of(cls, texts: Sequence[str], n_words: int) -> "PhraseIndex":
        """Index texts. What several share is a template's, and tells nothing."""
        matches = [phrases_of(text.casefold().split(), n_words) for text in texts]
        shared = Counter(phrase for phrases in matches for phrase in phrases)
        owner = {
            phrase: index
            for index, phrases in enumerate(matches)
            for phrase in phrases
            if shared[phrase] == 1
        }
        sizes = Counter(owner.values())
        return cls(n_words, owner, [sizes[index] for index in range(len(texts))])

    def repeated_by(self, text: str, share: float) -> int | None:
        """Return the first text of whose own phrases ``text`` holds at least ``share``."""
        if not self.owner:
            return None
        phrases = phrases_of(text.casefold().split(), self.n_words)
        held = Counter(self.owner[phrase] for phrase in phrases if phrase in self.owner)
        return next((i for i in sorted(held) if held[i] >= share * self.sizes[i]), None)
