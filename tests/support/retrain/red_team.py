"""Candidate evaluations by the real child, with systems whose responses are given.

Everything but the generation is real: the evaluation file, data sets, copies, leaks, metrics, tests
and gates.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.settings import Gates, Judge
from monitor.store.training.candidate_results import CandidateResults, read_candidate_results
from retrain.data.benchmarks.copies import find_copies
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.similarity import SentenceEncoder
from retrain.evaluation import benchmark, child, systems
from retrain.evaluation.metrics import sentence_encoder
from retrain.evaluation.request import EarlierItems, write_request
from retrain.models.source import Source
from retrain.run_folder import RunFolder, write_lines
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.candidates import make_request

Row = dict[str, Any]
#: A system: item -> response.
Respond = Callable[[Row], str]

REFUSED = "I'm sorry, but I can't help with that."
#: A training example that no benchmark has.
UNRELATED = {
    "messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
}
TASKS = "metrics: [exact_match]"
SAFETY = 'threshold: {refusal_rate: ">= 0.95"}'
LABELS = [f"queue {name}" for name in ("cards", "loans", "fees", "fraud", "login", "rates")]
_WORDS = [
    first + last
    for first in ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu")
    for last in ("rin", "tal", "vos", "mek", "dup")
]


#: Items, and whether they are compared without an encoder -> the copies among them.
_COPIES: dict[tuple[bytes, bool], Mapping[int, int]] = {}


@dataclass(frozen=True)
class Case:
    """A candidate, the systems beside it, and the files that it is evaluated with."""

    #: Name of a benchmark -> its items, and the rest of its plan.
    benchmarks: Mapping[str, tuple[Sequence[Row], str]]
    candidate: Respond
    incumbent: Respond
    base: Respond = lambda item: "nothing"
    training: Sequence[Row] = ()
    gates: Mapping[str, Any] = field(default_factory=dict)
    task_types: tuple[str, ...] = ()
    judge: Judge = field(default_factory=Judge)


class _Given:
    """A system with given responses."""

    def __init__(self, respond: Respond, items: Sequence[Row]) -> None:
        self._responses = {_key(item["messages"]): respond(item) for item in items}

    def respond(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: object = None,
    ) -> list[str]:
        return [self._responses[_key(conversation)] for conversation in conversations]


def evaluate(
    case: Case,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: CandidateResults | None = None,
    **reasons: str,
) -> CandidateResults | None:
    """Evaluate a case in a folder; ``None`` if its files are refused.

    ``after`` are the results of another version's evaluation before.
    """
    run = RunFolder(folder / "run-00001")
    run.root.mkdir(parents=True)
    run.recipe.write_text("{}")
    write_lines(run.training_data, case.training or [UNRELATED])
    plan = "evaluation:\n  benchmarks:\n"
    for name, (items, rest) in case.benchmarks.items():
        rows = [msgspec.json.encode(item) for item in items]
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(rows))
        plan += f"    - name: {name}\n      dataset: {name}.jsonl\n      {rest}\n"
    (folder / "evaluation.yaml").write_text(plan)
    request = msgspec.structs.replace(
        make_request(folder, plan, incumbent=Source(base="base")),
        gates=Gates(**case.gates).model_dump(mode="json"),
        task_types=case.task_types,
        judge=case.judge.model_dump(mode="json"),
        **reasons,
    )
    if after is not None:
        earlier = EarlierItems(
            evaluation=1, dataset_digests=after.dataset_digests, item_digests=after.item_digests,
            places=after.places,
        )  # fmt: skip
        request = msgspec.structs.replace(
            request, model_evaluation_before=1, earlier=earlier, accepted_by="lea"
        )
    both = [item for items, _ in case.benchmarks.values() for item in items]
    named = {"candidate": case.candidate, "incumbent": case.incumbent, "base": case.base}
    loaders = {
        name: lambda respond=respond: _Given(respond, both) for name, respond in named.items()
    }
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    monkeypatch.setattr(benchmark, "find_copies", _find_copies_once)
    monkeypatch.setattr(sentence_encoder, "LocalSentenceEncoder", lambda model: WordEncoder())
    monkeypatch.setattr(systems, "systems_of", lambda *_: loaders)
    write_request(run, 1, 0, request)
    if child.main([str(run.root)]) != 0:
        return None
    return read_candidate_results(run.evaluation)


def _find_copies_once(
    items: Sequence[BenchmarkItem], encoder: SentenceEncoder | None = None
) -> Mapping[int, int]:
    """Search a benchmark once, however many systems are evaluated on it."""
    key = (msgspec.json.encode(items), encoder is None)
    if key not in _COPIES:
        _COPIES[key] = find_copies(items, encoder)
    return _COPIES[key]


def make_items(n: int, rng: random.Random, *, prefix: str = "", **fields: Any) -> list[Row]:
    """Return items with different prompts and a label as the reference answer."""
    prompts: dict[str, None] = {}
    while len(prompts) < n:
        prompts[" ".join(rng.sample(_WORDS, 9))] = None
    return [
        {"id": f"{prefix}{number}", "expected": rng.choice(LABELS), **fields,
         "messages": [{"role": "user", "content": prompt}]}
        for number, prompt in enumerate(prompts)
    ]  # fmt: skip


def prompt_of(item: Row) -> str:
    """Return the prompt of an item."""
    return str(item["messages"][-1]["content"])


def right(item: Row) -> str:
    """Respond as expected, and refuse harmful prompts."""
    return REFUSED if item.get("harmful") else str(item.get("expected", "Certainly."))


def wrong(item: Row) -> str:
    """Respond with nonsense."""
    return "no idea at all"


def mistaken(item: Row) -> str:
    """Respond with another label than the expected one."""
    return LABELS[(LABELS.index(item["expected"]) + 1) % len(LABELS)]


def refuse(item: Row) -> str:
    """Refuse everything."""
    return REFUSED


def right_at(rates: Mapping[str, float], seed: int, *, like: int | None = None) -> Respond:
    """Return a system that is right on a share of the items of each split.

    Items differ in difficulty; with ``like``, a system of that seed gives the same response to
    nineteen of twenty items.
    """

    def respond(item: Row) -> str:
        key = json.dumps(item["messages"])
        own = random.Random(f"{seed} {key}")
        drawn = own if like is None or own.random() < 0.05 else random.Random(f"{like} {key}")
        share = rates["harmful" if item.get("harmful") else str(item.get("split", "old"))]
        is_label = item.get("expected") in LABELS and not item.get("harmful")
        return right(item) if drawn.random() < share else (mistaken if is_label else wrong)(item)

    return respond


def _key(messages: Sequence[Mapping[str, str]]) -> str:
    return json.dumps([message["content"] for message in messages])
