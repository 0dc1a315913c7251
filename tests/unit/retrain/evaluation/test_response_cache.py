"""Reuse of generated responses after a child's death."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.errors import MetricError
from retrain.evaluation import candidate, child, systems
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.request import EvaluationRequest, write_request
from retrain.evaluation.response_cache import KEY_VARIABLE, ResponseCache
from retrain.evaluation.systems import generate_responses
from retrain.evaluation.weights import LoadedWeights
from retrain.run_folder import RunFolder, read_json, read_lines, write_lines
from tests.support.present import utc_now
from tests.support.retrain.candidates import make_request
from tests.support.retrain.scored_benchmarks import benchmark, items

SUITES = [
    benchmark(items(4), metrics=["exact_match"], name="one"),
    benchmark(items(2, "new"), metrics=["exact_match"], name="two"),
]
PLAN = """\
evaluation:
  benchmarks:
    - {name: desk, dataset: desk.jsonl, metrics: [exact_match]}
"""


class Systems(dict[str, Callable[[], Any]]):
    """Systems that respond with name and number, and count loads and prompts."""

    def __init__(self, *, dies_at: str = "") -> None:
        super().__init__({name: self._loader(name) for name in ("candidate", "base")})
        self.loaded: Counter[str] = Counter()
        self.generated: Counter[str] = Counter()
        self.dies_at = dies_at

    def _loader(self, name: str) -> Callable[[], Any]:
        def load() -> Any:
            if name == self.dies_at:
                raise MemoryError(name)
            self.loaded[name] += 1
            outer = self

            class Responder:
                def respond(self, conversations, progress=None):
                    outer.generated[name] += len(conversations)
                    progress(len(conversations))
                    return [f"{name} {number}" for number in range(len(conversations))]

            return Responder()

        return load


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run-00001")
    made.root.mkdir()
    made.recipe.write_text("{}")
    return made


def cached(
    folder: RunFolder,
    evaluation_id: int = 7,
    suites: list[Benchmark] = SUITES,
    request: EvaluationRequest | None = None,
    key: str = "secret",
) -> ResponseCache:
    requested = request or make_request(Path("folder"))
    weights = LoadedWeights(requested, utc_now())
    return ResponseCache(folder, evaluation_id, requested, suites, weights, key=key)


def test_the_next_attempt_asks_only_what_was_not_answered(folder: RunFolder) -> None:
    dying = Systems(dies_at="base")
    with pytest.raises(MemoryError):
        generate_responses(dying, SUITES, None, cached(folder))
    text: Counter[str] = Counter()
    following = Systems()
    matches = generate_responses(
        following, SUITES, lambda name, n: text.update({name: n}), cached(folder)
    )
    assert (following.loaded, following.generated) == ({"base": 1}, {"base": 6})
    assert matches == generate_responses(Systems(), SUITES)
    assert text == {"candidate": 6, "base": 6}


def test_truncated_or_removed_response_is_generated_again(folder: RunFolder) -> None:
    whole = generate_responses(Systems(), SUITES, None, cached(folder))
    lines = folder.unscored_responses.read_text().splitlines(keepends=True)
    assert len(lines) == 12
    folder.unscored_responses.write_text("".join(lines[1:])[:-9])
    following = Systems()
    again = generate_responses(following, SUITES, None, cached(folder))
    assert following.generated == {"candidate": 1, "base": 1}
    assert again["candidate"]["two"] == whole["candidate"]["two"]
    assert len(list(read_lines(folder.unscored_responses))) == 12


@pytest.mark.parametrize("changed", ["evaluation", "request", "data set"])
def test_responses_to_something_else_are_not_taken(folder: RunFolder, changed: str) -> None:
    generate_responses(Systems(), SUITES, None, cached(folder))
    other = {
        "evaluation": {"evaluation_id": 8},
        "request": {"request": msgspec.structs.replace(make_request(Path("folder")), seed=8)},
        "data set": {"suites": [SUITES[0], replace(SUITES[1], digest="1" * 64)]},
    }[changed]
    following = Systems()
    generate_responses(following, SUITES, None, cached(folder, **other))
    assert following.generated == {"candidate": 6, "base": 6}


@pytest.mark.parametrize("key", ["", "guessed"])
def test_responses_without_the_key_are_generated_again(folder: RunFolder, key: str) -> None:
    generate_responses(Systems(), SUITES, None, cached(folder, key=key))
    resumed, following = cached(folder), Systems()
    generate_responses(following, SUITES, None, resumed)
    assert following.generated == {"candidate": 6, "base": 6}
    assert resumed.remarks()[0].startswith("WARNING: 12 responses ")
    assert cached(folder).remarks() == []
    assert cached(folder, key="").known("base", "one") == {}


@pytest.mark.parametrize(
    "change", [{"response": "better"}, {"by": "candidate"}, {"id": "old-1"}, {"signature": ""}]
)
def test_a_changed_response_is_generated_again(folder: RunFolder, change: dict[str, str]) -> None:
    generate_responses(Systems(), SUITES, None, cached(folder))
    rows = list(read_lines(folder.unscored_responses))
    (row,) = [row for row in rows if (row["by"], row["id"]) == ("base", "old-0")]
    row |= change
    write_lines(folder.unscored_responses, rows)
    resumed, following = cached(folder), Systems()
    generate_responses(following, SUITES, None, resumed)
    assert following.generated == {"base": 1}
    assert resumed.remarks()[0].startswith("WARNING: 1 response ")


def test_another_attempt_keeps_them_and_another_evaluation_removes_them(folder: RunFolder) -> None:
    requested = make_request(Path("folder"))
    write_request(folder, 1, 0, requested)
    folder.unscored_responses.write_text("{}\n")
    write_request(folder, 1, 1, requested)
    assert folder.unscored_responses.is_file()
    write_request(folder, 2, 0, requested)
    assert not folder.unscored_responses.exists()


@pytest.fixture
def desk_benchmark(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return three items for a child that runs in this process."""
    lines = [msgspec.json.encode(item) for item in items(3)]
    (folder.root.parent / "desk.jsonl").write_bytes(b"\n".join(lines))
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    monkeypatch.setenv(KEY_VARIABLE, "secret")


