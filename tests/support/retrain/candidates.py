"""Candidates with evaluation results, without a model."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from monitor.settings import Gates, Judge, Scoring
from monitor.store.engine import transaction
from monitor.store.training import candidate_evaluations as store
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    SYSTEMS,
    CandidateComparison,
    CandidateResults,
    CheckOutcome,
    GateCheck,
    GateResult,
    StratumScore,
    SystemScores,
)
from monitor.store.training.registry import production_version, version_by_id
from monitor.store.training.runs import finish_run, mark_running
from monitor.store.training.trivial_scores import TrivialScore
from retrain.evaluation.gate_result import conclude
from retrain.evaluation.request import EvaluationRequest
from retrain.identity.record import take_identity
from retrain.models.source import Source
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version
from retrain.run_folder import RunFolder, read_json, write_json, write_lines
from retrain.training.runs import plan_run
from tests.support.retrain.scored_benchmarks import spelled
from tests.support.retrain.weights import record_without_files, write_adapter, write_base

MODEL = "desk"
PLAN = """\
evaluation:
  benchmarks:
    - {name: support, dataset: support.jsonl, metrics: [exact_match], stratify_by: [task_type]}
"""
HUMAN = "  human_eval: {sample_size: 4, reviewers: 2}\n"
ITEM = {"messages": [{"role": "user", "content": "q"}], "expected": "a", "task_type": "cards"}


def write_plan(folder: Path, content: str = PLAN, *, n: int = 6) -> Path:
    """Write evaluation.yaml and its data set; return the file."""
    rows = [
        {"id": f"q{row}", **ITEM, "messages": [{"role": "user", "content": f"q {spelled(row)}"}]}
        for row in range(n)
    ]
    (folder / "support.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = folder / "evaluation.yaml"
    file.write_text(content)
    return file


def make_candidate(
    engine: Engine, folder: Path, now: datetime, *, model: str = MODEL, **lineage: Any
) -> tuple[int, int]:
    """Register a run's version; return the ids of version and run."""
    recipe = Recipe(base=str(folder / "base"), seed=7)
    base = write_base(folder / "base")
    with transaction(engine) as connection:
        run = plan_run(
            connection, model=model, recipe=recipe, work_dir=folder / "runs", now=now,
            launcher="fake",
        )  # fmt: skip
        files = RunFolder(folder / "runs" / f"run-{run:05d}")
        mark_running(connection, run, {"number": 0}, now)
        finish_run(connection, run, "succeeded", finished_at=now, result={})
        source = Source(base=str(base), adapter=str(write_adapter(files.adapter, seed=run)))
        identity = take_identity(source, now)
        version = register_version(
            connection, model=model, adapter_path=source.adapter, adapter_digest=identity.tensors,
            lineage={"method": "lora", "base": source.base, **lineage}, now=now,
            training_run_id=run, identity=identity,
        )  # fmt: skip
    return version, run


def make_serving(engine: Engine, now: datetime, *, model: str = MODEL, **lineage: Any) -> int:
    """Register a serving version."""
    with transaction(engine) as connection:
        version = register_version(
            connection, model=model, adapter_path="serving/adapter", adapter_digest="sha256:0",
            lineage={"method": "lora", "base": "the-base", **lineage}, now=now,
            identity=record_without_files(now),
        )  # fmt: skip
        promote(connection, version, changed_by="lea", reason="first", now=now)
    return version


def check(name: str = "better than the incumbent", outcome: CheckOutcome = "passed") -> GateCheck:
    return GateCheck(name, outcome, "0.90 -> 0.95", "p <= 0.05")


