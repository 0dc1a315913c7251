"""Index of the phrases that are unique to a benchmark item."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retrain.data.leakage.canonical_text import words_of
from retrain.data.similarity import phrases_of


@dataclass(frozen=True)
class PhraseIndex:
    """An index of phrases that occur in one text only."""

    n_words: int
    #: Phrase -> its text.
    owner: dict[tuple[str, ...], int]
    #: Number of unique phrases of each text.
    sizes: list[int]

    @classmethod
    def of(cls, texts: Sequence[str], n_words: int) -> "PhraseIndex":
        """Index texts. Phrases of several texts come from a template and are ignored."""
        matches = [phrases_of(words_of(text), n_words) for text in texts]
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
        """Return the first text with at least ``share`` of its unique phrases in ``text``."""
        if not self.owner:
            return None
        phrases = phrases_of(words_of(text), self.n_words)
        held = Counter(self.owner[phrase] for phrase in phrases if phrase in self.owner)
        return next((i for i in sorted(held) if held[i] >= share * self.sizes[i]), None)
