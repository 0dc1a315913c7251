"""Child process of a candidate evaluation: ``python -m retrain.evaluation.child RUN_DIR``.

It reads ``evaluation-request.json``, generates and scores the responses of every system, writes the
results to ``evaluation.json``, the responses to ``evaluation-responses-ID.jsonl``, and finally its
outcome to ``evaluation-result.json``. It reuses the responses of an earlier child. The judge's key
and that of the responses come from the environment.
"""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.private_files import use_private_umask
from monitor.settings import load_secrets
from monitor.store.training.candidate_results import PREVIOUS
from retrain.evaluation.request import EvaluationRequest, read_request
from retrain.jobs.child_process import hide_bitsandbytes, prepare_environment, run_child
from retrain.models.template_date import date_remarks
from retrain.run_folder import RunFolder, write_json, write_lines

if TYPE_CHECKING:
    from retrain.evaluation.benchmark import Benchmark
    from retrain.evaluation.earlier_responses import EarlierResponses
    from retrain.evaluation.response_cache import ResponseCache
    from retrain.evaluation.systems import SystemLoader
    from retrain.evaluation.weights import LoadedWeights


def main(arguments: list[str]) -> int:
    """Run the evaluation requested in a run folder; return the exit status."""
    return run_child("evaluate", arguments, _evaluate)


def _evaluate(folder: RunFolder) -> dict[str, Any]:
    evaluation_id, request = read_request(folder)
    prepare_environment(request.base.base)
    hide_bitsandbytes(request.base.base)
    # Imported here, because torch reads the environment on import.
    import numpy as np  # noqa: PLC0415

    from retrain.evaluation.benchmark import load_benchmarks  # noqa: PLC0415
    from retrain.evaluation.candidate import evaluate_candidate, response_rows, score_systems  # noqa: PLC0415
    from retrain.evaluation.gates.coverage import check_coverage  # noqa: PLC0415
    from retrain.evaluation.gates.late_leakage import check_late_leakage  # noqa: PLC0415
    from retrain.evaluation.judge.chat_client import judge_of  # noqa: PLC0415
    from retrain.evaluation.judge.labels import read_labels  # noqa: PLC0415
    from retrain.evaluation.metrics.catalogue import MetricModels  # noqa: PLC0415
    from retrain.evaluation.metrics.sentence_encoder import LocalSentenceEncoder  # noqa: PLC0415
    from retrain.evaluation.previous_system import ChatEndpoint, recorded_responses  # noqa: PLC0415
    from retrain.evaluation.prompted import (  # noqa: PLC0415
        check_training_data,
        missing_prompts,
    )
    from retrain.evaluation.rules.application import apply_earlier_rules  # noqa: PLC0415
    from retrain.evaluation.systems import systems_of  # noqa: PLC0415

    progress = _Progress(folder)
    judging = request.judging
    secrets = load_secrets()
    key = secrets.judge_api_key.get_secret_value()
    with judge_of(judging, key) as judge:
        models = MetricModels.from_settings(
            request.answering,
            judge=judge,
            concurrency=judging.max_concurrency,
            rubrics=judging.rubrics,
            labels=read_labels(judging.labels),
        )
        # Validate the file before loading any model.
        encoder = LocalSentenceEncoder(request.answering.sentence_model)
        loaded = load_benchmarks(request.plan, models, encoder, request.counted)
        applied = apply_earlier_rules(loaded, request)
        benchmarks = applied.benchmarks
        checks, remarks = check_late_leakage(
            folder, benchmarks, request.data_rules, encoder, request.trained_on
        )
        covering = check_coverage(benchmarks, request.task_types)
        systems = systems_of(request, benchmarks, folder)
        if request.previous_system.url:
            systems[PREVIOUS] = partial(
                ChatEndpoint,
                request.previous_system,
                secrets.previous_system_api_key.get_secret_value(),
            )
        progress.begin(sum(len(benchmark.items) for benchmark in benchmarks) * len(systems))
        responses, weights, cache, earlier = _generate(
            folder, evaluation_id, request, benchmarks, systems=systems, progress=progress
        )
        if request.previous_system.responses:
            responses[PREVIOUS] = recorded_responses(
                request.previous_system, benchmarks, folder.root
            )
        progress.phase("scoring")
        scores = score_systems(benchmarks, responses)
        progress.phase("judging")
        remarks = [*applied.remarks, *remarks, *date_remarks()]
        results = evaluate_candidate(
            benchmarks,
            scores,
            request.policy,
            np.random.default_rng(request.seed),
            judge=judge,
            labels=models.labels,
            concurrency=judging.max_concurrency,
            further_checks=[
                *applied.checks,
                *covering,
                *checks,
                *check_training_data(request, folder),
            ],
            further_remarks=[
                *missing_prompts(benchmarks, request.base_prompt),
                *remarks,
                *earlier.remarks(),
                *cache.remarks(),
            ],
        )
    path = folder.evaluation_responses(evaluation_id)
    write_lines(path, response_rows(scores, earlier.generators))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    results = msgspec.structs.replace(
        results,
        responses_digest=digest,
        places=applied.places,
        weaker_rules=applied.weaker_rules,
    )
    write_json(folder.evaluation, msgspec.to_builtins(results))
    cache.drop()
    return {
        "status": "succeeded",
        "evaluation_id": evaluation_id,
        "gate_result": results.gate_result,
        "identities": msgspec.to_builtins(weights.identities),
    }


def _generate(
    folder: RunFolder,
    evaluation_id: int,
    request: EvaluationRequest,
    benchmarks: "Sequence[Benchmark]",
    *,
    systems: "Mapping[str, SystemLoader]",
    progress: "_Progress",
) -> "tuple[dict[str, dict[str, list[str]]], LoadedWeights, ResponseCache, EarlierResponses]":
    """Generate the responses by the recorded weights; return them with what they depend on."""
    from retrain.evaluation.earlier_responses import EarlierResponses  # noqa: PLC0415
    from retrain.evaluation.response_cache import KEY_VARIABLE, ResponseCache  # noqa: PLC0415
    from retrain.evaluation.systems import generate_responses  # noqa: PLC0415
    from retrain.evaluation.weights import LoadedWeights  # noqa: PLC0415
    from retrain.models.generation import device_type  # noqa: PLC0415

    weights = LoadedWeights(request, datetime.now(UTC))
    key = os.environ.get(KEY_VARIABLE, "")
    cache = ResponseCache(folder, evaluation_id, request, benchmarks, weights, key=key)
    earlier = EarlierResponses(folder, request, weights, device_type())
    responses = generate_responses(systems, benchmarks, progress.add_responses, cache, earlier)
    weights.require_unchanged(datetime.now(UTC))
    return responses, weights, cache, earlier


class _Progress:
    """Progress of an evaluation, written as a heartbeat."""

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.task("evaluate").heartbeat
        self._n_total = 0
        self._n_done = 0

    def begin(self, n_total: int) -> None:
        self._n_total = n_total
        self._write({"phase": "generating"})

    def add_responses(self, system: str, n: int) -> None:
        self._n_done += n
        self._write({"phase": "generating", "system": system})

    def phase(self, name: str) -> None:
        self._write({"phase": name})

    def _write(self, beat: dict[str, Any]) -> None:
        counts = {"step": self._n_done, "steps": self._n_total}
        write_json(self._path, {**beat, **counts, "at": datetime.now(UTC).isoformat()})


if __name__ == "__main__":
    use_private_umask()  # the launcher may have another
    sys.exit(main(sys.argv[1:]))
