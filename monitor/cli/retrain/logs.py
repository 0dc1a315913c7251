"""`driftwarden retrain logs`: the log of a training run or a candidate evaluation."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
    from monitor.store.training.runs import RunRow


def log_lines(
    engine: "Engine",
    settings: Settings,
    run_id: int,
    n_lines: int,
    *,
    follow: bool,
    evaluation: bool,
) -> Iterator[str]:
    """Yield the last lines of a process's log and, with ``follow``, new lines until it ends.

    Raises:
        WorkflowError: There is no such evaluation, or the log no longer exists.
        RemoteServiceError: The launcher's service is unavailable.
    """
    from monitor.cli.retrain.evaluation import last_evaluation_of_run
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from monitor.store.training.runs import run_by_id
    from retrain.jobs.factory import create_launcher
    from retrain.jobs.log_stream import new_lines
    from retrain.run_folder import RunFolder, Task

    def row() -> "RunRow | CandidateEvaluationRow":
        if evaluation:
            return last_evaluation_of_run(engine, run_id)
        with transaction(engine) as connection:
            return run_by_id(connection, run_id)

    task: Task = "evaluate" if evaluation else "train"
    logged = row()
    folder = RunFolder(Path(logged.work_dir))
    launcher = create_launcher(logged.launcher, settings.retrain, load_secrets())
    if not follow:
        yield from launcher.logs(folder, n_lines, task)
        return
    yield from new_lines(
        lambda n: launcher.logs(folder, n, task), lambda: row().status == "running", n_lines
    )
