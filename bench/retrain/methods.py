"""Base, LoRA, QLoRA and full fine-tuning of a language model on banking queries."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.retrain.child_run import ONE_THREAD, ChildRun, train_in_child
from monitor.bench.row import Row as Figure
from monitor.settings import TrainingData
from monitor.statistics.intervals import clopper_pearson
from retrain.data import DataChecks, TrainingSet, original_training_set
from retrain.data.rows import Row
from retrain.models.base_model import BaseModel
from retrain.models.generation import Responder
from retrain.recipes.recipe import Method, Recipe

AREA = "retrain"
SEED = 20_261_125
N_EXAMPLES = 800
N_HELD_OUT = 300
#: Tokens of the longest intent's name, and the end of the turn.
MAX_NEW_TOKENS = 12
SYSTEM_PROMPT = "Name the intent of the bank customer's query."
#: The rates that the literature gives for the kind: an adapter bears what a whole model doesn't.
LEARNING_RATES: dict[Method, float] = {"lora": 2e-3, "qlora": 2e-3, "full": 5e-5}


@dataclass(frozen=True)
class Bank:
    """Queries of CLINC150's banking domain with their intents, in words."""

    training: list[tuple[str, str]]
    held_out: list[tuple[str, str]]

    @property
    def intents(self) -> list[str]:
        """The intents, in order."""
        return sorted({intent for _, intent in self.training})

    def training_set(self, n: int = N_EXAMPLES) -> TrainingSet:
        """Return the first ``n`` training examples, all of which are trained on."""
        rows: list[Row] = [
            {"messages": [*requested(query), {"role": "assistant", "content": intent}]}
            for query, intent in self.training[:n]
        ]
        checks = DataChecks(rules=TrainingData(validation_share=0.0))
        return original_training_set(rows, seed=SEED, checks=checks)


def read_bank(data: Path) -> Bank:
    """Draw the examples, evenly over the intents; held-out queries are of the test split."""
    folder = data / "clinc150"
    splits = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    intents = json.loads((folder / "domains.json").read_text(encoding="utf-8"))["banking"]
    rng = random.Random(SEED)

    def draw(split: str, n: int) -> list[tuple[str, str]]:
        by_intent = {
            intent: [text for text, name in splits[split] if name == intent] for intent in intents
        }
        drawn = []
        for place, intent in enumerate(sorted(by_intent)):
            share = n // len(intents) + (place < n % len(intents))
            words = intent.replace("_", " ")
            drawn += [(text, words) for text in rng.sample(by_intent[intent], share)]
        rng.shuffle(drawn)
        return drawn

    return Bank(draw("train", N_EXAMPLES), draw("test", N_HELD_OUT))


def requested(query: str, system_prompt: str = SYSTEM_PROMPT) -> list[dict[str, str]]:
    """Return the conversation that asks for a query's intent."""
    return [
        {"role": "system", "content": system_prompt},
        {"role": "user", "content": query},
    ]


def recipe_for(base: BaseModel, method: Method, *, epochs: float = 2.0) -> Recipe:
    """Return the recipe of a method: all that isn't the method's own is the same."""
    return Recipe(
        base=base.location,
        base_revision=base.revision,
        method=method,
        epochs=epochs,
        learning_rate=LEARNING_RATES[method],
        batch_size=16,
        max_length=128,
        replay_share=0.0,
        seed=SEED,
    )


def method_rows(base: BaseModel, bank: Bank, place: Path) -> Iterator[Figure]:
    """Train by each method and ask the held-out queries."""
    listing = f"{SYSTEM_PROMPT} Answer with one of: {', '.join(bank.intents)}."
    yield _exact(
        "base with a prompt that lists the intents",
        Responder(base.folder, max_new_tokens=MAX_NEW_TOKENS),
        bank,
        system_prompt=listing,
    )
    methods: tuple[Method, ...] = ("lora", "qlora", "full")
    for method in methods:
        recipe = recipe_for(base, method)
        done = train_in_child(place / method, recipe, bank.training_set(), ONE_THREAD)
        yield _exact(method, _responder(base, method, done), bank, goal=method == "lora")
        yield Figure(AREA, f"{method}: wall time", done.wall_seconds, "s", "", None, _speed(done))
        yield Figure(AREA, f"{method}: CPU time", done.cpu_seconds, "s", "", None, "of one thread")
        yield Figure(
            AREA, f"{method}: peak memory", done.peak_megabytes, "MB", "", None, "of the child"
        )
        yield Figure(AREA, f"{method}: weights written", done.weights_megabytes, "MB", "", None, "")


def _responder(base: BaseModel, method: Method, done: ChildRun) -> Responder:
    if method == "full":
        return Responder(done.folder.adapter, max_new_tokens=MAX_NEW_TOKENS)
    return Responder(base.folder, done.folder.adapter, max_new_tokens=MAX_NEW_TOKENS)


def _exact(
    name: str,
    responder: Responder,
    bank: Bank,
    *,
    system_prompt: str = SYSTEM_PROMPT,
    goal: bool = False,
) -> Figure:
    responses = responder.respond([requested(query, system_prompt) for query, _ in bank.held_out])
    right = sum(
        response.strip().lower() == intent
        for response, (_, intent) in zip(responses, bank.held_out, strict=True)
    )
    n = len(bank.held_out)
    lower, upper = clopper_pearson(right, n)
    return Figure(
        AREA,
        f"{name}: exact match",
        right / n,
        "",
        ">= 0.90" if goal else "",
        right / n >= 0.90 if goal else None,
        f"{right} of {n} unseen queries over {len(bank.intents)} intents, 95% interval "
        f"{lower:.3f} to {upper:.3f}; {len(bank.training)} examples",
    )


def _speed(done: ChildRun) -> str:
    alone = done.result["training_seconds"]
    return f"training alone {alone:.0f} s, {done.tokens_per_second:.0f} tokens/s"
