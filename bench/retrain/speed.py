"""Overhead of training and evaluation over the bare libraries."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.retrain.child_run import make_folder, run_on, train_in_child
from bench.retrain.methods import MAX_NEW_TOKENS, Bank, recipe_for, requested
from monitor.bench.row import Row
from monitor.settings import Scoring
from monitor.settings.evaluation_file.plan import parse_plan
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import load_benchmarks
from retrain.evaluation.candidate import score_systems
from retrain.evaluation.metrics.catalogue import MetricModels
from retrain.evaluation.systems import generate_responses
from retrain.models.base_model import BaseModel
from retrain.models.generation import BATCH_SIZE, Responder
from retrain.run_folder import write_lines

AREA = "retrain"
N_EXAMPLES = 160
N_ITEMS = 1000
ROUNDS = 3


def training_row(base: BaseModel, bank: Bank, place: Path) -> Row:
    """Train the same examples in a child and by TRL alone, in turn."""
    recipe = recipe_for(base, "lora", epochs=1.0)
    data = bank.training_set(N_EXAMPLES)
    pairs = []
    for number in range(ROUNDS):
        child = train_in_child(place / f"child-{number}", recipe, data)
        folder = make_folder(place / f"bare-{number}", recipe, data)
        bare = run_on(folder, "bench.retrain.bare_trl")
        pairs.append((child.tokens_per_second, bare.tokens_per_second))
    return _ratio("tokens/s of the child / TRL called bare", pairs, 0.95, "tokens/s")


def evaluation_row(base: BaseModel, bank: Bank, place: Path) -> Row:
    """Evaluate a benchmark as `retrain evaluate` does, and generate the same responses bare."""
    items = [
        BenchmarkItem(id=f"q{place_}", messages=tuple(requested(query)), expected=intent)
        for place_, (query, intent) in enumerate(_repeated(bank.training, N_ITEMS))
    ]
    place.mkdir(parents=True)
    write_lines(place / "items.jsonl", [msgspec.to_builtins(item) for item in items])
    plan = parse_plan(
        "evaluation:\n  benchmarks:\n"
        "    - {name: bank, dataset: items.jsonl, metrics: [exact_match, token_f1, rouge]}\n",
        place / "evaluation.yaml",
    )
    benchmarks = load_benchmarks(plan, MetricModels.from_settings(Scoring()))
    responder = Responder(base.folder, max_new_tokens=MAX_NEW_TOKENS)
    bare = _Bare(base)
    pairs = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        responses = generate_responses({"candidate": lambda: responder}, benchmarks)
        score_systems(benchmarks, responses)
        ours = time.monotonic() - began
        began = time.monotonic()
        bare.generate(items)
        pairs.append((N_ITEMS / ours, N_ITEMS / (time.monotonic() - began)))
    return _ratio("items/s of an evaluation / a bare generate loop", pairs, 0.9, "items/s")


class _Bare:
    """transformers' own generate, batch by batch in order of length, and nothing else."""

    def __init__(self, base: BaseModel) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(base.folder, padding_side="left")
        self._model: Any = AutoModelForCausalLM.from_pretrained(base.folder, dtype="float32")

    def generate(self, items: Sequence[BenchmarkItem]) -> list[str]:
        """Generate responses to all items."""
        texts = sorted(
            (
                self._tokenizer.apply_chat_template(
                    list(item.messages), tokenize=False, add_generation_prompt=True
                )
                for item in items
            ),
            key=len,
        )
        responses: list[str] = []
        for begin in range(0, len(texts), BATCH_SIZE):
            encoded = self._tokenizer(
                texts[begin : begin + BATCH_SIZE], return_tensors="pt", padding=True
            )
            with torch.inference_mode():
                text = self._model.generate(
                    **encoded, max_new_tokens=MAX_NEW_TOKENS, do_sample=False
                )
            responses += self._tokenizer.batch_decode(text[:, encoded["input_ids"].shape[1] :])
        return responses


def _repeated(pairs: Sequence[tuple[str, str]], n: int) -> Iterator[tuple[str, str]]:
    for number in range(n):
        yield pairs[number % len(pairs)]


def _ratio(name: str, pairs: Sequence[tuple[float, float]], limit: float, unit: str) -> Row:
    ratios = [ours / bare for ours, bare in pairs]
    ours, bare = (float(np.median([pair[side] for pair in pairs])) for side in (0, 1))
    return Row(
        AREA,
        name,
        median(ratios),
        "",
        f">= {limit:g}",
        median(ratios) >= limit,
        f"{len(pairs)} rounds in turn, {min(ratios):.2f} to {max(ratios):.2f}; "
        f"{ours:.1f} against {bare:.1f} {unit}",
    )
