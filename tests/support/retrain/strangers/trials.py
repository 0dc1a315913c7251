"""Evaluations of candidates by the real child, with systems whose responses are given.

Everything but the generation is real: files, copies, leaks, metrics, tests and gates.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.settings import Gates, Judge, Prompted
from monitor.settings.evaluation_file.plan import parse_plan
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    PROMPTED,
    CandidateResults,
    read_candidate_results,
)
from retrain.data.data_card import Card, digest_of_rows
from retrain.evaluation import child, systems
from retrain.evaluation.benchmark import load_benchmarks
from retrain.evaluation.gates.error_budget import apply_budget, items_of
from retrain.evaluation.judge import chat_client
from retrain.evaluation.metrics import sentence_encoder
from retrain.evaluation.request import (
    EarlierItems,
    EvaluationRequest,
    TrainingRecord,
    write_request,
)
from retrain.evaluation.response_cache import KEY_VARIABLE, ResponseCache
from retrain.evaluation.weights import LoadedWeights
from retrain.models.source import Source
from retrain.run_folder import RunFolder, write_json, write_lines
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.present import utc_now
from tests.support.retrain.candidates import make_request
from tests.support.retrain.child_here import evaluate_here
from tests.support.retrain.strangers.bank import Respond, Rows

UNRELATED: Rows = (
    {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]},
)


#: A judge: system prompt and question -> reply.
Ask = Callable[[str, str], str]


@dataclass(frozen=True)
class Trial:
    """A candidate, the systems beside it, and the files that it is evaluated with."""

    #: Name -> items, and the rest of its entry in evaluation.yaml.
    benchmarks: Mapping[str, tuple[Rows, str]]
    candidate: Respond
    incumbent: Respond
    base: Respond
    #: Base with examples in its prompt; ``None``: like the base.
    prompted: Respond | None = None
    #: The training data in the run's folder; ``None``: somebody deleted it.
    training: Rows | None = UNRELATED
    #: The data that the run was trained on, where somebody replaced it on disk.
    trained: Rows = ()
    validation: Rows = ()
    judge: Ask | None = None
    labels: Rows = ()
    gates: Mapping[str, Any] = field(default_factory=dict)
    task_types: tuple[str, ...] = ()
    #: The benchmarks of the version's evaluation before this one.
    before: Mapping[str, tuple[Rows, str]] | None = None
    #: Candidates of the model that were not better on the same items before.
    n_earlier: int = 0
    #: System -> responses that somebody wrote into the run's folder.
    planted: Mapping[str, Respond] = field(default_factory=dict)


class _Given:
    def __init__(self, respond: Respond, items: Rows) -> None:
        self._responses = {_key(item["messages"]): respond(item) for item in items}

    def respond(
        self, conversations: Sequence[Sequence[dict[str, str]]], progress: object = None
    ) -> list[str]:
        return [self._responses[_key(conversation)] for conversation in conversations]


class _Asked:
    def __init__(self, ask: Ask) -> None:
        self.ask = ask


def evaluate(
    trial: Trial, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> CandidateResults | None:
    """Evaluate a trial in a folder; ``None`` if its files are refused."""
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    monkeypatch.setenv(KEY_VARIABLE, "what the parent tells the child alone")
    monkeypatch.setattr(sentence_encoder, "LocalSentenceEncoder", lambda model: WordEncoder())
    before = None
    if trial.before is not None:
        earlier = replace(trial, benchmarks=trial.before, before=None)
        before = _run(earlier, folder / "earlier", monkeypatch, None)
        assert before is not None
    results = _run(trial, folder / "now", monkeypatch, before)
    if results is None:
        return None
    # As the parent does where it finds them in the database.
    return apply_budget(results, {n + 1: items_of(results) for n in range(trial.n_earlier)})


def _run(
    trial: Trial, folder: Path, monkeypatch: pytest.MonkeyPatch, before: CandidateResults | None
) -> CandidateResults | None:
    run = RunFolder(folder / "run-00001")
    run.root.mkdir(parents=True)
    run.recipe.write_text("{}")
    _write_training_data(trial, run)
    plan = _write_benchmarks(trial, folder)
    judge = Judge()
    if trial.judge is not None:
        judge = Judge(url="http://judge.invalid/v1", model="judge")
    if trial.labels:
        write_lines(folder / "labels.jsonl", trial.labels)
        judge = judge.model_copy(update={"labels": str(folder / "labels.jsonl")})
    request = msgspec.structs.replace(
        make_request(folder, plan, incumbent=Source(base="base")),
        gates=Gates(**trial.gates).model_dump(mode="json"),
        task_types=trial.task_types,
        prompted=Prompted().model_dump(mode="json"),
        judge=judge.model_dump(mode="json"),
        trained_on=TrainingRecord(
            training=digest_of_rows(trial.trained or trial.training or ()),
            validation=digest_of_rows(trial.validation) if trial.validation else "",
        ),
    )
    if before is not None:
        request = msgspec.structs.replace(
            request,
            evaluation_before=1,
            digests_before=before.dataset_digests,
            items_before=before.item_digests,
            reason="evaluated again",
            model_evaluation_before=1,
            earlier=EarlierItems(
                evaluation=1,
                dataset_digests=before.dataset_digests,
                item_digests=before.item_digests,
                places=before.places,
            ),
        )
    both = [item for items, _ in trial.benchmarks.values() for item in items]
    named = {CANDIDATE: trial.candidate, INCUMBENT: trial.incumbent, BASE: trial.base}
    if trial.training is not None:
        named[PROMPTED] = trial.prompted or trial.base
    responders = {name: _Given(respond, both) for name, respond in named.items()}
    loaders = {name: lambda system=system: system for name, system in responders.items()}
    monkeypatch.setattr(systems, "systems_of", lambda *_: loaders)
    monkeypatch.setattr(chat_client, "judge_of", lambda *_: _judge(trial.judge))
    write_request(run, 1, 0, request)
    if trial.planted:
        _plant(trial, run, request, both)
    status = evaluate_here(run)
    assert status != 1, "the child failed, and that refuses nothing"
    if status != 0:
        return None
    return read_candidate_results(run.evaluation)


def _write_training_data(trial: Trial, run: RunFolder) -> None:
    trained = trial.trained or trial.training or ()
    card = Card(
        digest=digest_of_rows(trained),
        n_examples=len(trained),
        n_gold=len(trained),
        n_replay=0,
        replay_share=0.0,
        by_task_type={},
        by_source={"gold": len(trained)},
        validation_digest=digest_of_rows(trial.validation) if trial.validation else "",
        n_validation=len(trial.validation),
    )
    write_json(run.card, msgspec.to_builtins(card))
    if trial.validation:
        write_lines(run.validation_data, trial.validation)
    if trial.training is not None:
        write_lines(run.training_data, trial.training)


def _write_benchmarks(trial: Trial, folder: Path) -> str:
    plan = "evaluation:\n  benchmarks:\n"
    for name, (items, rest) in trial.benchmarks.items():
        rows = [json.dumps(item, ensure_ascii=False) for item in items]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
        plan += f"    - name: {name}\n      dataset: {name}.jsonl\n"
        plan += "".join(f"      {line}\n" for line in rest.splitlines())
    (folder / "evaluation.yaml").write_text(plan)
    return plan


def _plant(trial: Trial, run: RunFolder, request: EvaluationRequest, rows: Rows) -> None:
    loaded = load_benchmarks(parse_plan(request.content, Path(request.origin)))
    cache = ResponseCache(run, 1, request, loaded, LoadedWeights(request, utc_now()), key="guessed")
    by_key = {_key(row["messages"]): row for row in rows}
    for system, respond in trial.planted.items():
        for benchmark in loaded:
            responses = [respond(by_key[_key(item.messages)]) for item in benchmark.items]
            cache.add(system, benchmark.name, benchmark.items, responses)


@contextmanager
def _judge(ask: Ask | None) -> Iterator[_Asked | None]:
    yield None if ask is None else _Asked(ask)


def _key(messages: Sequence[Mapping[str, str]]) -> str:
    return json.dumps([dict(message) for message in messages], sort_keys=True)
