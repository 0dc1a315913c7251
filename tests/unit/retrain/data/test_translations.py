"""Benchmark items in another language."""

import random
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from retrain.data.benchmarks.copies import find_copies
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.leakage.multilingual import SENTENCES, translation_threshold
from retrain.data.leakage.translations import find_translations
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.translated import PAIRS, PLAIN, UNRELATED


class Multilingual(WordEncoder):
    """A stand-in for a multilingual encoder: it knows the translations by heart."""

    known: ClassVar = {
        **{text: sentence[0] for sentence in SENTENCES for text in sentence[1:]},
        **{spanish: english for english, spanish in PAIRS.items()},
    }

    def encode(self, texts: list[str]) -> NDArray[np.float32]:  # type: ignore[override]
        return super().encode([self.known.get(text, text) for text in texts])


def test_translations_with_names_are_strong_evidence() -> None:
    matches = find_translations([*PAIRS.values(), *PLAIN], list(PAIRS))
    assert matches.is_strong
    assert matches.languages == ("es",)
    right = sum(item == row for row, item in matches.pairs.items())
    assert right == len(matches.pairs) >= 5


def test_other_examples_in_the_language_are_no_evidence() -> None:
    matches = find_translations([*UNRELATED, *PLAIN], list(PAIRS))
    assert (matches.pairs, matches.is_strong) == ({}, False)


def test_few_translations_are_no_strong_evidence() -> None:
    matches = find_translations([*list(PAIRS.values())[:2], *UNRELATED, *PLAIN], list(PAIRS))
    assert matches.pairs == {0: 0, 1: 1}
    assert not matches.is_strong


def test_texts_of_the_benchmarks_language_are_no_translations() -> None:
    assert find_translations([*PAIRS, *PLAIN], list(PAIRS)).pairs == {}
    assert find_translations([], []).pairs == {}
    assert find_translations(list(PAIRS.values()), ["?"]).pairs == {}


def test_other_numbers_are_no_translation() -> None:
    texts = [text.replace("250", "350") for text in PAIRS.values()]
    assert 2 not in find_translations([*texts, *PLAIN], list(PAIRS)).pairs


def test_multilingual_encoder_finds_all_of_them() -> None:
    assert translation_threshold(WordEncoder()) is None
    assert translation_threshold(Multilingual()) is not None
    rows = [*PAIRS.values(), *UNRELATED, *PLAIN]
    random.Random(1).shuffle(rows)
    matches = find_translations(rows, list(PAIRS), Multilingual())
    assert matches.is_strong
    assert {rows[row]: list(PAIRS)[item] for row, item in matches.pairs.items()} == {
        spanish: english for english, spanish in PAIRS.items()
    }


@pytest.mark.parametrize(("encoder", "n"), [(WordEncoder(), 0), (Multilingual(), 7)])
def test_translated_items_count_once_by_a_multilingual_encoder(
    encoder: WordEncoder, n: int
) -> None:
    items = [
        BenchmarkItem(id=text, messages=({"role": "user", "content": text},), expected="a")
        for text in (*PAIRS, *PAIRS.values(), *PLAIN)
    ]
    copies = find_copies(items, encoder)
    assert copies == {len(PAIRS) + row: row for row in range(n)}
