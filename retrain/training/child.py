"""Child process of a training run: ``python -m retrain.training.child RUN_DIR``.

It reads ``recipe.json`` and ``train.jsonl``, writes progress, the adapter to ``adapter/``, and
finally its outcome to ``result.json``. It doesn't use the database, so it can run on any machine
that shares the folder.
"""

import sys
from typing import Any

from monitor.private_files import use_private_umask
from retrain.data.self_generated import add_self_generated, needs_generation
from retrain.data.training_set import copy_card
from retrain.jobs.child_process import hide_bitsandbytes, prepare_environment, run_child
from retrain.recipes.recipe import Recipe, read_recipe
from retrain.run_folder import RunFolder, read_json, read_lines
from retrain.training.trackers import allow_trackers


def main(arguments: list[str]) -> int:
    """Train by the recipe of a run folder; return the exit status."""
    return run_child("train", arguments, _train)


def _train(folder: RunFolder) -> dict[str, Any]:
    recipe = read_recipe(folder.recipe.read_bytes(), str(folder.recipe))
    prepare_environment(recipe.base)
    allow_trackers(recipe.report_to, folder)
    if recipe.method != "qlora":
        hide_bitsandbytes(recipe.base)
    if needs_generation(folder):
        _generate(folder, recipe)
    rows = list(read_lines(folder.training_data))
    card = read_json(folder.card) or {}
    # Imported here, because torch reads the environment on import.
    from retrain.training.fine_tuning import train  # noqa: PLC0415

    outcome = train(folder, recipe, rows, card)
    copy_card(folder)
    return outcome


def _generate(folder: RunFolder, recipe: Recipe) -> None:
    """Generate the responses of self-generated replay."""
    from retrain.data.token_counts import TokenCounter  # noqa: PLC0415
    from retrain.models.base_model import base_of, load_tokenizer  # noqa: PLC0415
    from retrain.training.replay_generation import load_for_replay, replay_progress  # noqa: PLC0415

    counter = TokenCounter(load_tokenizer(base_of(recipe)))
    add_self_generated(folder, recipe, load_for_replay, counter, replay_progress(folder))


if __name__ == "__main__":
    use_private_umask()  # the launcher may have another
    sys.exit(main(sys.argv[1:]))
