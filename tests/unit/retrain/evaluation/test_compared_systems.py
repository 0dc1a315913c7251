"""Systems beside the candidate: the base with its prompt or examples, and a previous system."""

import json
from pathlib import Path

import msgspec
import pytest

from monitor.errors import InputError
from monitor.settings import PreviousSystem, Prompted
from monitor.store.training.candidate_results import read_candidate_results
from retrain.evaluation import child, systems
from retrain.evaluation.previous_system import ChatEndpoint, recorded_responses
from retrain.evaluation.prompted import PromptedModel, few_shot_model, missing_prompts
from retrain.evaluation.request import write_request
from retrain.run_folder import RunFolder, read_lines, write_lines
from tests.services.judge import running_judge
from tests.support.refusals import refusal
from tests.support.retrain.candidates import PLAN, make_request, write_plan
from tests.support.retrain.child_here import evaluate_here
from tests.support.retrain.scored_benchmarks import benchmark, items

USER = {"role": "user", "content": "my card?"}
SUITE = benchmark(items(3), metrics=["exact_match"])


class Echo:
    """A model that returns the system message that it gets."""

    def respond(self, conversations, progress=None):
        return ["".join(m["content"] for m in c if m["role"] == "system") for c in conversations]


class Given:
    """A model that always gives the same response."""

    def __init__(self, text: str) -> None:
        self.text = text

    def respond(self, conversations, progress=None):
        return [self.text for _ in conversations]


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


def test_items_without_productions_prompt_are_counted() -> None:
    (remark,) = missing_prompts([SUITE], "Be brief.")
    assert "3 of 3 items" in remark
    assert missing_prompts([SUITE], "") == []
    prompted = [
        msgspec.structs.replace(item, messages=({"role": "system", "content": "x"}, *item.messages))
        for item in items(3)
    ]
    assert missing_prompts([benchmark(prompted, metrics=["exact_match"])], "Be brief.") == []


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


def test_previous_system_is_in_table_and_responses(
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
    monkeypatch.setattr(systems, "systems_of", lambda *_: {"candidate": Echo, "base": Echo})
    write_request(run, 1, 0, request)
    assert evaluate_here(run) == 0
    results = read_candidate_results(run.evaluation)
    assert results is not None
    assert results.systems == ["candidate", "base", "previous"]
    assert results.scores_of("previous")[0].value == 1.0
    assert {c.reference for c in results.comparisons} == {"base"}  # it decides nothing
    by = [row["by"] for row in read_lines(run.evaluation_responses(1))]
    assert by.count("previous") == 6  # people rate what is in this file


class Words(Echo):
    """A model that returns its whole prompt, a word for each token."""

    max_prompt_tokens = 0

    def respond(self, conversations, progress=None):
        return ["|".join(m["content"] for m in c) for c in conversations]

    def n_tokens(self, conversation):
        return len(self.respond([conversation])[0].replace("|", " ").split())


def train_on(folder: Path, *pairs: tuple[str, str, str]) -> RunFolder:
    run = RunFolder(folder / "run-00001")
    run.root.mkdir(exist_ok=True)
    run.recipe.write_text("{}")
    rows = [
        {"messages": [{"role": "system", "content": "Old."}, {"role": "user", "content": prompt},
                      {"role": "assistant", "content": response}],
         "metadata": {"task_type": task_type}}
        for task_type, prompt, response in pairs
    ]  # fmt: skip
    write_lines(run.training_data, rows)
    return run


def few_shot(run: RunFolder, model: Words, **settings: int) -> list[str]:
    """Return the prompts of an item of the task type cards and of one without."""
    request = msgspec.structs.replace(
        make_request(run.root), base_prompt="Be brief.",
        prompted=Prompted(**settings).model_dump(mode="json"),
    )  # fmt: skip
    suite = benchmark(items(1, task_type="cards"), metrics=["exact_match"])
    prompted = few_shot_model(model, request, [suite], run)
    return prompted.respond([suite.items[0].messages, [USER]])


def test_examples_are_of_the_task_type_and_differ_in_response(tmp_path: Path) -> None:
    pairs = [("cards", f"c{n}", "lost" if n else "late") for n in range(8)]
    run = train_on(tmp_path, *pairs, *(("fees", f"f{n}", "free") for n in range(8)))
    cards, other = few_shot(run, Words(), examples=2)
    head, *turns, question = cards.split("|")
    assert (head, len(turns)) == ("Be brief.", 4)  # production's prompt, not that of the data
    assert {turn[0] for turn in turns[::2]} == {"c"}
    assert set(turns[1::2]) == {"lost", "late"}
    assert question == "old aa"
    assert len(set(other.split("|")[2:5:2])) == 2
    assert few_shot(run, Words(), examples=2)[0] == cards


def test_examples_stay_within_their_tokens_and_the_context(tmp_path: Path) -> None:
    run = train_on(tmp_path, ("cards", "long " * 50, "r0"), ("cards", "short", "r1"))
    assert few_shot(run, Words(), examples=2, max_tokens=10)[0].split("|")[1:-1] == ["short", "r1"]
    model = Words()
    model.max_prompt_tokens = 5  # no example fits beside the item
    assert few_shot(run, model, examples=2, max_tokens=10)[0].count("|") == 1


@pytest.mark.slow
def test_a_candidate_worse_than_prompting_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without training data nothing is shown."""
    write_plan(tmp_path, n=40)
    request = msgspec.structs.replace(make_request(tmp_path, PLAN), prompted={"examples": 3})
    run = train_on(tmp_path, ("cards", "p", "a"))
    assert list(systems.systems_of(request, [], run)) == ["candidate", "base", "prompted"]
    silent = {"candidate": Echo, "base": Echo}
    with_examples = {**silent, "prompted": lambda: Given("a")}
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    for number, (compared, gate_result) in enumerate(
        ((with_examples, "reject"), (silent, "undecided"))
    ):
        with monkeypatch.context() as patch:
            patch.setattr(systems, "systems_of", lambda *_, compared=compared: compared)
            write_request(run, number, 0, request)
            assert evaluate_here(run) == 0
        results = read_candidate_results(run.evaluation)
        assert results is not None
        assert results.gate_result == gate_result
        (check,) = (c for c in results.checks if c.code == "not_worse_than_prompted")
        assert check.outcome == ("failed" if "prompted" in compared else "undecided")
        run.training_data.unlink(missing_ok=True)
    assert "prompted" not in systems.systems_of(request, [], run)
