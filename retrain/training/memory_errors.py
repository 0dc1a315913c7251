"""Errors of a device without enough memory, with what to change in the recipe."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from monitor.errors import TrainingError
from retrain.recipes.recipe import Recipe


@contextmanager
def memory_errors(recipe: Recipe) -> Iterator[None]:
    """Raise a ``TrainingError`` that says what to change where the device runs out of memory."""
    try:
        yield
    except RuntimeError as error:
        # On a CPU, torch has no class for it.
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        n = recipe.examples_at_once
        mend = (
            f"set micro_batch_size below {n} in the recipe, or lower max_length"
            if n > 1
            else "lower max_length in the recipe, or train with method 'qlora' or a smaller base"
        )
        first_line = str(error).strip().split("\n", maxsplit=1)[0]
        raise TrainingError(
            f"out of memory with {n} examples at a time; {mend} ({first_line})",
            code="out_of_memory",
        ) from error
