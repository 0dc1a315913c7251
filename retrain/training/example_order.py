"""Example order and precision that survive a resumption."""

from collections.abc import Iterator
from typing import Any

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler, get_length_grouped_indices
from trl import SFTTrainer


class EpochOrder(LengthGroupedSampler):  # type: ignore[misc]  # transformers publishes no types
    """A sampler that groups examples of similar length, in a new order each epoch.

    The parent class draws from the global generator. A run resumed in the middle of an epoch would
    draw another order, repeat some examples and skip others.
    """

    def __init__(self, *arguments: Any, seed: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next order; called by the trainer."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        # Keeps the seeds of neighbouring runs and epochs apart.
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        return iter(get_length_grouped_indices(self.lengths, self.batch_size, generator=generator))


class RepeatableTrainer(SFTTrainer):  # type: ignore[misc]  # trl publishes no types
    """A trainer whose example order and precision are the same after a resumption."""

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        return EpochOrder(
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            dataset=self.train_dataset if train_dataset is None else train_dataset,
            model_input_name="input_ids",
            seed=self.args.data_seed,
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # TRL trains an adapter over a 4-bit base in bfloat16; PEFT loads it as float32.
        trained = self.model if model is None else model
        retained = {
            name: first.dtype for name, first in trained.named_parameters() if first.requires_grad
        }
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        for name, parameter in trained.named_parameters():
            if name in retained:
                parameter.data = parameter.data.to(retained[name])