def make_results(gate_result: GateResult = "promote", **values: Any) -> CandidateResults:
    """Return results in the form of an evaluation's child."""
    outcomes: dict[GateResult, CheckOutcome] = {
        "promote": "passed", "reject": "failed", "undecided": "undecided",
    }  # fmt: skip
    scores = [
        SystemScores(
            system,
            "support",
            tuple(
                StratumScore(stratum, "exact_match", value, 0.5, 0.99, 6)
                for stratum in ("", "task_type=cards")
            ),
        )
        for system, value in zip(SYSTEMS[:3], (0.9, 0.8, 0.7), strict=True)
    ]
    comparison = CandidateComparison(
        benchmark="support", metric="exact_match", split="all", reference="incumbent",
        n=6, n_unpaired=0, candidate_mean=0.9, reference_mean=0.8, difference=0.1,
        lower=0.02, upper=0.2, lower_bound=0.03, upper_bound=0.19, test="exact McNemar",
        p_better=0.01, p_worse=0.99, adjusted_p_better=0.02, adjusted_p_worse=1.0,
    )  # fmt: skip
    results = CandidateResults(
        gate_result=gate_result,
        checks=(check("nothing forgotten"), check(outcome=outcomes[gate_result])),
        comparisons=(comparison,),
        scores=tuple(scores),
        remarks=("support: WARNING: only 6 items",),
        trivial_scores=(
            TrivialScore("support", "", "exact_match", "copy of the prompt", 0.2, 6),
            TrivialScore("support", "split=old", "exact_match", "copy of the prompt", 0.25, 6),
        ),
        dataset_digests={"support": "0" * 64},
        policy=Gates().model_dump(mode="json"),
    )
    return msgspec.structs.replace(results, **values)


def write_results(folder: RunFolder, results: CandidateResults) -> None:
    """Write the outputs of an evaluation's child, except its outcome, to a run's folder."""
    right = {"candidate": 5, "incumbent": 4, "base": 3}
    rows = [
        {
            "by": system, "benchmark": "support", "id": f"q{number}", "task_type": "cards",
            "messages": ITEM["messages"], "expected": "a",
            "response": "a" if number < n_right else f"{system} is wrong",
            "values": {"exact_match": float(number < n_right)},
        }
        for system, n_right in right.items()
        for number in range(6)
    ]  # fmt: skip
    request = read_json(folder.evaluation_request) or {}
    write_lines(folder.evaluation_responses(request.get("evaluation_id", 1)), rows)
    write_json(folder.evaluation, msgspec.to_builtins(results))


def make_request(
    folder: Path, content: str = PLAN, incumbent: Source | None = None
) -> EvaluationRequest:
    """Return a planned request."""
    source = Source(base=str(folder / "base"))
    return EvaluationRequest(
        candidate=source, incumbent=incumbent, base=source, base_prompt="",
        origin=str(folder / "evaluation.yaml"), content=content,
        gates=Gates().model_dump(mode="json"), scoring=Scoring().model_dump(mode="json"),
        judge=Judge().model_dump(mode="json"), seed=7,
    )  # fmt: skip


def evaluated(
    connection: Connection,
    version_id: int,
    now: datetime,
    gate_result: GateResult = "promote",
    *,
    folder: Path = Path("nowhere"),
    **values: Any,
) -> CandidateEvaluationRow:
    """Add an evaluation of a version against the serving version, with results."""
    row = planned(connection, version_id, now, folder)
    store.mark_running(connection, row.id, {"number": 1}, now)
    conclude(connection, row, make_results(gate_result, **values), now)
    return store.candidate_evaluation_by_id(connection, row.id)


def awaiting_ratings(
    connection: Connection, version_id: int, now: datetime, *, folder: Path = Path("nowhere")
) -> CandidateEvaluationRow:
    """Add an evaluation of a version that awaits ratings."""
    row = planned(connection, version_id, now, folder)
    store.mark_running(connection, row.id, {"number": 1}, now)
    store.await_ratings(connection, row.id, make_results(), now)
    return store.candidate_evaluation_by_id(connection, row.id)


def planned(
    connection: Connection, version_id: int, now: datetime, folder: Path
) -> CandidateEvaluationRow:
    """Plan an evaluation of a version, also without a training run."""
    model = version_by_id(connection, version_id).model
    serving = production_version(connection, model)
    request = make_request(
        folder, incumbent=Source(base="the-base", adapter=serving.adapter_path) if serving else None
    )
    evaluation = store.insert_candidate_evaluation(
        connection, version_id, launcher="fake", work_dir=str(folder),
        request=msgspec.to_builtins(request), file_digest=request.file_digest, planned_by="test",
        now=now,
    )  # fmt: skip
    return store.candidate_evaluation_by_id(connection, evaluation)
