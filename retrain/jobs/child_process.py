"""Entry point of a child process: identity, task, result and exit status."""

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
from monitor.model_hub import be_offline_without_hub
from retrain.jobs.launcher import MODULES
from retrain.jobs.process_identity import process_identity
from retrain.run_folder import RunFolder, Task, read_json, write_json

#: Exit status of a child without access to its folder (sysexits.h).
EX_NOINPUT = 66
#: Characters of an error message; the log holds the whole traceback.
MAXIMUM_ERROR_CHARACTERS = 2000


def run_child(
    task: Task, arguments: Sequence[str], body: Callable[[RunFolder], dict[str, Any]]
) -> int:
    """Run a child's task in a run folder; return the process's exit status.

    The return value of ``body`` is written to the task's result file.
    """
    if len(arguments) != 1:
        print(f"usage: python -m {MODULES[task]} RUN_DIR", file=sys.stderr)  # noqa: T201
        return 2
    folder = RunFolder(Path(arguments[0]).resolve())
    files = folder.task(task)
    if not folder.recipe.is_file():
        print(  # noqa: T201 - the child's log is the only output
            f"{folder.root} holds no run on the machine {platform.node()}; mount the folder of "
            "the runs there, at the same path as on the launching machine",
            file=sys.stderr,
        )
        return EX_NOINPUT
    # The launcher records this too, unless it dies first.
    write_json(files.child, process_identity(os.getpid()))
    started = time.monotonic()
    try:
        outcome = body(folder)
    except Exception as error:  # noqa: BLE001 - the parent learns of every failure
        traceback.print_exc()
        write_json(files.result, _failure(error) | _ended(started))
        return error.exit_status if isinstance(error, DriftwardenError) else 1
    write_json(files.result, outcome | _ended(started))
    return 0


def prepare_environment(base: str) -> None:
    """Set the environment variables that libraries read on import.

    A base that is a folder disables access to model hubs, as does a hub that doesn't respond.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Spinning threads make a busy machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if Path(base).is_dir():
        os.environ["HF_HUB_OFFLINE"] = "1"
        # transformers would otherwise look for kernels on the hub
        os.environ["USE_HUB_KERNELS"] = "0"
    else:
        be_offline_without_hub()
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["DISABLE_MLFLOW_INTEGRATION"] = "TRUE"


def hide_bitsandbytes(base: str) -> None:
    """Hide bitsandbytes, which PEFT imports wherever it is installed, in more than a second.

    Call it in a child that quantises nothing itself. A base that is stored quantised needs the
    package, and a hub model may be one.
    """
    config = read_json(Path(base) / "config.json") if Path(base).is_dir() else None
    if config is not None and "quantization_config" not in config:
        # The import system takes None for a package that is not installed.
        sys.modules.setdefault("bitsandbytes", None)  # type: ignore[arg-type]


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
        "code": error.code if isinstance(error, DriftwardenError) else "",
        "transient": isinstance(error, TransientError),
    }
