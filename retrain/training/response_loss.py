"""Loss over the response columns, for training on a CPU."""

from typing import Any

import torch

from retrain.models.shared_prefix import MIN_PREFIX, compute_prefix
from retrain.training.example_order import RepeatableTrainer

IGNORED = -100


class ResponseTrainer(RepeatableTrainer):
    """A trainer with its parent's loss and less arithmetic for short responses.

    Without Triton, the parent scores every position, prompts included, against the whole vocabulary
    and then masks the prompts. With a small model, this is most of the time of a step. What all
    examples of a batch begin with, such as a system prompt, is computed once for the batch.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the mean negative log likelihood of the assistant's tokens."""
        if return_outputs or self.aux_loss_enabled or "labels" not in inputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        following = inputs["labels"][:, 1:]
        response_columns = (following != IGNORED).any(dim=0).nonzero().squeeze(1)
        targets = following[:, response_columns]
        logits = _logits(model, inputs, response_columns)
        total = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        n_tokens = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(n_tokens).clamp(min=1)


def _logits(model: Any, inputs: dict[str, Any], columns: Any) -> Any:
    """Return the logits after the given columns, ``[batch, columns, vocabulary]``."""
    remaining = {name: value for name, value in inputs.items() if name != "labels"}
    n_common = n_common_columns(remaining, columns)
    if n_common and not drops_at_random(model):
        begin = remaining["input_ids"][0, :n_common]
        cache = compute_prefix(model, begin.tolist(), len(remaining["input_ids"]))
        if cache is not None:
            return model(
                input_ids=remaining["input_ids"][:, n_common:],
                attention_mask=remaining["attention_mask"],
                cache=cache,
                logits_to_keep=columns - n_common,
            ).logits
    return model(**remaining, use_cache=False, logits_to_keep=columns).logits


def n_common_columns(inputs: dict[str, Any], columns: Any) -> int:
    """Return the number of first columns that are equal in all rows and come before a response.

    0 for a single row, where there are too few columns to save anything, and for inputs with more
    than tokens and their mask, such as packed rows.
    """
    if set(inputs) != {"input_ids", "attention_mask"} or len(inputs["input_ids"]) < 2:
        return 0
    tokens, mask = inputs["input_ids"], inputs["attention_mask"]
    differs = ((tokens != tokens[:1]) | (mask == 0)).any(dim=0).nonzero()
    n = min(int(differs[0]) if len(differs) else tokens.shape[1], int(columns.min()))
    return n if n >= MIN_PREFIX else 0


def drops_at_random(model: Any) -> bool:
    """Return whether training drops values at random: each example's own, not a batch's."""
    return any(
        isinstance(module, torch.nn.Dropout) and module.p > 0 for module in model.modules()
    ) or any(
        "drop" in name and isinstance(value, float) and value > 0
        for name, value in model.config.to_dict().items()
    )
