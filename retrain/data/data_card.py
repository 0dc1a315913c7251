"""The data card of a training set, stored as ``dataset.json``."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from retrain.data.example import name_of
from retrain.data.rows import Row
from retrain.run_folder import canonical


class CountsTokens(Protocol):
    """Counts the tokens of conversations as the base model reads them."""

    def __call__(self, conversations: Sequence[Sequence[dict[str, str]]]) -> list[int]:
        """Return the number of tokens of each, the chat template's included."""
        ...


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens by the base model's tokenizer; the distribution is over both sides of the split."""

    training: int
    validation: int
    median: int
    p90: int
    p99: int
    longest: int
    #: Which example that is.
    longest_example: str


class SelfGenerated(msgspec.Struct, frozen=True, kw_only=True):
    """Replay that the model writes itself: the child does so before it trains."""

    #: How many usable responses are wanted on each side of the split.
    wanted_training: int
    wanted_validation: int
    #: How many prompts are asked for them.
    n_prompts: int
    max_new_tokens: int
    #: The serving version that responds: its base (empty: that of the run), and the folder of
    #: its adapter (empty: the base alone).
    base: str = ""
    base_revision: str = ""
    adapter: str = ""
    #: Set by the child when the responses are among the rows.
    n_usable: int | None = None
    #: Reason -> number of unused responses.
    unusable: dict[str, int] = {}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a training set is made of; counts are of the training side, or say of what else."""

    #: ``sha256:...`` of ``train.jsonl``, byte by byte.
    digest: str
    n_examples: int
    n_gold: int
    n_replay: int
    replay_share: float
    by_task_type: dict[str, int]
    by_source: dict[str, int]
    #: Version of the guide that gold was reviewed under -> examples.
    by_guidelines: dict[str, int] = {}
    #: How gold was decided -> examples.
    by_resolution: dict[str, int] = {}
    #: The same of ``validation.jsonl``; empty where nothing was held back.
    validation_digest: str = ""
    n_validation: int = 0
    validation_by_task_type: dict[str, int] = {}
    #: Groups that the split kept together.
    n_groups: int = 0
    tokens: Tokens | None = None
    #: How far the reviewers of the gold agree on the verdict; ``None`` where it isn't known.
    agreement: dict[str, Any] | None = None
    #: Reason -> how many rows were left out for it.
    dropped: dict[str, int] = {}
    #: Reason -> the first of them.
    dropped_examples: dict[str, tuple[str, ...]] = {}
    #: Benchmark -> rows that were left out because it asks the same.
    leaked: dict[str, int] = {}
    #: Pairs of gold that ask nearly the same and are answered differently; both are trained on.
    differing_gold: tuple[str, ...] = ()
    #: Gold whose response differs from what a benchmark expects for the same prompt.
    differs_from_benchmark: tuple[str, ...] = ()
    #: What went in: name -> ``sha256:...``.
    inputs: dict[str, str] = {}
    #: How near-duplicates were looked for; empty: they weren't.
    near_duplicates: str = ""
    self_generated: SelfGenerated | None = None
    remarks: tuple[str, ...] = ()
    #: What was removed later at a person's request.
    removed: tuple[dict[str, Any], ...] = ()


def digest_of_rows(rows: Iterable[Row]) -> str:
    """Return ``sha256:...`` of rows as they are written."""
    total = hashlib.sha256()
    for row in rows:
        total.update((canonical(row) + "\n").encode())
    return f"sha256:{total.hexdigest()}"


def digest_of_input(rows: Iterable[Row]) -> str:
    """Return ``sha256:...`` of rows whatever their order."""
    return digest_of_rows(sorted(rows, key=canonical))


def counts_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the card's fields that follow from the rows of the training side."""
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
    """Count rows by task type; empty where none is named."""
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
