"""Benchmark items that stand out in the training data, whatever the disguise.

An item that was trained on in other words, in pieces or with other words between shares far more
words with one example than with the next ones. Paraphrases in honest data do, too, so that the
share of such items is compared with that of the examples near them which stand out in others.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from retrain.data.leakage.canonical_text import words_of

#: Least different words of an item, and of an example.
MIN_WORDS, MIN_PIECE_WORDS = 8, 5
#: Words of more examples than this share don't count.
MAX_SHARE = 0.2
#: Least similarity (cosine of rare words) of an item and its nearest example, and by how much that
#: of the example of this rank must be less.
MIN_SHARED, MIN_GAP, RANK = 0.5, 0.3, 6
#: Examples below which chance isn't known, and the least similarity then.
FEW, MIN_SHARED_OF_FEW = 100, 0.8
#: Examples near an item that show what is chance.
N_NEIGHBOURS = 3
#: Examples that are compared with the other examples, and the seed by which they are drawn.
N_COMPARED, SEED = 500, 1
#: Least items of strong evidence, least share beyond that of the examples, and level.
MIN_ITEMS, MIN_EXCESS, LEVEL = 5, 0.2, 0.001
#: Least characters of a word that may have an error.
MIN_CHARACTERS = 3
#: Texts that are compared with all examples at a time.
BLOCK = 256

Words = tuple[str, ...]
Weights = NDArray[np.float32]


@dataclass(frozen=True)
class NearCopies:
    """Items that stand out in training examples."""

    #: Number of the items that have enough words.
    n_compared: int
    #: Row of an item -> row of the example in which it stands out.
    pairs: dict[int, int]
    #: Examples near the items that stand out in other examples, of so many.
    n_chance: int
    n_drawn: int

    @property
    def chance(self) -> float:
        """The share of the examples that stand out."""
        return self.n_chance / max(self.n_drawn, 1)

    @property
    def are_strong(self) -> bool:
        """Whether more of the items stand out than examples do among themselves."""
        k, n = len(self.pairs), self.n_compared
        if k < MIN_ITEMS or k / n < self.chance + MIN_EXCESS:
            return False
        table = [[k, n - k], [self.n_chance, self.n_drawn - self.n_chance]]
        return bool(stats.fisher_exact(table, alternative="greater").pvalue <= LEVEL)


class NearCopySearch:
    """A search of training examples for items that stand out."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [_distinct(text) for text in texts]
        n_long = sum(len(words) >= MIN_WORDS for words in self._texts)
        self._least = MIN_SHARED if n_long >= FEW else MIN_SHARED_OF_FEW

    def find(self, items: Sequence[str]) -> NearCopies:
        """Find the items that stand out in one of the examples.

        Chance is that of the examples near the items, whose kinds are as frequent.
        """
        words = [_distinct(item) for item in items]
        rows = [row for row, own in enumerate(words) if len(own) >= MIN_WORDS and self._texts]
        matches = list(self._nearest([words[row] for row in rows], [None] * len(rows)))
        near = {row for _, neighbours in matches for row in neighbours}
        drawn = np.random.default_rng(SEED).permutation(sorted(near))[:N_COMPARED].tolist()
        drawn = [row for row in drawn if len(self._texts[row]) >= MIN_WORDS]
        alike = list(self._nearest([self._texts[row] for row in drawn], drawn))
        pairs = {
            row: match for row, (match, _) in zip(rows, matches, strict=True) if match is not None
        }
        n_chance = sum(match is not None for match, _ in alike)
        return NearCopies(len(rows), pairs, n_chance, len(drawn))

    def _nearest(
        self, queries: Sequence[Words], own: Sequence[int | None]
    ) -> Iterator[tuple[int | None, Sequence[int]]]:
        """Yield the example in which each query stands out, and the nearest ones.

        ``own`` is the example that a query is.
        """
        rank = min(RANK, len(self._texts))
        for place, similarity in zip(own, _similarities(queries, self._texts), strict=True):
            if place is not None:
                similarity[place] = 0
            nearest = int(similarity.argmax())
            neighbours = np.argpartition(similarity, -rank)[-rank:]
            neighbours = neighbours[np.argsort(-similarity[neighbours])].tolist()
            gap = similarity[nearest] - similarity[neighbours[-1]]
            stands_out = similarity[nearest] >= self._least and gap >= MIN_GAP
            yield nearest if stands_out else None, neighbours[:N_NEIGHBOURS]


def _distinct(text: str) -> Words:
    return tuple(dict.fromkeys(words_of(text)))


def _similarities(queries: Sequence[Words], texts: Sequence[Words]) -> Iterator[Weights]:
    """Yield the similarities of each query to the texts ``[n]``."""
    columns = {
        word: i for i, word in enumerate(dict.fromkeys(w for words in queries for w in words))
    }
    similar = _similar_words(columns)
    counts = np.zeros(len(columns))
    for words in texts:
        counts[list(set().union(*map(similar, words)))] += 1
    weights = _weights(counts, len(texts))
    frequencies = Counter(word for words in texts for word in words)
    rest = {word: float(_weights(np.array([n]), len(texts))[0]) for word, n in frequencies.items()}

    @cache
    def weight_of(word: str) -> float:
        return min(rest[word], max((float(weights[i]) for i in similar(word)), default=rest[word]))

    rows: list[dict[int, float]] = []
    for words in texts:
        rows.append({})
        for word in sorted(words, key=weight_of):
            rows[-1] |= {i: min(float(weights[i]), weight_of(word)) for i in similar(word)}
    sizes = np.array([sum(map(weight_of, words)) for words in texts], dtype=np.float32)
    sizes[[len(words) < MIN_PIECE_WORDS for words in texts]] = 1e30  # near nothing
    matrix = _matrix(rows, len(columns)).T.tocsc()
    for start in range(0, len(queries), BLOCK):
        block = [[columns[word] for word in words] for words in queries[start : start + BLOCK]]
        shared = (
            _matrix([dict.fromkeys(row, 1.0) for row in block], len(columns)) @ matrix
        ).toarray()
        lengths = np.array([[weights[row].sum()] for row in block], dtype=np.float32)
        yield from np.minimum(shared / np.sqrt(np.maximum(lengths * sizes, 1.0)), 1)


def _weights(counts: NDArray[np.float64], n: int) -> Weights:
    """Return the weight of words by the number of texts that have them: rare words weigh more."""
    weights = np.log((n + 1) / (counts + 0.5))
    return np.where(counts > MAX_SHARE * n, 0, weights).astype(np.float32)


def _similar_words(columns: Mapping[str, int]) -> Callable[[str], frozenset[int]]:
    """Return a function from a word to the columns of the words within a typing error of it."""
    by_form: dict[str, set[int]] = defaultdict(set)
    for word, column in columns.items():
        for form in _forms(word):
            by_form[form].add(column)

    @cache
    def similar(word: str) -> frozenset[int]:
        return frozenset().union(*(by_form.get(form, ()) for form in _forms(word)))

    return similar


def _forms(word: str) -> set[str]:
    """Return a word, and it without each of its characters."""
    if len(word) < MIN_CHARACTERS or not word.isalpha():
        return {word}
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _matrix(rows: Sequence[Mapping[int, float]], n_columns: int) -> sparse.csr_array:
    columns = np.fromiter((column for row in rows for column in row), dtype=np.int32)
    values = np.fromiter((value for row in rows for value in row.values()), dtype=np.float32)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    matrix = sparse.csr_array((values, columns, starts), shape=(len(rows), n_columns))
    matrix.eliminate_zeros()
    return matrix
