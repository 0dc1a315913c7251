"""What `driftwarden retrain evaluate` does: load, ask, score, decide, keep."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from retrain.evaluation.verdict import EvaluationVerdict


def evaluate_run(
    engine: "Engine", settings: Settings, run_id: int, evaluation: Path
) -> "EvaluationVerdict":
    """Evaluate the candidate that a run made, and keep the verdict and every answer in its folder.

    Raises:
        ConfigurationError: The evaluation file isn't right.
        InputError: A data set can't be used.
        WorkflowError: The run hasn't succeeded.
    """
    import msgspec
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from monitor.errors import WorkflowError
    from monitor.evaluation_file import read_plan
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from monitor.store.runs import run_by_id
    from retrain.evaluation.benchmark import load_benchmarks
    from retrain.evaluation.request import EvaluationRequest, Source
    from retrain.evaluation.run import answer_rows, judge_candidate, score_systems
    from retrain.evaluation.systems import answer_benchmarks, systems_of
    from retrain.judge.client import ChatClient
    from retrain.metrics.catalogue import MetricModels
    from retrain.recipe import read_recipe
    from retrain.run_folder import RunFolder, write_json, write_lines

    retrain = settings.retrain
    with transaction(engine) as connection:
        run = run_by_id(connection, run_id)
    if run.status != "succeeded":
        raise WorkflowError(f"training run {run_id} is {run.status}; only what succeeded is judged")
    folder = RunFolder(Path(run.work_dir))
    recipe = read_recipe(folder.recipe.read_bytes(), str(folder.recipe))
    with ExitStack() as stack:
        judge = None
        if retrain.judge.url:
            key = load_secrets().judge_api_key.get_secret_value()
            judge = stack.enter_context(ChatClient(retrain.judge, key))
        models = MetricModels.from_settings(
            retrain.scoring, judge=judge, concurrency=retrain.judge.concurrency
        )
        # Before any model is loaded: what is wrong with the file costs no time.
        benchmarks = load_benchmarks(read_plan(evaluation), models)
        base = Source(base=recipe.base, revision=recipe.base_revision)
        weights = str(folder.adapter)
        systems = systems_of(
            EvaluationRequest(
                candidate=Source(base=weights)
                if recipe.method == "full"
                else msgspec.structs.replace(base, adapter=weights),
                incumbent=msgspec.structs.replace(base, adapter=recipe.start_adapter)
                if recipe.start_adapter
                else None,
                base=base,
                base_prompt=settings.model.system_prompt,
                origin=str(evaluation),
                content=evaluation.read_text(encoding="utf-8"),
                gates=retrain.gates.model_dump(mode="json"),
                scoring=retrain.scoring.model_dump(mode="json"),
                judge=retrain.judge.model_dump(mode="json"),
                seed=recipe.seed,
            )
        )
        n_items = sum(len(one.items) for one in benchmarks)
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        tasks = {name: progress.add_task(name, total=n_items) for name in systems}
        answers = answer_benchmarks(
            systems, benchmarks, lambda name, n: progress.update(tasks[name], advance=n)
        )
        scores = score_systems(benchmarks, answers)
        found = judge_candidate(
            benchmarks,
            scores,
            retrain.gates,
            np.random.default_rng(recipe.seed),
            judge=judge,
            concurrency=retrain.judge.concurrency,
        )
    write_lines(folder.evaluation_answers, answer_rows(scores))
    write_json(folder.evaluation, found.as_json())
    return found
