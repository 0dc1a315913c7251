"""Words of texts inside a template: those of any topic.

Texts behind a template "please do this for me" have the words of all texts. Those behind the
natural beginning "how do you say" have the words of one topic, such as "in" and "french".
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from monitor.explanations.templates.number_masks import NUMBER

Words = frozenset[str]

#: A word of one topic is in so many more of the texts than in those of the other side.
MAX_EXCESS = 0.12
#: Added for chance, over the root of the number of texts.
CHANCE = 0.45
#: Texts whose words are counted.
MAX_COUNTED = 500


class WordShares:
    """The share of a side's texts that each word is in."""

    def __init__(self, texts: Sequence[Words]) -> None:
        """Count words."""
        self._n = max(len(texts), 1)
        self._counts = Counter(word for words in texts for word in words)
        # Seen once is as unknown as an unknown word to the rest (Good, Biometrika 1953).
        rare = {word for word, n in self._counts.items() if n == 1}
        self._unknown = sum(not rare.isdisjoint(words) for words in texts)

    def is_like(self, texts: Iterable[Words], template: Collection[str]) -> bool:
        """Return whether no word is in many more of other texts than in those of this side.

        Args:
            texts: Those in a template.
            template: Its own words.
        """
        inside = [words.difference(template) for words in islice(texts, MAX_COUNTED)]
        n = max(len(inside), 1)
        n_texts = Counter(word for words in inside for word in words)
        unknown = sum(any(word not in self._counts for word in words) for words in inside)
        excesses = [
            unknown / n - self._unknown / self._n,
            *(count / n - self._counts[word] / self._n for word, count in n_texts.items()),
        ]
        return bool(n_texts) and max(excesses) <= MAX_EXCESS + CHANCE / n**0.5


def words_of(tokens: Iterable[str]) -> Words:
    """Return the words among tokens, numbers as one word."""
    return frozenset(token for token in tokens if token.isalnum() or token == NUMBER)
