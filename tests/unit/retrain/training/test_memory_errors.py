"""A device that runs out of memory."""

import pytest

from monitor.errors import TrainingError
from retrain.recipes.recipe import Recipe
from retrain.training.memory_errors import memory_errors
from tests.support.lazy_modules import torch
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    ("micro_batch_size", "mend"), [(4, "micro_batch_size below 4"), (1, "max_length")]
)
def test_memory_error_names_the_setting_to_change(micro_batch_size: int, mend: str) -> None:
    recipe = Recipe(base="b", micro_batch_size=micro_batch_size)
    with refusal("out_of_memory", TrainingError, match=mend), memory_errors(recipe):
        torch.empty(1 << 60, dtype=torch.uint8)  # more than any machine has
    with refusal("out_of_memory", TrainingError, match=mend), memory_errors(recipe):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_errors(Recipe(base="b")):
        raise RuntimeError("shapes cannot be multiplied")
