"""The training child: ``python -m retrain.child RUN_DIR``.

It reads ``recipe.json`` and ``train.jsonl``, writes progress while it trains, leaves the adapter in
``adapter/``, scores it on ``benchmark.jsonl`` where there is one, and says how it ended in
``result.json``, its last act. Nothing here touches the database: a child can run on any machine
that shares the folder.
"""

import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.errors import DriftwardenError
from retrain.dataset.self_generated import add_self_generated, needs_answers
from retrain.launchers.process_identity import process_identity
from retrain.recipe import Recipe, read_recipe
from retrain.run_folder import RunFolder, read_json, read_lines, write_json

#: Long enough to say what went wrong; the whole traceback is in the log.
MAXIMUM_ERROR_CHARACTERS = 2000


def main(arguments: list[str]) -> int:
    """Train what the folder asks for; return the process's exit status."""
    if len(arguments) != 1:
        print("usage: python -m retrain.child RUN_DIR", file=sys.stderr)  # noqa: T201
        return 2
    folder = RunFolder(Path(arguments[0]).resolve())
    # The launcher notes the same; should it die before it does, the child is found all the same.
    write_json(folder.child, process_identity(os.getpid()))
    started = time.monotonic()
    try:
        outcome = _train(folder)
    except Exception as error:  # noqa: BLE001 - whatever happened, the parent is told
        traceback.print_exc()
        write_json(folder.result, _failure(error, started))
        return error.exit_status if isinstance(error, DriftwardenError) else 1
    outcome["seconds"] = round(time.monotonic() - started, 3)
    outcome["finished_at"] = datetime.now(UTC).isoformat()
    write_json(folder.result, outcome)
    return 0


def _train(folder: RunFolder) -> dict[str, Any]:
    recipe = read_recipe(folder.recipe.read_bytes(), str(folder.recipe))
    _prepare_environment(recipe)
    if needs_answers(folder):
        _generate(folder, recipe)
    rows = list(read_lines(folder.training_data))
    card = read_json(folder.card) or {}
    # Imported here: torch reads the environment when it is imported.
    from retrain.acceptance import score_candidate  # noqa: PLC0415
    from retrain.training import train  # noqa: PLC0415

    outcome = train(folder, recipe, rows, card)
    if folder.benchmark.is_file():
        outcome["acceptance"] = score_candidate(folder, recipe)
    return outcome


def _generate(folder: RunFolder, recipe: Recipe) -> None:
    """Let the model that is trained further answer the prompts of its replay."""
    from retrain.replay_generation import load_for_replay, replay_progress  # noqa: PLC0415

    add_self_generated(folder, recipe, load_for_replay, replay_progress(folder))


def _prepare_environment(recipe: Recipe) -> None:
    """Set what the libraries read when they are imported."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Threads that spin while they wait make a busy machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if Path(recipe.base).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"
        # kernels of the hub, which transformers would otherwise look for
        os.environ["USE_HUB_KERNELS"] = "0"
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["DISABLE_MLFLOW_INTEGRATION"] = "TRUE"


def _failure(error: Exception, started: float) -> dict[str, Any]:
    text = str(error) if isinstance(error, DriftwardenError) else f"{type(error).__name__}: {error}"
    return {
        "status": "failed",
        "error": text[:MAXIMUM_ERROR_CHARACTERS],
        "seconds": round(time.monotonic() - started, 3),
        "finished_at": datetime.now(UTC).isoformat(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
