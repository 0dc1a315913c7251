"""Leakage of benchmark items into training data.

A row leaks a benchmark item if their prompts have the same text, if their embeddings are near (Yang
et al. 2023, arXiv 2311.04850: rewording escapes comparisons of strings), or if long texts share
many phrases of thirteen words (Brown et al. 2020, arXiv 2005.14165, appendix C).
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
from retrain.data.leakage.phrase_index import PhraseIndex
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
    #: ``same text``, ``nearly the same`` or ``shared phrases``.
    how: str
    #: Id of the item.
    item: str
    #: Whether the row's response differs from the benchmark's reference answer.
    differs: bool = False


@dataclass
class LeakCheck:
    """A check of examples against benchmarks; the leaks are collected in ``leaks``."""

    benchmarks: Sequence[BenchmarkTexts]
    #: ``None``: only texts and phrases are compared.
    encoder: SentenceEncoder | None
    #: Minimum cosine of near-duplicate prompts.
    threshold: float
    #: Words per phrase.
    phrase_words: int
    #: Minimum share of an item's phrases in a leaked row.
    overlap: float
    leaks: list[Leak] = field(default_factory=list)

    def drop_leaks(self, examples: Sequence[Example]) -> list[Example]:
        """Return the examples without leakage."""
        if not self.benchmarks or not examples:
            return list(examples)
        vectors = (
            self.encoder.encode([example.question for example in examples])
            if self.encoder
            else None
        )
        leaked: set[int] = set()
        for index in range(len(self.benchmarks)):
            matches = self._in_benchmark(index, examples, vectors)
            self.leaks += [matches[row] for row in sorted(matches)]
            leaked |= matches.keys()
        return [example for row, example in enumerate(examples) if row not in leaked]

    def _in_benchmark(
        self, index: int, examples: Sequence[Example], vectors: NDArray[np.float32] | None
    ) -> dict[int, Leak]:
        benchmark, phrases = self.benchmarks[index], self._phrases[index]
        matches: dict[int, Leak] = {}
        for row, example in enumerate(examples):
            item = benchmark.by_key.get(example.question_key)
            if item is not None:
                matches[row] = Leak(
                    example, benchmark.name, "same text", item.id, _differs(example, item)
                )
                continue
            repeated = phrases.repeated_by(f"{example.question}\n{example.response}", self.overlap)
            if repeated is not None:
                item = benchmark.items[repeated]
                matches[row] = Leak(example, benchmark.name, "shared phrases", item.id)
        if vectors is not None:
            for row, near in near_pairs(vectors, self._vectors[index], self.threshold):
                if row in matches or not texts_agree(
                    examples[row].question, benchmark.questions[near]
                ):
                    continue
                item = benchmark.items[near]
                matches[row] = Leak(examples[row], benchmark.name, "nearly the same", item.id)
        return matches

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
