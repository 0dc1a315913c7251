"""Data card of a training set, stored as ``dataset.json``."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from retrain.data.example import name_of
from retrain.data.rows import Row
from retrain.run_folder import canonical

#: Returns the tokens of each conversation by the base's tokenizer, the chat template's included.
CountsTokens = Callable[[Sequence[Sequence[dict[str, str]]]], list[int]]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens by the base model's tokenizer; the distribution is over both sides of the split."""

    training: int
    validation: int
    median: int
    p90: int
    p99: int
    longest: int
    #: Name of the longest example.
    longest_example: str


class SelfGenerated(msgspec.Struct, frozen=True, kw_only=True):
    """Self-generated replay, which the child generates before training."""

    #: Wanted usable responses on each side of the split.
    wanted_training: int
    wanted_validation: int
    #: Number of prompts.
    n_prompts: int
    max_new_tokens: int
    #: The responding model: its base (empty: the run's), and the folder of its adapter (empty: the
    #: base alone).
    base: str = ""
    base_revision: str = ""
    adapter: str = ""
    #: Text of its chat template, where that isn't its base's own.
    chat_template: str = ""
    #: Set by the child once the rows include the responses.
    n_usable: int | None = None
    #: Reason -> number of unused responses.
    unusable: dict[str, int] = {}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The composition of a training set.

    Counts refer to the training side unless stated otherwise.
    """

    #: ``sha256:...`` of ``train.jsonl``, byte by byte.
    digest: str
    n_examples: int
    n_gold: int
    n_replay: int
    replay_share: float
    by_task_type: dict[str, int]
    by_source: dict[str, int]
    #: Taxonomy version of the review -> examples.
    by_guidelines: dict[str, int] = {}
    #: Resolution of the gold -> examples.
    by_resolution: dict[str, int] = {}
    #: The same for ``validation.jsonl``; empty without validation examples.
    validation_digest: str = ""
    n_validation: int = 0
    validation_by_task_type: dict[str, int] = {}
    #: Number of groups that the split kept together.
    n_groups: int = 0
    tokens: Tokens | None = None
    #: Agreement of the gold's reviewers on the verdict; ``None``: unknown.
    agreement: dict[str, Any] | None = None
    #: Reason -> number of excluded rows.
    dropped: dict[str, int] = {}
    #: Reason -> the first excluded rows.
    dropped_examples: dict[str, tuple[str, ...]] = {}
    #: Benchmark -> number of leaked rows, which are excluded.
    leaked: dict[str, int] = {}
    #: Pairs of near-duplicate gold with different responses; both are in the training data.
    differing_gold: tuple[str, ...] = ()
    #: Examples that may paraphrase a benchmark item; they are in the training data.
    paraphrases: tuple[str, ...] = ()
    #: Gold whose response differs from a benchmark's reference answer to the same prompt.
    differs_from_benchmark: tuple[str, ...] = ()
    #: Inputs: name -> ``sha256:...``.
    inputs: dict[str, str] = {}
    #: Method of the search for near-duplicates; empty: no search.
    near_duplicates: str = ""
    self_generated: SelfGenerated | None = None
    remarks: tuple[str, ...] = ()
    #: Rows erased later at an end user's request.
    removed: tuple[dict[str, Any], ...] = ()


def digest_of_rows(rows: Iterable[Row]) -> str:
    """Return ``sha256:...`` of rows in their written form."""
    total = hashlib.sha256()
    for row in rows:
        total.update((canonical(row) + "\n").encode())
    return f"sha256:{total.hexdigest()}"


def digest_of_input(rows: Iterable[Row]) -> str:
    """Return ``sha256:...`` of rows, independent of their order."""
    return digest_of_rows(sorted(rows, key=canonical))


def lineage_of(
    rows: Sequence[Row], validation: Sequence[Row], card: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a version's lineage records of its data: digests, and benchmarks without leaks.

    The card says which benchmarks were searched for in its rows: in other rows they may be.
    """
    digests = digest_of_rows(rows), digest_of_rows(validation) if validation else ""
    is_as_built = digests == (card.get("digest"), card.get("validation_digest", ""))
    inputs = card.get("inputs", {}).items() if is_as_built else ()
    return {
        "data_digest": digests[0],
        "validation_digest": digests[1],
        "checked_benchmarks": [of for name, of in inputs if name.startswith("benchmark ")],
    }


def counts_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the card's fields that are computed from the training rows."""
    metadata = [row["metadata"] for row in rows]
    sources = Counter(entry["source"] for entry in metadata)
    n_replay = sources["replay"] + sources["self-generated"]
    gold = [entry for entry in metadata if entry["source"] == "gold"]
    return {
        "digest": digest_of_rows(rows),
        "n_examples": len(rows),
        "n_gold": len(gold),
        "n_replay": n_replay,
        "replay_share": round(n_replay / len(rows), 4) if rows else 0.0,
        "by_task_type": task_types_of(rows),
        "by_source": _sorted(sources),
        "by_guidelines": _sorted(
            Counter(str(entry.get("taxonomy_version") or "") for entry in gold)
        ),
        "by_resolution": _sorted(
            Counter(str(entry["resolution"]) for entry in gold if entry.get("resolution"))
        ),
    }


def task_types_of(rows: Iterable[Row]) -> dict[str, int]:
    """Count rows by task type; the empty text: no task type."""
    return _sorted(Counter(str(row["metadata"].get("task_type") or "") for row in rows))


def tokens_of(training: Sequence[Row], validation: Sequence[Row], count: CountsTokens) -> Tokens:
    """Count the tokens of both sides of the split."""
    both = [*training, *validation]
    lengths = count([row["messages"] for row in both])
    longest = int(np.argmax(lengths))
    median, p90, p99 = np.percentile(lengths, [50, 90, 99], method="higher").tolist()
    return Tokens(
        training=sum(lengths[: len(training)]),
        validation=sum(lengths[len(training) :]),
        median=int(median),
        p90=int(p90),
        p99=int(p99),
        longest=lengths[longest],
        longest_example=name_of(both[longest]),
    )


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
