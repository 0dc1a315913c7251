"""Frame of a child process: identity, task, result and exit status."""

import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.errors import DriftwardenError, TransientError
from retrain.jobs.launcher import MODULES
from retrain.jobs.process_identity import process_identity
from retrain.run_folder import RunFolder, Task, write_json

#: Exit status of a child that doesn't see its folder (sysexits.h).
EX_NOINPUT = 66
#: Long enough to say what went wrong; the whole traceback is in the log.
MAXIMUM_ERROR_CHARACTERS = 2000


def run_child(
    task: Task, arguments: Sequence[str], body: Callable[[RunFolder], dict[str, Any]]
) -> int:
    """Run a child's task in the folder that the arguments name.

    Args:
        task: Which one.
        arguments: Of the command line: the run's folder.
        body: Does it; what it returns is written to the task's result file.

    Returns:
        The process's exit status.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {MODULES[task]} RUN_DIR", file=sys.stderr)  # noqa: T201
        return 2
    folder = RunFolder(Path(arguments[0]).resolve())
    files = folder.task(task)
    if not folder.recipe.is_file():
        print(  # noqa: T201 - in the child's log, the only place to say it
            f"{folder.root} holds no run on the machine {platform.node()}: it must share the "
            "folder of the runs, at the same path, with the one that launches",
            file=sys.stderr,
        )
        return EX_NOINPUT
    # The launcher notes the same; should it die before it does, the child is found all the same.
    write_json(files.child, process_identity(os.getpid()))
    started = time.monotonic()
    try:
        outcome = body(folder)
    except Exception as error:  # noqa: BLE001 - whatever happened, the parent is told
        traceback.print_exc()
        write_json(files.result, _failure(error) | _ended(started))
        return error.exit_status if isinstance(error, DriftwardenError) else 1
    write_json(files.result, outcome | _ended(started))
    return 0


def prepare_environment(base: str) -> None:
    """Set what the libraries read when they are imported.

    Args:
        base: The base model; where it is a folder, nothing is looked for on the network.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Threads that spin while they wait make a busy machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if Path(base).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"
        # kernels of the hub, which transformers would otherwise look for
        os.environ["USE_HUB_KERNELS"] = "0"
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["DISABLE_MLFLOW_INTEGRATION"] = "TRUE"


def _ended(started: float) -> dict[str, Any]:
    return {
        "seconds": round(time.monotonic() - started, 3),
        "finished_at": datetime.now(UTC).isoformat(),
    }


def _failure(error: Exception) -> dict[str, Any]:
    text = str(error) if isinstance(error, DriftwardenError) else f"{type(error).__name__}: {error}"
    return {
        "status": "failed",
        "error": text[:MAXIMUM_ERROR_CHARACTERS],
        "transient": isinstance(error, TransientError),
    }
