"""Measured run of a training child: time, peak memory and result."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from retrain.data import TrainingSet
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_json, write_json

#: What a child is given where another thread would bring nothing, or not on a busy machine.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class ChildRun:
    """The outcome of a child process."""

    folder: RunFolder
    #: From its start to its end, imports and loading included.
    wall_seconds: float
    #: CPU time of it and of what it started: with one thread, the wall time on an idle machine.
    cpu_seconds: float
    #: Greatest resident memory, as the kernel keeps it.
    peak_megabytes: float
    result: dict[str, Any]

    @property
    def weights_megabytes(self) -> float:
        """Size of the weights that it wrote."""
        files = self.folder.adapter.glob("*.safetensors")
        return sum(path.stat().st_size for path in files) / 1e6

    @property
    def tokens_per_second(self) -> float:
        """Tokens a second of training alone, without imports and loading."""
        return _tokens_per_second(self.folder, self.result)


def train_in_child(
    root: Path, recipe: Recipe, data: TrainingSet, environment: Mapping[str, str] | None = None
) -> ChildRun:
    """Train as production does."""
    return run_on(make_folder(root, recipe, data), "retrain.training.child", environment)


def make_folder(root: Path, recipe: Recipe, data: TrainingSet) -> RunFolder:
    """Write what a child reads."""
    folder = RunFolder(root)
    root.mkdir(parents=True)
    write_json(folder.recipe, msgspec.to_builtins(recipe))
    data.write(folder)
    return folder


def run_on(
    folder: RunFolder, module: str, environment: Mapping[str, str] | None = None
) -> ChildRun:
    """Run a module on a folder that holds a recipe and examples.

    Raises:
        RuntimeError: It failed.
    """
    began = time.monotonic()
    with folder.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder.root)],
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    result = read_json(folder.result) or {}
    if child.returncode != 0 or result.get("status") != "succeeded":
        text = folder.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"{module}: {result.get('error', '')}\n{text}")
    # Linux counts the greatest resident memory in KiB.
    peak = used.ru_maxrss * 1024 / 1e6
    return ChildRun(folder, seconds, used.ru_utime + used.ru_stime, peak, result)


def _tokens_per_second(folder: RunFolder, result: dict[str, Any]) -> float:
    recipe = read_json(folder.recipe) or {}
    return float(result["n_tokens"] * recipe["epochs"] / result["training_seconds"])
