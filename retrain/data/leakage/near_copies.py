"""Benchmark items that stand out in the training data, whatever the disguise.

An item that was trained on in other words, in pieces or with other words between shares far more
words with one example than with the next ones. Paraphrases in honest data do, too, so that the
share of such items is compared with that of the examples which stand out in other examples.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
#: Examples below which chance isn't known before and after those near an item are left out, and the
#: least similarity with fewer before.
FEW, FEW_OTHERS, MIN_SHARED_OF_FEW = 100, 30, 0.8
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

    #: Rows of the items that have enough words.
    compared: frozenset[int]
    #: Row of an item -> row of the example in which it stands out.
    pairs: dict[int, int]
    #: Examples that stand out in other examples, of so many.
    n_chance: int
    n_drawn: int

    @property
    def chance(self) -> float:
        """The share of the examples that stand out in another one; 0 for few examples."""
        return self.n_chance / self.n_drawn if self.n_drawn >= FEW_OTHERS else 0.0

    def are_strong(self, rows: Sequence[int]) -> bool:
        """Return whether more of these items stand out than examples do among themselves."""
        n = len(self.compared.intersection(rows))
        k = len(self.pairs.keys() & set(rows))
        if k < MIN_ITEMS or k / n < self.chance + MIN_EXCESS:
            return False
        if self.n_drawn < FEW_OTHERS:
            return True
        table = [[k, n - k], [self.n_chance, self.n_drawn - self.n_chance]]
        return bool(stats.fisher_exact(table, alternative="greater").pvalue <= LEVEL)


def find_near_copies(texts: Sequence[str], items: Sequence[str]) -> NearCopies:
    """Find the items that stand out in one of the examples' texts."""
    known = [_distinct(text) for text in texts]
    long_items = {
        row: words for row, text in enumerate(items) if len(words := _distinct(text)) >= MIN_WORDS
    }
    long_enough = [row for row, words in enumerate(known) if len(words) >= MIN_WORDS]
    drawn = np.random.default_rng(SEED).permutation(long_enough)[:N_COMPARED].tolist()
    queries = [*long_items.values(), *(known[row] for row in drawn)]
    own = [*(None for _ in long_items), *drawn]
    least = MIN_SHARED if len(drawn) >= FEW else MIN_SHARED_OF_FEW
    nearest = list(_nearest(queries, known, own, least)) if long_items and texts else []
    pairs = {row: near for row, near in zip(long_items, nearest, strict=False) if near is not None}
    copies = set(pairs.values())
    drawn_near = [
        near
        for row, near in zip(drawn, nearest[len(long_items) :], strict=False)
        if row not in copies
    ]
    return NearCopies(
        frozenset(long_items), pairs, sum(near is not None for near in drawn_near), len(drawn_near)
    )


def _distinct(text: str) -> Words:
    return tuple(dict.fromkeys(words_of(text)))


def _nearest(
    queries: Sequence[Words], texts: Sequence[Words], own: Sequence[int | None], least: float
) -> Iterator[int | None]:
    """Yield the text in which each query stands out; ``own`` is the text that a query is.

    ``least`` is the least similarity.
    """
    columns = {
        word: i for i, word in enumerate(dict.fromkeys(w for words in queries for w in words))
    }
    similar = _similar_words(columns)
    rows = [set().union(*map(similar, words)) for words in texts]
    counts = np.zeros(len(columns))
    for row in rows:
        counts[list(row)] += 1
    weights = _weights(counts, len(texts))
    frequencies = Counter(word for words in texts for word in words)
    rest = {word: float(_weights(np.array([n]), len(texts))[0]) for word, n in frequencies.items()}

    @cache
    def weight_of(word: str) -> float:
        return float(min((weights[i] for i in similar(word)), default=rest[word]))

    sizes = np.array([sum(map(weight_of, words)) for words in texts], dtype=np.float32)
    sizes[[len(words) < MIN_PIECE_WORDS for words in texts]] = 1e30  # near nothing
    matrix = _matrix(rows, (weights > 0).astype(np.float32)).T.tocsc()
    for start in range(0, len(queries), BLOCK):
        block = [[columns[word] for word in words] for words in queries[start : start + BLOCK]]
        weighted = _matrix(block, weights)
        shared = (weighted @ matrix).toarray()
        lengths = weighted.sum(axis=1)[:, None]
        similarities = shared / np.sqrt(np.maximum(lengths * sizes, 1e-9))
        for own_row, similarity in zip(own[start : start + BLOCK], similarities, strict=True):
            if own_row is not None:
                similarity[own_row] = 0
            yield _outstanding(similarity, least)


def _outstanding(similarities: Weights, least: float) -> int | None:
    nearest = int(similarities.argmax())
    n_near = np.count_nonzero(similarities > similarities[nearest] - MIN_GAP)
    stands_out = similarities[nearest] >= least and n_near < min(RANK, len(similarities))
    return nearest if stands_out else None


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


def _matrix(rows: Sequence[Collection[int]], weights: Weights) -> sparse.csr_array:
    columns = np.fromiter((column for row in rows for column in row), dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    matrix = sparse.csr_array((weights[columns], columns, starts), shape=(len(rows), len(weights)))
    matrix.eliminate_zeros()
    return matrix
