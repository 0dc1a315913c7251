"""Training examples as the model sees them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

from retrain.data.rows import Row
from retrain.models.base_model import base_of, load_tokenizer
from retrain.models.chat_template import training_template
from retrain.planning.checks.example_sizes import measure_examples
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_lines


def render_examples(folder: RunFolder, recipe: Recipe, n: int) -> Iterator[str]:
    """Yield ``n`` training examples, rendered by the base's chat template, each with a heading.

    Raises:
        ModelError: The base's tokenizer can't be loaded here.
    """
    rows = pick_rows(list(read_lines(folder.training_data)), n)
    if not rows:
        return
    tokenizer = load_tokenizer(base_of(recipe), download=False)
    template = training_template(tokenizer)
    for number, (row, size) in enumerate(
        zip(rows, measure_examples(tokenizer, rows).sizes, strict=True), start=1
    ):
        metadata = row["metadata"]
        kind = ", ".join(filter(None, (metadata["source"], metadata.get("task_type"))))
        yield (
            f"\n## Example {number} of {len(rows)}: {kind}; {size.length} tokens, "
            f"{size.n_response} of them trained\n"
        )
        yield tokenizer.apply_chat_template(row["messages"], chat_template=template, tokenize=False)


def pick_rows(rows: Sequence[Row], n: int) -> list[Row]:
    """Return the first rows of each source and task type in turn, ``n`` at most."""
    by_kind: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        metadata = row["metadata"]
        by_kind[metadata["source"], str(metadata.get("task_type") or "")].append(row)
    in_turn = chain.from_iterable(zip_longest(*(by_kind[kind] for kind in sorted(by_kind))))
    return [row for row in in_turn if row is not None][:n]
