"""The acceptance benchmark: the candidate and its incumbent on the same items, and the verdict."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from retrain.evaluate import ItemScore, read_benchmark, score_version, summarise
from retrain.gates import judge
from retrain.generation import Responder
from retrain.recipe import Recipe
from retrain.run_folder import RunFolder, write_json, write_lines

#: Name under which the registry keeps the scores.
BENCHMARK = "acceptance"


def score_candidate(folder: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Score what a run made, and what it went on from, and judge the one against the other.

    Every answer is kept in ``answers.jsonl``. A first version has no incumbent and no verdict.

    Returns:
        ``candidate`` and ``incumbent`` (scores by stratum) and ``verdict``, as plain values.

    Raises:
        InputError: The benchmark can't be read.
        ModelError: A model can't be loaded.
    """
    items = read_benchmark(folder.benchmark)
    progress = _Progress(folder, len(items) * (2 if recipe.start_adapter else 1))
    # One model at a time: a device that trains one may not hold two.
    candidate = score_version(_responder(recipe, str(folder.adapter)), items, progress)
    answers = [_answer("candidate", one) for one in candidate]
    rng = np.random.default_rng(recipe.seed)
    outcome: dict[str, Any] = {"candidate": [asdict(one) for one in summarise(candidate, rng)]}
    if recipe.start_adapter:
        before = _responder(recipe, recipe.start_adapter)
        incumbent = score_version(before, items, progress)
        outcome["incumbent"] = [asdict(one) for one in summarise(incumbent, rng)]
        outcome["verdict"] = asdict(judge(candidate, incumbent))
        answers += [_answer("incumbent", one) for one in incumbent]
    write_lines(folder.answers, answers)
    return outcome


class _Progress:
    """Replaces the heartbeat after each batch of answers."""

    def __init__(self, folder: RunFolder, n_total: int) -> None:
        self._folder = folder
        self._n_total = n_total
        self._n_done = 0

    def __call__(self, n: int) -> None:
        self._n_done += n
        beat = {"phase": "scoring", "step": self._n_done, "steps": self._n_total}
        write_json(self._folder.heartbeat, {**beat, "at": datetime.now(UTC).isoformat()})


def _responder(recipe: Recipe, weights: str) -> Responder:
    """Load what a run made or went on from: full fine-tuning leaves a whole model."""
    if recipe.method == "full":
        return Responder(weights)
    return Responder(recipe.base, weights, revision=_commit(recipe))


def _commit(recipe: Recipe) -> str:
    """Return the commit of a hub model; a local base has a digest instead."""
    return "" if Path(recipe.base).is_dir() else recipe.base_revision


def _answer(who: str, score: ItemScore) -> dict[str, Any]:
    return {"by": who, "id": score.item.id, "answer": score.answer, "correct": score.correct}
