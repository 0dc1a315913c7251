"""Leakage of benchmark items into training data.

A row leaks a benchmark item if their prompts are the same text, if one is a mechanical disguise of
the other (see :mod:`retrain.data.leakage.disguise_index`), or if long texts share many phrases of
thirteen words (Brown et al. 2020, arXiv 2005.14165, appendix C). A row whose embedding is near may
be a paraphrase (Yang et al. 2023, arXiv 2311.04850) or another prompt of the same kind: it is
listed, and stays, and so does one that may be a translation.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.settings.evaluation_file import EvaluationPlan
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item import BenchmarkItem, parse_items
from retrain.data.example import Example, normalised, question_key, question_text
from retrain.data.leakage.disguise_index import DisguiseIndex
from retrain.data.leakage.phrase_index import PhraseIndex
from retrain.data.leakage.translations import find_translations
from retrain.data.similarity import SentenceEncoder, near_pairs, texts_agree


@dataclass(frozen=True)
class BenchmarkTexts:
    """The items of a benchmark, which training data never changes."""

    name: str
    items: Sequence[BenchmarkItem]
    #: SHA-256 of its data set.
    digest: str

    @cached_property
    def questions(self) -> list[str]:
        """The prompt of each item, without the system prompt."""
        return [question_text(item.messages) for item in self.items]

    @cached_property
    def by_key(self) -> dict[str, BenchmarkItem]:
        """Prompt key -> item."""
        return {question_key(item.messages): item for item in self.items}


@dataclass(frozen=True)
class Leak:
    """An example that leaks a benchmark item."""

    example: Example
    benchmark: str
    #: ``same text``, ``disguise``, ``shared phrases``, ``paraphrase`` or ``translation``.
    how: str
    #: Id of the item.
    item: str
    #: Whether the row's response differs from the benchmark's reference answer.
    differs: bool = False


@dataclass
class LeakCheck:
    """A check of examples against benchmarks; ``leaks`` and ``paraphrases`` collect its results."""

    benchmarks: Sequence[BenchmarkTexts]
    #: ``None``: no search for paraphrases.
    encoder: SentenceEncoder | None
    #: Minimum cosine of paraphrases.
    threshold: float
    #: Words per phrase.
    phrase_words: int
    #: Minimum share of an item's phrases in a leaked row.
    overlap: float
    leaks: list[Leak] = field(default_factory=list)
    #: Examples that may paraphrase or translate an item.
    paraphrases: list[Leak] = field(default_factory=list)

    def drop_leaks(self, examples: Sequence[Example]) -> list[Example]:
        """Return the examples without leakage."""
        if not self.benchmarks or not examples:
            return list(examples)
        leaked: set[int] = set()
        for index in range(len(self.benchmarks)):
            matches = self._in_benchmark(index, examples)
            self.leaks += matches.values()
            leaked |= matches.keys()
        retained = [example for row, example in enumerate(examples) if row not in leaked]
        if self.encoder is not None and retained:
            self._list_paraphrases(retained, self.encoder)
        self._list_translations(retained)
        return retained

    def _in_benchmark(self, index: int, examples: Sequence[Example]) -> dict[int, Leak]:
        benchmark, phrases = self.benchmarks[index], self._phrases[index]
        disguises = self._disguises[index]
        disguises.count_words(example.question for example in examples)
        matches: dict[int, Leak] = {}
        for row, example in enumerate(examples):
            item, how = benchmark.by_key.get(example.question_key), "same text"
            if item is None:
                number, how = disguises.find(example.question), "disguise"
                if number is None:
                    number = disguises.find_within(example.instructions)
                if number is None:
                    whole = f"{example.question}\n{example.response}"
                    number, how = phrases.repeated_by(whole, self.overlap), "shared phrases"
                if number is None:
                    continue
                item = benchmark.items[number]
            differs = how != "shared phrases" and _differs(example, item)
            matches[row] = Leak(example, benchmark.name, how, item.id, differs)
        return matches

    def _list_paraphrases(self, examples: Sequence[Example], encoder: SentenceEncoder) -> None:
        vectors = encoder.encode([example.question for example in examples])
        for benchmark, known in zip(self.benchmarks, self._vectors, strict=True):
            nearest: dict[int, int] = {}
            for row, near in near_pairs(vectors, known, self.threshold):
                if texts_agree(examples[row].question, benchmark.questions[near]):
                    nearest.setdefault(row, near)
            self.paraphrases += [
                Leak(examples[row], benchmark.name, "paraphrase", benchmark.items[near].id)
                for row, near in nearest.items()
            ]

    def _list_translations(self, examples: Sequence[Example]) -> None:
        questions = [example.question for example in examples]
        for benchmark in self.benchmarks:
            matches = find_translations(questions, benchmark.questions, self.encoder)
            self.paraphrases += [
                Leak(examples[row], benchmark.name, "translation", benchmark.items[item].id)
                for row, item in matches.pairs.items()
            ]

    @cached_property
    def _disguises(self) -> list[DisguiseIndex]:
        indexes = [DisguiseIndex(benchmark.questions) for benchmark in self.benchmarks]
        for index, benchmark in zip(indexes, self.benchmarks, strict=True):
            index.count_words(benchmark.questions)
        return indexes

    @cached_property
    def _phrases(self) -> list[PhraseIndex]:
        return [
            PhraseIndex.of(benchmark.questions, self.phrase_words) for benchmark in self.benchmarks
        ]

    @cached_property
    def _vectors(self) -> list[NDArray[np.float32]]:
        assert self.encoder is not None  # noqa: S101 - called only with an encoder
        return [self.encoder.encode(benchmark.questions) for benchmark in self.benchmarks]


def _differs(example: Example, item: BenchmarkItem) -> bool:
    if example.source == "self-generated" or item.expected is None:
        return False
    return normalised(item.expected) != example.response


def benchmark_texts(plan: EvaluationPlan) -> list[BenchmarkTexts]:
    """Read the items of all benchmarks, without their metrics.

    Raises:
        InputError: A data set is unreadable or invalid.
    """
    texts = []
    for benchmark in plan.benchmarks:
        content = read_dataset(benchmark.dataset, plan.origin.parent)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        items = parse_items(content, benchmark.dataset)
        texts.append(BenchmarkTexts(benchmark.name, items, digest))
    return texts
