"""Reuse of the responses of incumbent and base from earlier evaluations."""

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.settings import Scoring
from retrain.evaluation import child, earlier_responses, systems
from retrain.evaluation.earlier_responses import EarlierResponses
from retrain.evaluation.request import EvaluationRequest, write_request
from retrain.evaluation.weights import LoadedWeights
from retrain.models import generation
from retrain.models.response import Response, log_probability_of
from retrain.models.source import Source
from retrain.run_folder import RunFolder, read_json, read_lines, write_lines
from tests.support.present import utc_now
from tests.support.retrain.candidates import make_request
from tests.support.retrain.child_here import evaluate_here
from tests.support.retrain.scored_benchmarks import items
from tests.support.retrain.weights import write_adapter, write_base

PLAN = """\
evaluation:
  benchmarks:
    - {name: desk, dataset: desk.jsonl, metrics: [exact_match]}
"""
NAMES = ("candidate", "incumbent", "base")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base, two adapters, four items, and the folders of three runs."""
    write_base(tmp_path / "base")
    for seed, name in enumerate(("first", "second")):
        write_adapter(tmp_path / name, seed)
    write_items(tmp_path, 4)
    for number in (1, 2, 3):
        run = RunFolder(tmp_path / "runs" / f"run-{number:05d}")
        run.root.mkdir(parents=True)
        run.recipe.write_text("{}")
    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    return tmp_path


def write_items(place: Path, n: int) -> None:
    (place / "desk.jsonl").write_bytes(b"\n".join(msgspec.json.encode(i) for i in items(n)))


def run_of(place: Path, number: int) -> RunFolder:
    return RunFolder(place / "runs" / f"run-{number:05d}")


def requested(place: Path, **values: Any) -> EvaluationRequest:
    """Return the request of the second run: what was its candidate is the incumbent."""
    base = str(place / "base")
    first, second = (Source(base=base, adapter=str(place / name)) for name in ("first", "second"))
    request = make_request(place, PLAN, first)
    return msgspec.structs.replace(request, **{"candidate": second, **values})


def with_scoring(request: EvaluationRequest, **values: Any) -> EvaluationRequest:
    scoring = Scoring(**values).model_dump(mode="json")
    return msgspec.structs.replace(request, scoring=scoring)


class Evaluations:
    """Evaluations by a child in this process, with models that number their responses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.generated: Counter[str] = Counter()
        #: Digests of the files of responses, as the database has them.
        self.known: list[str] = []
        self._run = ""
        monkeypatch.setattr(systems, "systems_of", lambda request, *_: self._loaders(request))

    def _loaders(self, request: EvaluationRequest) -> dict[str, Callable[[], Any]]:
        names = [name for name in NAMES if name != "incumbent" or request.incumbent is not None]
        return {name: partial(self._load, name) for name in names}

    def _load(self, name: str) -> Any:
        outer = self

        class Responder:
            def respond(self, conversations, progress=None):
                outer.generated[name] += len(conversations)
                return [
                    Response(f"{outer._run} {name} {row}", -0.5)
                    for row in range(len(conversations))
                ]

        return Responder()

    def evaluate(self, folder: RunFolder, request: EvaluationRequest) -> dict[str, int]:
        """Return the number of generated responses of each system."""
        self.generated.clear()
        self._run = folder.root.name
        request = msgspec.structs.replace(request, known_responses=tuple(self.known))
        write_request(folder, number_of(folder), 0, request)
        assert evaluate_here(folder) == 0
        self.known.append((read_json(folder.evaluation) or {})["responses_digest"])
        return dict(self.generated)


