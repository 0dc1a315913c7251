"""What a training set is held against, step by step."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.settings import TrainingData
from retrain.data.duplicates.near import Sieve
from retrain.data.example import Example
from retrain.data.exclusions import Dropped
from retrain.data.leakage.leak_check import BenchmarkTexts, LeakCheck
from retrain.data.similarity import Encodes, Remembering
from retrain.data.split import Split, split_by_group


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What a training set is held against; without any, texts alone are compared."""

    rules: TrainingData = field(default_factory=TrainingData)
    benchmarks: Sequence[BenchmarkTexts] = ()
    #: Finds near-duplicates; ``None``: they aren't looked for.
    encoder: Encodes | None = None
    #: What the encoder is called in the card.
    encoder_name: str = ""
    #: Longest answer of self-generated replay.
    max_new_tokens: int = 256


class Steps:
    """The steps of one training set, and what they share."""

    def __init__(self, checks: Checks, seed: int) -> None:
        rules = checks.rules
        looks = rules.near_duplicate < 1
        encoder = Remembering(checks.encoder) if checks.encoder and looks else None
        self.checks = checks
        self.rng = random.Random(seed)  # noqa: S311 - no secret
        self.dropped = Dropped()
        self.leak_check = LeakCheck(
            checks.benchmarks,
            encoder,
            rules.near_duplicate,
            rules.leak_phrase_words,
            rules.leak_overlap,
        )
        self.sieve = Sieve(encoder, rules.near_duplicate, self.dropped) if encoder else None

    @property
    def how_near(self) -> str:
        """How near-duplicates are looked for, for the card; empty where they aren't."""
        if self.sieve is None:
            return ""
        return f"cosine of {self.sieve.threshold:g} or more by {self.checks.encoder_name}"

    def clean(self, examples: Sequence[Example]) -> list[Example]:
        """Leave out what a benchmark asks, and what is nearly the same as what was kept before."""
        kept = self.leak_check.without_leaks(examples)
        return self.sieve.let_through(kept) if self.sieve else kept

    def split(self, examples: Sequence[Example]) -> Split:
        """Hold some back for validation."""
        pairs = self.sieve.pairs if self.sieve else ()
        share = self.checks.rules.validation_share
        return split_by_group(sorted(examples, key=lambda one: one.order), pairs, share, self.rng)
