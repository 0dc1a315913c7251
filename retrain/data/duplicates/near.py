"""Near-duplicates: one example per response remains, and an expert's response overrules others.

Each example is compared with the examples selected so far, the leaders of their clusters (Hartigan
1975, Clustering Algorithms, chapter 3). The selected examples therefore differ pairwise, and the
work grows with their number, not with the number of dropped examples.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrain.data.example import Example
from retrain.data.exclusions import Exclusions
from retrain.data.similarity import BLOCK, SentenceEncoder, near_pairs, texts_agree

#: Reason of an example that another one makes needless; the data card counts by it.
SAME = "near-duplicate of {}"
#: Reason of an original that gold overrules.
DIFFERS_FROM_GOLD = "near-duplicate of gold with another response"
#: Shorter responses are a form, a label or a number, and are compared exactly.
MIN_WORDS = 12


@dataclass(frozen=True)
class NearPair:
    """Two selected examples with nearly the same prompt."""

    first: Example
    second: Example


@dataclass
class NearDuplicateFilter:
    """A filter of near-duplicates of earlier examples."""

    encoder: SentenceEncoder
    #: Minimum cosine of near-duplicate prompts.
    threshold: float
    dropped: Exclusions
    #: Pairs selected because their responses differ.
    pairs: list[NearPair] = field(default_factory=list)
    _kept: list[Example] = field(default_factory=list)
    _vectors: list[NDArray[np.float32]] = field(default_factory=list)

    def filter_examples(self, examples: Sequence[Example]) -> list[Example]:
        """Return the selected examples in order; record the others as dropped."""
        passed = []
        for first in range(0, len(examples), BLOCK):
            passed += self._block(examples[first : first + BLOCK])
        return passed

    def _block(self, block: Sequence[Example]) -> list[Example]:
        vectors = self.encoder.encode([example.question for example in block])
        rivals: dict[int, list[Example]] = defaultdict(list)
        if self._vectors:
            self._vectors = [np.concatenate(self._vectors)]
            for i, j in near_pairs(vectors, self._vectors[0], self.threshold):
                rivals[i].append(self._kept[j])
        earlier: dict[int, list[int]] = defaultdict(list)
        for i, j in near_pairs(vectors, vectors, self.threshold):
            if j < i:
                earlier[i].append(j)
        passed: dict[int, Example] = {}
        for i, example in enumerate(block):
            known = rivals[i] + [passed[j] for j in earlier[i] if j in passed]
            if self._passes(example, known):
                passed[i] = example
        if passed:
            self._kept += passed.values()
            self._vectors.append(vectors[list(passed)])
        return list(passed.values())

    def _passes(self, example: Example, known: Sequence[Example]) -> bool:
        near = [entry for entry in known if texts_agree(example.question, entry.question)]
        for entry in near:
            if self._same_response(example, entry):
                self.dropped.add(SAME.format(_kind(entry)), example)
                return False
            if entry.source == "gold" and example.source != "gold":
                self.dropped.add(DIFFERS_FROM_GOLD, example)
                return False
        self.pairs += [NearPair(entry, example) for entry in near]
        return True

    def _same_response(self, example: Example, other: Example) -> bool:
        if example.response == other.response:
            return True
        lengths = len(example.response.split()), len(other.response.split())
        if min(lengths) < MIN_WORDS or not texts_agree(example.response, other.response):
            return False
        single, second = self.encoder.encode([example.response, other.response])
        return float(single @ second) >= self.threshold


def _kind(example: Example) -> str:
    return "gold" if example.source == "gold" else "another original"
