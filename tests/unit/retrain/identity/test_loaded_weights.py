"""Weights that an evaluation's child loads: those recorded, from first to last response."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.store.training.candidate_results import CANDIDATE
from retrain.evaluation import child, systems
from retrain.evaluation.request import EvaluationRequest, write_request
from retrain.evaluation.response_cache import ResponseCache
from retrain.evaluation.weights import LoadedWeights
from retrain.identity.record import take_identity
from retrain.run_folder import RunFolder, read_json
from tests.support.present import utc_now
from tests.support.retrain.candidates import make_request
from tests.support.retrain.child_here import evaluate_here
from tests.support.retrain.scored_benchmarks import items
from tests.support.retrain.weights import adapter_on_base, write_adapter

PLAN = """\
evaluation:
  benchmarks:
    - {name: desk, dataset: desk.jsonl, metrics: [exact_match]}
"""
NOW = utc_now()
WEIGHTS = "adapter/adapter_model.safetensors"
#: What somebody does while the candidate is loaded.
Meanwhile = Callable[[Path], object]


def requested(place: Path, *, is_recorded: bool = True) -> EvaluationRequest:
    (place / "desk.jsonl").write_bytes(b"\n".join(msgspec.json.encode(i) for i in items(4)))
    source = adapter_on_base(place)
    identities = {CANDIDATE: take_identity(source, NOW)} if is_recorded else {}
    request = make_request(place, PLAN)
    return msgspec.structs.replace(request, candidate=source, identities=identities)


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Evaluate in this process, by systems that somebody disturbs; return the child's result."""
    folder = RunFolder(tmp_path / "run")
    folder.root.mkdir()
    folder.recipe.write_text("{}")
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)

    def run(request: EvaluationRequest, meanwhile: Meanwhile = lambda _: None) -> dict[str, Any]:
        class Responder:
            def respond(self, conversations, progress=None):
                meanwhile(tmp_path)
                return ["a"] * len(conversations)

        loaders = dict.fromkeys(("candidate", "base"), Responder)
        monkeypatch.setattr(systems, "systems_of", lambda *_: loaders)
        write_request(folder, 1, 0, request)
        evaluate_here(folder)
        return read_json(folder.task("evaluate").result) or {}

    return run


def swap_and_swap_back(place: Path) -> None:
    content = (place / WEIGHTS).read_bytes()
    (place / WEIGHTS).write_bytes(content[:-8] + bytes(8))
    (place / WEIGHTS).write_bytes(content)


def add_and_remove_a_template(place: Path) -> None:
    (place / "base/chat_template.jinja").write_text("{{ 1 }}")
    (place / "base/chat_template.jinja").unlink()


def test_recorded_weights_are_evaluated(tmp_path: Path, evaluate: Any) -> None:
    result = evaluate(requested(tmp_path))
    assert result["status"] == "succeeded", result


def test_weights_swapped_before_the_child_are_not_loaded(tmp_path: Path, evaluate: Any) -> None:
    request = requested(tmp_path)
    write_adapter(tmp_path / "adapter", seed=9, base_model_name_or_path=str(tmp_path / "base"))
    loads: list[Path] = []
    result = evaluate(request, loads.append)
    assert (result["status"], loads) == ("failed", [])
    assert "the candidate: not what was recorded" in result["error"]
    assert str(tmp_path / WEIGHTS) in result["error"]


@pytest.mark.parametrize("meanwhile", [swap_and_swap_back, add_and_remove_a_template])
def test_weights_written_meanwhile_fail_the_evaluation(
    tmp_path: Path, evaluate: Any, meanwhile: Meanwhile
) -> None:
    result = evaluate(requested(tmp_path), meanwhile)
    assert result["status"] == "failed"
    assert "written while the evaluation read it" in result["error"]
    assert "evaluate again" in result["error"]


def test_a_card_written_meanwhile_is_no_change(tmp_path: Path, evaluate: Any) -> None:
    result = evaluate(
        requested(tmp_path), lambda place: (place / "adapter/README.md").write_text("# Desk")
    )
    assert result["status"] == "succeeded"


def test_a_version_without_a_record_gets_one(tmp_path: Path, evaluate: Any) -> None:
    request = requested(tmp_path, is_recorded=False)
    result = evaluate(request)
    expected = take_identity(request.candidate, NOW).acting
    assert result["identities"]["candidate"]["acting"] == expected


def test_responses_of_weights_that_were_written_later_are_dropped(tmp_path: Path) -> None:
    request = requested(tmp_path)
    folder = RunFolder(tmp_path)

    def known() -> int:
        weights = LoadedWeights(request, NOW)
        cache = ResponseCache(folder, 1, request, [], weights, key="secret")
        n_known = len(cache.known("candidate", "desk"))
        cache.add("candidate", "desk", items(4)[n_known:], ["a"] * (4 - n_known))
        return n_known

    assert (known(), known()) == (0, 4)
    swap_and_swap_back(tmp_path)
    assert known() == 0
