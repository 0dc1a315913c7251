"""Training examples that may be benchmark items in another language.

With a multilingual encoder they are compared by embeddings. Without one, a translation is found
only by what both languages write alike, such as names and related words: in characters, weighted by
their rarity, and in numbers. Few are found, so that their number in all of the data decides.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.descriptors import identify_language
from retrain.data.leakage.canonical_text import words_of
from retrain.data.leakage.multilingual import translation_threshold
from retrain.data.similarity import SentenceEncoder, numbers_of

#: Characters of a gram.
GRAM = 3
#: Least similarity of characters: where an item is nearer than so many other texts of its
#: language as there are items, and where there are fewer of them.
MIN_SIMILARITY, MIN_SIMILARITY_ALONE = 0.2, 0.35
#: Least items, and least share of the examples in other languages, of strong evidence.
MIN_ITEMS, MIN_SHARE, MIN_SHARE_ALONE = 5, 0.05, 0.1
#: Other texts of the items' language that are compared.
MAX_OTHERS = 4_000

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Translations:
    """Texts that may be translations of items."""

    #: Row of a text -> row of the item.
    pairs: dict[int, int]
    #: Languages of these texts.
    languages: tuple[str, ...] = ()
    #: Whether they are too many for chance.
    is_strong: bool = False


def find_translations(
    texts: Sequence[str], items: Sequence[str], encoder: SentenceEncoder | None = None
) -> Translations:
    """Find the texts that may be items in another language.

    An item must be nearer than the other texts in its language. Languages of few items are left
    out.
    """
    spoken = [identify_language(item) for item in items]
    languages = [identify_language(text) for text in texts]
    least = None if encoder is None else translation_threshold(encoder)
    pairs: dict[int, int] = {}
    is_strong = False
    for language, n in sorted(Counter(spoken).items()):
        rows = [row for row, own in enumerate(languages) if own not in ("", language)]
        if not language or n < MIN_ITEMS or not rows:
            continue
        columns = [column for column, own in enumerate(spoken) if own in ("", language)]
        alike = [text for text, own in zip(texts, languages, strict=True) if own == language]
        known = [*(items[column] for column in columns), *alike[:MAX_OTHERS]]
        alone = len(alike) < n
        translated = [texts[row] for row in rows]
        if encoder is None or least is None:
            limit = MIN_SIMILARITY_ALONE if alone else MIN_SIMILARITY
            similarities = _similarities(translated, known)
        else:
            limit = least
            similarities = encoder.encode(translated).astype(np.float64) @ encoder.encode(known).T
        matches = {
            row: columns[nearest]
            for row, near in zip(rows, similarities, strict=True)
            if (nearest := int(near.argmax())) < len(columns)
            and near[nearest] >= limit
            and _same_numbers(texts[row], items[columns[nearest]])
        }
        share = MIN_SHARE_ALONE if alone else MIN_SHARE
        is_strong |= len(set(matches.values())) >= max(MIN_ITEMS, share * len(rows))
        pairs |= matches
    return Translations(pairs, tuple(sorted({languages[row] for row in pairs})), is_strong)


def _same_numbers(text: str, item: str) -> bool:
    return sorted(numbers_of(text)) == sorted(numbers_of(item))


def _similarities(texts: Sequence[str], known: Sequence[str]) -> Matrix:
    """Return cosines ``[n, m]`` of grams of characters, weighted by their rarity among the known.

    The reference: Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval.
    """
    grams = [_grams(text) for text in known]
    counts = Counter(gram for own in grams for gram in own)
    places = {gram: place for place, gram in enumerate(counts)}
    weights = {gram: float(np.log((len(known) + 1) / (n + 0.5))) for gram, n in counts.items()}
    unknown = float(np.log((len(known) + 1) / 0.5))

    def matrix(rows: Sequence[set[str]]) -> sparse.csr_array:
        lengths = [
            max(sum(weights.get(gram, unknown) ** 2 for gram in own) ** 0.5, 1e-9) for own in rows
        ]
        cells = [
            (row, places[gram], weights[gram] / length)
            for row, (own, length) in enumerate(zip(rows, lengths, strict=True))
            for gram in sorted(own)
            if gram in places
        ]
        i, j, values = zip(*cells, strict=True) if cells else ((), (), ())
        return sparse.csr_array((values, (i, j)), shape=(len(rows), len(places)))

    product = matrix([_grams(text) for text in texts]) @ matrix(grams).T
    return np.asarray(product.todense(), dtype=np.float64)


def _grams(text: str) -> set[str]:
    padded = f" {' '.join(words_of(text))} "
    return {padded[start : start + GRAM] for start in range(len(padded) - GRAM + 1)}
