"""Token sizes of the examples, and their limits."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retrain.data.example import name_of
from retrain.models.chat_template import encode, training_template
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.memory.estimate import Batch
from retrain.recipes.recipe import Recipe

#: Maximum examples that a finding names.
NAMED_EXAMPLES = 10


@dataclass(frozen=True)
class ExampleSize:
    """The size of an example."""

    #: Tokens, including the template's.
    length: int
    #: Tokens of the assistant's turns, the trained part.
    n_response: int
    #: Position of the first such token.
    first_response_token: int
    #: Name of the example in the data card; empty where it has none.
    name: str = ""


@dataclass(frozen=True)
class ExampleSizes:
    """The sizes of all examples, in the order of their lines."""

    sizes: tuple[ExampleSize, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens of one epoch."""
        return sum(size.length for size in self.sizes)

    @property
    def n_response_tokens(self) -> int:
        """Response tokens of one epoch."""
        return sum(size.n_response for size in self.sizes)

    @property
    def longest(self) -> int:
        """Tokens of the longest example."""
        return max((size.length for size in self.sizes), default=0)

    def n_rows(self, recipe: Recipe) -> int:
        """Return the number of rows of an epoch: examples, or filled rows with packing.

        Best fit, the longest example first, as TRL packs.
        """
        if not recipe.packing:
            return len(self.sizes)
        spaces: list[int] = []  # sorted
        n = 0
        for length in sorted((size.length for size in self.sizes), reverse=True):
            place = bisect_left(spaces, length)
            if place == len(spaces):
                n += 1
                spaces.append(recipe.max_length)
            insort(spaces, spaces.pop(place) - length)
        return n

    def heaviest_batch(self, n: int) -> Batch:
        """Return the batch of the ``n`` longest examples."""
        chosen = sorted(self.sizes, key=lambda size: size.length)[-n:]
        return Batch(
            examples=len(chosen),
            length=max(entry.length for entry in chosen),
            response_columns=max(entry.length for entry in chosen)
            - min(entry.first_response_token for entry in chosen),
        )


def measure_examples(tokenizer: Any, rows: Sequence[dict[str, Any]]) -> ExampleSizes:
    """Count the tokens of the examples, rendered as in training.

    Raises:
        InputError: The chat template refuses examples.
    """
    if not rows:
        return ExampleSizes(())
    encoded = encode(
        tokenizer,
        [row["messages"] for row in rows],
        chat_template=training_template(tokenizer),
        return_assistant_tokens_mask=True,
    )
    return ExampleSizes(
        tuple(
            ExampleSize(len(ids), sum(mask), mask.index(1) if 1 in mask else len(ids), _name(row))
            for row, ids, mask in zip(
                rows, encoded["input_ids"], encoded["assistant_masks"], strict=True
            )
        )
    )


def _name(row: dict[str, Any]) -> str:
    """Return the name of an example: the lines are those of a file that a refused plan lacks."""
    return name_of(row) if "source" in row.get("metadata", {}) else ""


def _facts(size: ExampleSize) -> str:
    return f"{size.length}, {size.name}" if size.name else str(size.length)


def check_examples(
    examples: ExampleSizes, max_length: int, max_positions: int = 0, *, name: str = "examples"
) -> PlanFinding:
    """Check that no example would be truncated or lacks response tokens.

    ``max_positions`` is the maximum sequence length of the model, in tokens; 0: unknown.
    """
    n = len(examples.sizes)
    if not n:
        return PlanFinding(name, "refused", "no examples in train.jsonl")
    limit = min(max_length, max_positions) if max_positions else max_length
    too_long = [i for i, first in enumerate(examples.sizes) if first.length > limit]
    if too_long:
        subject = f"max_length = {max_length}" if limit == max_length else "the model's limit of"
        subject = subject if limit == max_length else f"{subject} {limit}"
        mend = (
            f"raise max_length in the recipe to {examples.longest}, or shorten them"
            if not max_positions or examples.longest <= max_positions
            else f"shorten them: the model reads at most {max_positions} tokens"
        )
        listed = [f"line {i + 1} ({_facts(examples.sizes[i])})" for i in too_long]
        return PlanFinding(
            name,
            "refused",
            f"{len(too_long)} of {n} examples are longer than {subject} tokens: {_named(listed)}; "
            f"{mend}",
        )
    silent = [
        f"line {i + 1}{f' ({first.name})' if first.name else ''}"
        for i, first in enumerate(examples.sizes)
        if not first.n_response
    ]
    if silent:
        return PlanFinding(
            name,
            "refused",
            f"{len(silent)} of {n} examples have no response token: "
            f"{_named(silent)}; mark the assistant's turns in the chat template",
        )
    return PlanFinding(
        name,
        "ok",
        f"{n} examples with {examples.n_tokens} tokens, {examples.n_response_tokens} of them in "
        f"responses; the longest has {examples.longest} of at most {limit} tokens",
    )


def _named(places: Sequence[str]) -> str:
    more = len(places) - NAMED_EXAMPLES
    return ", ".join(places[:NAMED_EXAMPLES]) + (f" and {more} more" if more > 0 else "")
