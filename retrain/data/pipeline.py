"""Cleaning steps of a training set: leakage, near-duplicates and split."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.settings import TrainingData
from retrain.data.data_card import CountsTokens
from retrain.data.duplicates.near import NearDuplicateFilter
from retrain.data.example import Example
from retrain.data.exclusions import LEAKED, LISTED, TOO_LONG, Exclusions
from retrain.data.leakage.leak_check import BenchmarkTexts, LeakCheck
from retrain.data.similarity import CachingEncoder, SentenceEncoder
from retrain.data.split import Split, split_by_group


@dataclass(frozen=True)
class LengthLimit:
    """The longest example that the recipe and the base allow, in tokens of the base."""

    max_tokens: int
    count_tokens: CountsTokens


@dataclass(frozen=True, kw_only=True)
class DataChecks:
    """Rules, benchmarks and encoder of the cleaning; by default, only texts are compared."""

    rules: TrainingData = field(default_factory=TrainingData)
    benchmarks: Sequence[BenchmarkTexts] = ()
    #: Encoder for near-duplicates; ``None``: no search.
    encoder: SentenceEncoder | None = None
    #: Name of the encoder in the data card.
    encoder_name: str = ""
    #: Longest response of self-generated replay.
    max_new_tokens: int = 256
    #: ``None``: the base is not known yet, and lengths are not checked.
    limit: LengthLimit | None = None
    #: Examples listed per reason of exclusion.
    n_listed: int = LISTED


class Pipeline:
    """The cleaning steps of one training set and their shared state."""

    def __init__(self, checks: DataChecks, seed: int) -> None:
        rules = checks.rules
        looks = rules.min_duplicate_similarity < 1
        encoder = CachingEncoder.of(checks.encoder) if checks.encoder and looks else None
        self.checks = checks
        self.rng = random.Random(seed)  # noqa: S311 - no secret
        self.dropped = Exclusions(checks.n_listed)
        self.leak_check = LeakCheck(
            checks.benchmarks,
            encoder,
            rules.min_duplicate_similarity,
            rules.leak_ngram_size,
            rules.min_leak_overlap,
        )
        self.sieve = (
            NearDuplicateFilter(encoder, rules.min_duplicate_similarity, self.dropped)
            if encoder
            else None
        )

    @property
    def near_duplicate_method(self) -> str:
        """Method of the search for near-duplicates, for the data card; empty: no search."""
        if self.sieve is None:
            return ""
        return f"cosine of {self.sieve.threshold:g} or more by {self.checks.encoder_name}"

    def clean(self, examples: Sequence[Example]) -> list[Example]:
        """Drop leaked examples, those that are too long, and near-duplicates of earlier ones."""
        n_known = len(self.leak_check.leaks)
        retained = self.leak_check.drop_leaks(examples)
        leaks = {id(leak.example): leak for leak in reversed(self.leak_check.leaks[n_known:])}
        for leak in leaks.values():
            self.dropped.add(LEAKED, leak.example, f"{leak.item} of {leak.benchmark}")
        retained = self._drop_long(retained)
        return self.sieve.filter_examples(retained) if self.sieve else retained

    def _drop_long(self, examples: Sequence[Example]) -> list[Example]:
        limit = self.checks.limit
        if limit is None or not examples:
            return list(examples)
        lengths = limit.count_tokens([example.known_messages for example in examples])
        retained = []
        for example, length in zip(examples, lengths, strict=True):
            if length <= limit.max_tokens:
                retained.append(example)
            else:
                self.dropped.longest = max(self.dropped.longest, length)
                self.dropped.add(TOO_LONG, example, f"{length:,} of {limit.max_tokens:,} tokens")
        return retained

    def split(self, examples: Sequence[Example]) -> Split:
        """Split the examples into training and validation."""
        pairs = self.sieve.pairs if self.sieve else ()
        share = self.checks.rules.validation_share
        return split_by_group(
            sorted(examples, key=lambda example: example.order), pairs, share, self.rng
        )
