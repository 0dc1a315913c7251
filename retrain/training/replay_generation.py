"""Generation of self-generated replay in the training child."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from retrain.data.data_card import SelfGenerated
from retrain.models.generation import Responder
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_lines, write_json


def load_for_replay(recipe: Recipe, wanted: SelfGenerated) -> Responder:
    """Load the serving version, or the base if no version serves.

    QLoRA loads the base in 4 bits: a base that needs 4 bits for training may not fit otherwise.
    """
    base, revision, template = recipe.base, recipe.base_revision, recipe.chat_template
    if wanted.base:
        base, revision, template = wanted.base, wanted.base_revision, wanted.chat_template
    return Responder(
        base,
        wanted.adapter or None,
        revision="" if Path(base).is_dir() else revision,
        chat_template=template,
        max_new_tokens=wanted.max_new_tokens,
        four_bit=recipe.method == "qlora",
    )


def replay_progress(folder: RunFolder) -> Callable[[int], None]:
    """Return a callback that replaces the heartbeat after each batch of responses."""
    n_total = sum(1 for _ in read_lines(folder.replay_prompts))
    n_done = 0

    def beat(n: int) -> None:
        nonlocal n_done
        n_done += n
        content = {"phase": "generating", "step": n_done, "steps": n_total}
        write_json(folder.heartbeat, {**content, "at": datetime.now(UTC).isoformat()})

    return beat
