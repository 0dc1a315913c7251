"""Repeatable order of examples and precision across resumptions."""

from collections.abc import Iterator
from typing import Any

import torch
from transformers.trainer_pt_utils import LengthGroupedSampler, get_length_grouped_indices
from trl import SFTTrainer


class EpochOrder(LengthGroupedSampler):  # type: ignore[misc]  # transformers publishes no types
    """Groups examples of like length, in another order each epoch.

    Its parent draws from the generator that everything shares. A run that goes on in the middle of
    an epoch would draw that epoch's order from another state, see some examples twice and others
    not at all.
    """

    def __init__(self, *arguments: Any, seed: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; the trainer calls it."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        # Seeds of neighbouring runs and epochs must not meet.
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        return iter(get_length_grouped_indices(self.lengths, self.batch_size, generator=generator))


class RepeatableTrainer(SFTTrainer):  # type: ignore[misc]  # trl publishes no types
    """Trains in an order, and in a precision, that a resumed run finds again."""

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        return EpochOrder(
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            dataset=self.train_dataset if train_dataset is None else train_dataset,
            model_input_name="input_ids",
            seed=self.args.data_seed,
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # TRL trains an adapter over a base in 4 bits in bfloat16; PEFT loads it as float32.
        trained = self.model if model is None else model
        retained = {
            name: first.dtype for name, first in trained.named_parameters() if first.requires_grad
        }
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        for name, parameter in trained.named_parameters():
            if name in retained:
                parameter.data = parameter.data.to(retained[name])
