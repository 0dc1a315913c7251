"""Templates and translations among benchmark items, on CLINC150's queries.

The rules were chosen on the first half of the intents, and of the translated queries; the other
half measures them. The translations were written by hand.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.retrain.leaks import queries_by_intent
from monitor.bench.row import Row
from retrain.data.benchmarks.copies import find_copies
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.leakage.translations import find_translations

N_WRITTEN_ON = 75
N_ITEMS, N_TEMPLATES, N_FILLINGS, N_OTHERS = 20, 60, 36, 9
TRANSLATIONS = Path(__file__).with_name("translations.jsonl")
LANGUAGES = ("es", "fr", "de")
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu")


class Translation(msgspec.Struct, frozen=True):
    """A query of CLINC150, by its digest, in three languages."""

    query: str
    half: str
    es: str
    fr: str
    de: str


def counted_share(queries: dict[str, list[str]], rng: random.Random) -> float:
    """Return the share of the queries that count as items, some of each intent."""
    pairs = [
        (intent, query)
        for intent, own in queries.items()
        for query in rng.sample(own, min(N_ITEMS, len(own)))
    ]
    return 1 - len(find_copies(_items(pairs))) / len(pairs)


def counted_per_template(queries: dict[str, list[str]], rng: random.Random) -> float:
    """Return how many items of a template count, with a name or a number at a random place."""
    pairs = []
    for intent in rng.sample(sorted(queries), N_TEMPLATES):
        words = rng.choice([q for q in queries[intent] if len(q.split()) >= 6]).split()
        place = rng.randrange(1, len(words) + 1)
        for number in range(N_FILLINGS):
            name = "".join(rng.sample(_SYLLABLES, 3))
            slot = str(37 * number) if intent < "n" else name
            pairs.append((intent, " ".join((*words[:place], slot, *words[place:]))))
    return (len(pairs) - len(find_copies(_items(pairs)))) / N_TEMPLATES


def translation_figures(
    queries: dict[str, list[str]], half: str, rng: random.Random
) -> dict[str, tuple[int, bool, int, bool]]:
    """Return figures by language: found, strong evidence; the same of other queries as items.

    The training data has the translations, and other queries of the same intents.
    """
    translations = [t for t in _read_translations() if t.half == half]
    known = {_digest(q): (q, intent) for intent, own in queries.items() for q in own}
    originals = [known[translation.query] for translation in translations]
    texts = {query for query, _ in originals}
    rows, other_items = [], []
    for _, intent in originals:
        drawn = rng.sample([q for q in queries[intent] if q not in texts], N_OTHERS + 1)
        rows += drawn[:-1]
        other_items.append(drawn[-1])
    figures = {}
    for language in LANGUAGES:
        translated = [str(getattr(translation, language)) for translation in translations]
        leaked = find_translations([*translated, *rows], [query for query, _ in originals])
        honest = find_translations([*translated, *rows], other_items)
        right = sum(row == item for row, item in leaked.pairs.items())
        figures[language] = right, leaked.is_strong, len(honest.pairs), honest.is_strong
    return figures


def copy_rows(area: str, data: Path) -> Iterator[Row]:
    """Yield the rows of templates and translations."""
    queries = queries_by_intent(data)
    held = dict(list(queries.items())[N_WRITTEN_ON:])
    share = counted_share(held, random.Random(5))
    note = f"{N_ITEMS} queries of each of {len(held)} intents"
    yield Row(area, "honest items that count", share, "", ">= 0.95", share >= 0.95, note)
    counted = counted_per_template(held, random.Random(6))
    note = f"{N_TEMPLATES} queries, each with {N_FILLINGS} names or numbers"
    name = "items of a template that count"
    yield Row(area, name, counted, "items", "<= 1.5", counted <= 1.5, note)
    figures = translation_figures(queries, "held_out", random.Random(3))
    n = sum(t.half == "held_out" for t in _read_translations())
    for language, (right, strong, wrong, wrongly_strong) in figures.items():
        note = f"undecided: {strong}; of other items {wrong}, undecided: {wrongly_strong}"
        name = f"translated items found without a multilingual encoder, {language}"
        yield Row(area, name, right / n, "", "", not wrongly_strong, note)


def _items(pairs: list[tuple[str, str]]) -> list[BenchmarkItem]:
    return [
        BenchmarkItem(id=str(i), messages=({"role": "user", "content": query},), expected=intent)
        for i, (intent, query) in enumerate(pairs)
    ]


def _read_translations() -> list[Translation]:
    lines = TRANSLATIONS.read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Translation) for line in lines]


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]
