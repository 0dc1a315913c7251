"""Systems beside the candidate: the base with production's prompt, and a previous system."""

import json
from pathlib import Path

import msgspec
import pytest

from monitor.errors import InputError
from monitor.settings import PreviousSystem
from monitor.store.training.candidate_results import read_candidate_results
from retrain.evaluation import child, systems
from retrain.evaluation.previous_system import ChatEndpoint, recorded_responses
from retrain.evaluation.request import write_request
from retrain.evaluation.systems import PromptedModel
from retrain.run_folder import RunFolder, read_lines
from tests.services.judge import running_judge
from tests.support.refusals import refusal
from tests.support.retrain.candidates import PLAN, make_request, write_plan
from tests.support.retrain.scored_benchmarks import benchmark, items

USER = {"role": "user", "content": "my card?"}
SUITE = benchmark(items(3), metrics=["exact_match"])


class Echo:
    """A model that returns the system message that it gets."""

    def respond(self, conversations, progress=None):
        return ["".join(m["content"] for m in c if m["role"] == "system") for c in conversations]


@pytest.mark.parametrize(
    ("own", "prompt"),
    [
        ([], "Be brief."),
        (["Answer in French."], "Be brief.\n\nAnswer in French."),
        (["You are a desk. Be brief."], "You are a desk. Be brief."),
    ],
)
def test_base_gets_the_prompt_of_production(own: list[str], prompt: str) -> None:
    conversation = [*({"role": "system", "content": text} for text in own), USER]
    assert PromptedModel(Echo(), "Be brief.").respond([conversation]) == [prompt]
    assert PromptedModel(Echo(), "").respond([conversation]) == ["".join(own)]


def write(folder: Path, *rows: dict[str, str]) -> PreviousSystem:
    (folder / "old.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return PreviousSystem(responses="old.jsonl")


def test_recorded_responses_are_read_by_item_and_benchmark(tmp_path: Path) -> None:
    rows = [{"id": f"old-{n}", "response": f"r{n}"} for n in range(3)]
    rows.append({"id": "old-1", "response": "other", "benchmark": "suite"})
    settings = write(tmp_path, *rows)
    assert recorded_responses(settings, [SUITE], tmp_path) == {"suite": ["r0", "other", "r2"]}
    with refusal("missing_responses", InputError, match="old-2"):
        recorded_responses(write(tmp_path, *rows[:2]), [SUITE], tmp_path)


def test_an_endpoint_responds_to_conversations() -> None:
    with running_judge() as server:
        server.says = lambda system, question: f"{system} {question}"
        settings = PreviousSystem(url=server.url, model="rules-1")
        endpoint = ChatEndpoint(settings, "k")
        conversation = [{"role": "system", "content": "Be brief."}, USER]
        assert endpoint.respond([conversation]) == ["Be brief. my card?"]
        assert server.requests[0]["model"] == "rules-1"
        assert server.keys == ["Bearer k"]


def test_a_previous_system_stands_in_table_and_responses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(tmp_path)
    run = RunFolder(tmp_path / "run-00001")
    run.root.mkdir()
    run.recipe.write_text("{}")
    rows = [{"id": f"q{n}", "response": "a"} for n in range(6)]
    settings = write(tmp_path, *rows).model_copy(update={"responses": str(tmp_path / "old.jsonl")})
    request = msgspec.structs.replace(
        make_request(tmp_path, PLAN), previous=settings.model_dump(mode="json")
    )
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    monkeypatch.setattr(systems, "systems_of", lambda _: {"candidate": Echo, "base": Echo})
    write_request(run, 1, 0, request)
    assert child.main([str(run.root)]) == 0
    results = read_candidate_results(run.evaluation)
    assert results is not None
    assert results.systems == ["candidate", "base", "previous"]
    assert results.scores_of("previous")[0].value == 1.0
    assert {c.reference for c in results.comparisons} == {"base"}  # it decides nothing
    by = [row["by"] for row in read_lines(run.evaluation_responses(1))]
    assert by.count("previous") == 6  # people rate what is in this file
