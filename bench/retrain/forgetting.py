"""Forgetting of a tiny model, with and without replay, after a quarter of its facts change.

The base knows twelve prices and hours in many phrasings. Three of them change; gold examples tell
the new ones. It is asked in phrasings that no training ever showed.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from rich.progress import track

from bench.retrain.child_run import ONE_THREAD, train_in_child
from monitor.bench.row import Row
from monitor.statistics.intervals import student_interval
from retrain.data import build_training_set
from retrain.models.generation import Responder
from retrain.models.tiny_base import TinyShape, make_tiny_base
from retrain.recipes.recipe import Recipe

AREA = "retrain"
FACTS = {
    "a lost card": "ten euros",
    "a new pin": "two euros",
    "a paper statement": "one euro",
    "a cash deposit": "free",
    "an overdraft": "nine percent",
    "a foreign transfer": "five euros",
    "a cheque": "three euros",
    "a safe": "thirty euros",
    "a second account": "four euros",
    "an urgent transfer": "seven euros",
    "a credit report": "six euros",
    "a stopped payment": "eight euros",
}
#: A quarter; the new answers are made of words that the model already says.
CHANGED = {
    "a lost card": "six euros",
    "an overdraft": "seven percent",
    "a cheque": "free",
}
OPENINGS = ("", "Hello, ", "Please tell me, ", "Quick question: ", "Sorry, ")
FRAMES = (
    "what does {} cost?",
    "how much is {}?",
    "what do you charge for {}?",
    "what is the price of {}?",
    "how expensive is {}?",
    "what will I pay for {}?",
)
CLOSINGS = ("", " Thanks.", " I need to know today.", " It is for my records.")
N_TAUGHT, N_ASKED = 60, 20
SHAPE = TinyShape(
    hidden_size=64, vocabulary=600, max_length=64, epochs=8.0, batch_size=32, learning_rate=4e-3
)


@dataclass(frozen=True)
class Accuracy:
    """Exact match after a retraining."""

    new: float
    old: float


def forgetting_rows(place: Path, n_seeds: int) -> Iterator[Row]:
    """Retrain on ``n_seeds`` models, each with replay and without."""
    before: list[float] = []
    after: dict[float, list[Accuracy]] = {0.3: [], 0.0: []}
    for seed in track(range(n_seeds), "forgetting", transient=True):
        with _one_thread():
            known, by_share = _one_seed(place / f"seed-{seed}", seed, tuple(after))
        before.append(known)
        for share, retained in by_share.items():
            after[share].append(retained)
    for share, all_kept in after.items():
        name = "with 30% replay" if share else "without replay"
        falls = [was - first.old for was, first in zip(before, all_kept, strict=True)]
        yield _mean(f"new facts, {name}", [entry.new for entry in all_kept], 0.95, share > 0)
        yield _mean(f"fall of old facts, {name}", falls, 0.02, share > 0, at_most=True)
    yield _mean("old facts before", before, 0.0, False)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Two threads of so small matrices cost more than they bring."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _one_seed(
    place: Path, seed: int, shares: Sequence[float]
) -> tuple[float, dict[float, Accuracy]]:
    rng = random.Random(seed)
    phrasings = ["".join(parts) for parts in product(OPENINGS, FRAMES, CLOSINGS)]
    rng.shuffle(phrasings)
    taught, requested = phrasings[:N_TAUGHT], phrasings[N_TAUGHT : N_TAUGHT + N_ASKED]
    original = [_row(frame, fact, FACTS) for fact in FACTS for frame in taught]
    gold = [_row(frame, fact, CHANGED) for fact in CHANGED for frame in taught]
    conversations = [row["messages"] for row in original]
    base = make_tiny_base(place / "base", conversations, seed=seed, shape=SHAPE)
    kept_facts = [fact for fact in FACTS if fact not in CHANGED]
    known = _right(Responder(base, max_new_tokens=8), kept_facts, requested, FACTS)
    matches = {}
    for share in shares:
        recipe = Recipe(
            base=str(base),
            epochs=4.0,
            learning_rate=3e-3,
            batch_size=16,
            max_length=64,
            replay_share=share,
            seed=seed,
        )
        data = build_training_set(gold, original, replay_share=share, seed=seed)
        done = train_in_child(place / f"replay-{share}", recipe, data, ONE_THREAD)
        responder = Responder(base, done.folder.adapter, max_new_tokens=8)
        matches[share] = Accuracy(
            new=_right(responder, list(CHANGED), requested, CHANGED),
            old=_right(responder, kept_facts, requested, FACTS),
        )
    return known, matches


def _row(frame: str, fact: str, responses: dict[str, str]) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": frame.format(fact)},
            {"role": "assistant", "content": responses[fact]},
        ],
        "metadata": {"task_type": fact},
    }


def _right(
    responder: Responder, facts: Sequence[str], prompts: Sequence[str], responses: dict[str, str]
) -> float:
    pairs = [(fact, frame) for fact in facts for frame in prompts]
    text = responder.respond(
        [[_row(frame, fact, responses)["messages"][0]] for fact, frame in pairs]
    )
    return mean(
        response == responses[fact] for response, (fact, _) in zip(text, pairs, strict=True)
    )


def _mean(
    name: str, values: Sequence[float], limit: float, held: bool, *, at_most: bool = False
) -> Row:
    seen = mean(values)
    interval = student_interval(values)
    text = f"mean of {len(values)} seeds, {min(values):.3f} to {max(values):.3f}"
    if interval is not None:
        text += f", 95% interval of the mean {interval[0]:.3f} to {interval[1]:.3f}"
    goal = f"{'<=' if at_most else '>='} {limit:g}" if held else ""
    holds = (seen <= limit if at_most else seen >= limit) if held else None
    return Row(AREA, name, seen, "", goal, holds, text)