@pytest.fixture
def evaluations(place: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluations:
    """Evaluations, of which the first run's is done: the first version, without an incumbent."""
    made = Evaluations(monkeypatch)
    first = Source(base=str(place / "base"), adapter=str(place / "first"))
    request = requested(place, candidate=first, incumbent=None)
    assert made.evaluate(run_of(place, 1), request) == {"candidate": 4, "base": 4}
    return made


def number_of(folder: RunFolder) -> int:
    return int(folder.root.name.removeprefix("run-"))


def responses_of(folder: RunFolder, system: str) -> dict[str, tuple[str, float]]:
    return {
        row["id"]: (row["response"], row["log_probability"])
        for row in read_lines(folder.evaluation_responses(number_of(folder)))
        if row["by"] == system
    }


def remarks_of(folder: RunFolder) -> list[str]:
    return list((read_json(folder.evaluation) or {})["remarks"])


def test_incumbent_and_base_are_read_and_the_candidate_generated(
    place: Path, evaluations: Evaluations
) -> None:
    first, second = run_of(place, 1), run_of(place, 2)
    assert evaluations.evaluate(second, requested(place)) == {"candidate": 4}
    # The first run's candidate serves now, by the same weights.
    assert responses_of(first, "candidate") == responses_of(second, "incumbent")
    assert responses_of(first, "base") == responses_of(second, "base")
    assert {"run-00002 candidate 0", "run-00002 candidate 3"} <= {
        text for text, _ in responses_of(second, "candidate").values()
    }
    (remark,) = [line for line in remarks_of(second) if "earlier evaluations" in line]
    assert "4 of the incumbent" in remark
    assert "4 of the base" in remark


def test_other_files_beside_the_weights_do_not_change_the_digest(
    place: Path, evaluations: Evaluations
) -> None:
    # The registry adds them to the adapter when its evaluation has ended.
    for name in ("README.md", "scores.json", "dataset.md"):
        (place / "first" / name).write_text("later")
    assert evaluations.evaluate(run_of(place, 2), requested(place)) == {"candidate": 4}


def test_a_third_evaluation_reads_what_a_second_one_read(
    place: Path, evaluations: Evaluations
) -> None:
    evaluations.evaluate(run_of(place, 2), requested(place))
    run_of(place, 1).evaluation_responses(1).unlink()
    assert evaluations.evaluate(run_of(place, 3), requested(place)) == {"candidate": 4}


def test_the_candidate_of_a_repeated_evaluation_is_generated_again(
    place: Path, evaluations: Evaluations
) -> None:
    first = Source(base=str(place / "base"), adapter=str(place / "first"))
    again = requested(place, candidate=first, incumbent=None)
    assert evaluations.evaluate(run_of(place, 2), again) == {"candidate": 4}


def test_only_items_without_a_response_are_generated(place: Path, evaluations: Evaluations) -> None:
    write_items(place, 6)
    expected = {"candidate": 6, "incumbent": 2, "base": 2}
    assert expected == evaluations.evaluate(run_of(place, 2), requested(place))


@pytest.mark.parametrize("change", ["erased", "cut", "another response", "of no evaluation"])
def test_only_files_as_their_evaluation_wrote_them_are_read(
    place: Path, evaluations: Evaluations, change: str
) -> None:
    path = run_of(place, 1).evaluation_responses(1)
    written = path.read_text()
    if change == "erased":
        path.write_text("".join(written.splitlines(keepends=True)[1:]))
    elif change == "cut":
        path.write_text(written[:-20])
    elif change == "another response":
        path.write_text(written.replace("run-00001 candidate 2", "run-00001 candidate 9"))
    else:
        evaluations.known.clear()
    expected = {"candidate": 4, "incumbent": 4, "base": 4}
    assert expected == evaluations.evaluate(run_of(place, 2), requested(place))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("adapter", {"candidate": 4, "incumbent": 4}),
        ("adapter_config", {"candidate": 4, "incumbent": 4}),
        ("base", {"candidate": 4, "incumbent": 4, "base": 4}),
        ("prompt", {"candidate": 4, "base": 4}),
        ("length", {"candidate": 4, "incumbent": 4, "base": 4}),
        ("dtype", {"candidate": 4, "incumbent": 4, "base": 4}),
        ("setting", {"candidate": 4, "incumbent": 4, "base": 4}),
        ("packages", {"candidate": 4, "incumbent": 4, "base": 4}),
        ("device", {"candidate": 4, "incumbent": 4, "base": 4}),
    ],
)
def test_changed_inputs_of_a_response_forbid_reuse(
    place: Path,
    evaluations: Evaluations,
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
    expected: dict[str, int],
) -> None:
    request = requested(place)
    if changed == "adapter":
        write_adapter(place / "first", seed=7)
    elif changed == "adapter_config":
        write_adapter(place / "first", lora_alpha=64)
    elif changed == "base":
        write_base(place / "base", seed=7)
    elif changed == "prompt":
        request = requested(place, base_prompt="Be brief.")
    elif changed == "length":
        request = with_scoring(request, max_new_tokens=8)
    elif changed == "dtype":
        request = with_scoring(request, dtype="bfloat16")
    elif changed == "setting":
        request = with_scoring(request, reuse_responses=False)
    elif changed == "packages":
        monkeypatch.setattr(earlier_responses, "package_versions", lambda: {"torch": "9"})
    else:
        monkeypatch.setattr(generation, "device_type", lambda: "cuda")
    assert expected == evaluations.evaluate(run_of(place, 2), request)
    assert [line for line in remarks_of(run_of(place, 2)) if "of the candidate" in line] == []


def test_a_hub_model_without_a_commit_is_never_reused(
    place: Path, evaluations: Evaluations
) -> None:
    hub = Source(base="org/model")
    for number in (2, 3):
        request = requested(place, candidate=hub, incumbent=hub, base=hub)
        generated = evaluations.evaluate(run_of(place, number), request)
        assert generated == {"candidate": 4, "incumbent": 4, "base": 4}


def test_a_hub_model_with_a_commit_is_reused(place: Path, evaluations: Evaluations) -> None:
    hub = Source(base="org/model", revision="4f2c")
    for number, expected in ((2, 4), (3, 0)):
        request = requested(place, candidate=hub, incumbent=None, base=hub)
        generated = evaluations.evaluate(run_of(place, number), request)
        assert expected == generated.get("base", 0)


def test_the_probability_is_read_too(place: Path) -> None:
    run_of(place, 1).evaluation_responses(1).write_text("")
    request = requested(place)
    weights = LoadedWeights(request, utc_now())
    empty = EarlierResponses(run_of(place, 2), request, weights, "cpu")
    assert empty.known("incumbent", items(1)) == {}
    row = {
        "by": "candidate", "id": "x", "response": "cards", "log_probability": -0.25,
        "messages": list(items(1)[0].messages), "generator": empty.generators["incumbent"],
    }  # fmt: skip
    path = run_of(place, 1).evaluation_responses(1)
    write_lines(path, [row])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    request = msgspec.structs.replace(request, known_responses=(digest,))
    (response,) = (
        EarlierResponses(run_of(place, 2), request, weights, "cpu")
        .known("incumbent", items(1))
        .values()
    )
    assert (response, log_probability_of(response)) == ("cards", -0.25)
