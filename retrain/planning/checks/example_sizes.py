"""Token sizes of the examples, and their check against the limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retrain.models.chat_template import training_template
from retrain.planning.checks.finding import Finding
from retrain.planning.memory.estimate import Batch

#: How many examples a finding names.
NAMED_EXAMPLES = 10


@dataclass(frozen=True)
class ExampleSize:
    """The size of an example."""

    #: Tokens, the template's own included.
    length: int
    #: Tokens of the assistant's turns, which are trained on.
    n_response: int
    #: The first of them.
    first_response_token: int


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
    """Count the tokens of the examples as training renders them."""
    if not rows:
        return ExampleSizes(())
    encoded = tokenizer.apply_chat_template(
        [row["messages"] for row in rows],
        chat_template=training_template(tokenizer),
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    return ExampleSizes(
        tuple(
            ExampleSize(len(ids), sum(mask), mask.index(1) if 1 in mask else len(ids))
            for ids, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        )
    )


def check_examples(
    examples: ExampleSizes, max_length: int, max_positions: int = 0, *, name: str = "examples"
) -> Finding:
    """Refuse examples that would be truncated, or that have no response token.

    Args:
        examples: Their sizes.
        max_length: Of the recipe, in tokens.
        max_positions: Longest sequence that the model was made for; 0: unknown.
        name: Of the finding.
    """
    n = len(examples.sizes)
    if not n:
        return Finding(name, "refused", "train.jsonl holds no examples")
    limit = min(max_length, max_positions) if max_positions else max_length
    too_long = [i for i, first in enumerate(examples.sizes) if first.length > limit]
    if too_long:
        subject = (
            f"max_length = {max_length}" if limit == max_length else "the model's own limit of"
        )
        subject = subject if limit == max_length else f"{subject} {limit}"
        mend = (
            f"raise the recipe's max_length to {examples.longest}, or shorten them"
            if not max_positions or examples.longest <= max_positions
            else f"shorten them: the model reads at most {max_positions} tokens"
        )
        listed = [f"line {i + 1} ({examples.sizes[i].length})" for i in too_long]
        return Finding(
            name,
            "refused",
            f"{len(too_long)} of {n} examples are longer than {subject} tokens: {_named(listed)}; "
            f"{mend}",
        )
    silent = [f"line {i + 1}" for i, first in enumerate(examples.sizes) if not first.n_response]
    if silent:
        return Finding(
            name,
            "refused",
            f"{len(silent)} of {n} examples have no token that the assistant says: "
            f"{_named(silent)}; the chat template doesn't mark their responses",
        )
    return Finding(
        name,
        "ok",
        f"{n} examples, {examples.n_tokens} tokens, {examples.n_response_tokens} of them "
        "responses; "
        f"the longest has {examples.longest}, at most {limit} are allowed, so none is cut",
    )


def _named(places: Sequence[str]) -> str:
    more = len(places) - NAMED_EXAMPLES
    return ", ".join(places[:NAMED_EXAMPLES]) + (f" and {more} more" if more > 0 else "")
