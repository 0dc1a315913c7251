"""Copies among the items of a benchmark: however often an item is repeated, it counts once."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import takewhile

import msgspec

from monitor.descriptors import identify_language
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.benchmarks.templates import find_fillings
from retrain.data.example import normalised, question_text
from retrain.data.leakage.canonical_text import words_of
from retrain.data.leakage.disguise_index import DisguiseIndex
from retrain.data.leakage.multilingual import translation_threshold
from retrain.data.similarity import SentenceEncoder, near_pairs, phrases_of, texts_agree

#: Words of a phrase, and the share of common phrases of two copies.
PHRASE_WORDS, MIN_OVERLAP = 13, 0.5
#: Minimum cosine of two copies.
MIN_SIMILARITY = 0.95

#: Row of a copy -> row of the item that counts.
Copies = dict[int, int]


def find_copies(
    items: Sequence[BenchmarkItem], encoder: SentenceEncoder | None = None
) -> Mapping[int, int]:
    """Return the copies among items: row of the copy -> row of the earlier item that counts.

    The same words in the same order are a copy. Items with equal requirements on the response are
    copies too if the later one disguises or contains the earlier, if they share half of their
    phrases of 13 words, if they fill one template, if their embeddings are near, or if one
    translates the other by a multilingual encoder. Items with other requirements are not: the
    systems must tell them apart.

    Without an encoder nothing is searched by embeddings.
    """
    copies = _by_words(items)
    texts = without_template(items)
    copies |= _by_phrases(items, texts, _kept(items, copies))
    requirements = {row: _requirements(items[row]) for row in _kept(items, copies)}
    copies |= find_fillings(items, list(requirements), requirements)
    if encoder is not None:
        copies |= _by_embedding(items, texts, _kept(items, copies), encoder)
    return {row: _original(row, copies) for row in copies}


def content_key(item: BenchmarkItem) -> Hashable:
    """Return a key of an item's words and what it asks of a response, whatever its split."""
    return words_of(item.source), _asks(item)


def _original(row: int, copies: Copies) -> int:
    while row in copies:
        row = copies[row]
    return row


def _by_words(items: Sequence[BenchmarkItem]) -> Copies:
    texts = [item.source for item in items]
    exact: dict[tuple[str, ...], int] = {}
    index = DisguiseIndex()
    originals: list[int] = []
    copies: Copies = {}
    for row, (item, text) in enumerate(zip(items, texts, strict=True)):
        words = words_of(text)
        original, match = exact.get(words), index.find(text)
        if original is None and match is not None and _asks(items[originals[match]]) == _asks(item):
            original = originals[match]
        if original is not None:
            copies[row] = original
            continue
        exact[words] = row
        originals.append(row)
        index.add(text)
    return copies


def _by_phrases(
    items: Sequence[BenchmarkItem], texts: Sequence[str], rows: Sequence[int]
) -> Copies:
    owners: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes: dict[int, int] = {}
    copies: Copies = {}
    for row in rows:
        phrases = phrases_of(words_of(texts[row]), PHRASE_WORDS)
        shared = Counter(owner for phrase in phrases for owner in owners.get(phrase, ()))
        original = next(
            (
                owner
                for owner, n in sorted(shared.items())
                if n >= MIN_OVERLAP * min(len(phrases), sizes[owner])
                and _asks(items[owner]) == _asks(items[row])
            ),
            None,
        )
        if original is not None:
            copies[row] = original
            continue
        sizes[row] = len(phrases)
        for phrase in phrases:
            owners[phrase].append(row)
    return copies


def _by_embedding(
    items: Sequence[BenchmarkItem],
    texts: Sequence[str],
    rows: Sequence[int],
    encoder: SentenceEncoder,
) -> Copies:
    vectors = encoder.encode([texts[row] for row in rows])
    spoken = [identify_language(texts[row]) for row in rows]
    translated = translation_threshold(encoder) if len({*spoken, ""}) > 2 else None
    copies: Copies = {}
    for later, earlier in near_pairs(vectors, vectors, min(MIN_SIMILARITY, translated or 1)):
        row, original = rows[later], rows[earlier]
        languages = spoken[later], spoken[earlier]
        is_translation = translated is not None and all(languages) and len(set(languages)) > 1
        if (
            earlier < later
            and (is_translation or vectors[later] @ vectors[earlier] >= MIN_SIMILARITY)
            and not copies.keys() & {row, original}
            and _asks(items[row]) == _asks(items[original])
            and (is_translation or items[row].context == items[original].context)
            and texts_agree(texts[row], texts[original])
        ):
            copies[row] = original
    return copies


def _kept(items: Sequence[BenchmarkItem], copies: Copies) -> list[int]:
    return [row for row in range(len(items)) if row not in copies]


def _asks(item: BenchmarkItem) -> Hashable:
    """Return what an item asks of a response."""
    expected = None if item.expected is None else normalised(item.expected)
    return expected, _requirements(item)


def _requirements(item: BenchmarkItem) -> Hashable:
    """Return what an item asks of a response besides its reference answer."""
    return item.harmful, item.pattern, msgspec.json.encode(item.json_schema)


def without_template(items: Sequence[BenchmarkItem]) -> list[str]:
    """Return the prompts without the words that all of them begin or end with.

    Where all items ask for the same, a common beginning may be all that there is, and stays.
    """
    texts = [question_text(item.messages).split() for item in items]
    if len(items) < 2 or len({_asks(item) for item in items}) < 2:
        return [" ".join(words) for words in texts]
    n_first = _n_common(texts)
    n_last = _n_common([words[n_first:][::-1] for words in texts])
    return [" ".join(words[n_first : len(words) - n_last]) for words in texts]


def _n_common(texts: Sequence[Sequence[str]]) -> int:
    """Return the number of words that all texts begin with."""
    return sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*texts, strict=False)))
