"""Loss over the response columns, for training on a CPU."""

from typing import Any

import torch

from retrain.training.example_order import RepeatableTrainer

IGNORED = -100


class ResponseTrainer(RepeatableTrainer):
    """A trainer with its parent's loss and less arithmetic for short responses.

    Without Triton, the parent scores every position, prompts included, against the whole vocabulary
    and then masks the prompts. With a small model, this is most of the time of a step.
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
        remaining = {name: value for name, value in inputs.items() if name != "labels"}
        logits = model(**remaining, use_cache=False, logits_to_keep=response_columns).logits
        targets = following[:, response_columns]
        total = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        n_tokens = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(n_tokens).clamp(min=1)