@pytest.mark.usefixtures("desk_benchmark")
def test_responses_survive_a_failure_of_scoring(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = candidate.score_systems

    def failing(*_: object) -> None:
        raise MetricError("out of memory")

    for attempt, scoring in enumerate((failing, score)):
        used = Systems()
        monkeypatch.setattr(systems, "systems_of", lambda *_, used=used: used)
        monkeypatch.setattr(candidate, "score_systems", scoring)
        write_request(folder, 7, attempt, make_request(folder.root.parent, PLAN))
        status = child.main([str(folder.root)])
        if scoring is failing:
            assert (status != 0, used.generated.total()) == (True, 6)
            assert len(list(read_lines(folder.unscored_responses))) == 6
    result = read_json(folder.task("evaluate").result) or {}
    assert (status, result["status"], used.loaded.total()) == (0, "succeeded", 0)
    rows = list(read_lines(folder.evaluation_responses(7)))
    assert {row["response"] for row in rows if row["by"] == "base"} == {
        "base 0",
        "base 1",
        "base 2",
    }
    assert set(rows[0]) == {
        "by", "benchmark", "id", "task_type", "messages", "expected", "response", "values",
    }  # fmt: skip
    assert not folder.unscored_responses.exists()


@pytest.mark.usefixtures("desk_benchmark")
def test_a_later_evaluation_leaves_the_responses_of_an_earlier_one(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "systems_of", lambda *_: Systems())
    kept_bytes = []
    for evaluation_id in (7, 8):
        write_request(folder, evaluation_id, 0, make_request(folder.root.parent, PLAN))
        assert child.main([str(folder.root)]) == 0
        kept_bytes.append(folder.evaluation_responses(7).read_bytes())
    assert kept_bytes[0] == kept_bytes[1]
    responses = [folder.evaluation_responses(7), folder.evaluation_responses(8)]
    assert responses == folder.all_evaluation_responses
