"""The evaluation child with a tiny model, in its own process."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.privacy.run_files import files_of, kind_of
from monitor.settings import Gates, Judge, Scoring
from monitor.store.training.candidate_results import read_candidate_results
from retrain.evaluation.request import EvaluationRequest, write_request
from retrain.jobs import local_launcher
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.models.source import Source
from retrain.run_folder import RunFolder, read_json, read_lines, write_json
from tests.services.warm_interpreter import warm_children  # noqa: F401
from tests.support.retrain.tiny_model import NEW, OLD, benchmark, tiny_base  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.language_model,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("warm_children"),
]

ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
#: A process that isn't there any more.
NOBODY = {"pid": 1, "start_ticks": -1, "boot_id": ""}
PLAN = """\
evaluation:
  benchmarks:
    - {name: desk, dataset: desk.jsonl, metrics: [exact_match], stratify_by: [task_type]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    made = RunFolder(tmp_path / "run-00001")
    made.root.mkdir()
    made.recipe.write_text("{}")  # by it a child knows that this is a run's folder
    rows = [msgspec.json.encode(item) for item in benchmark(3)]
    (tmp_path / "desk.jsonl").write_bytes(b"\n".join(rows))
    yield made
    handle = read_json(made.task("evaluate").child)
    if handle is not None:
        SubprocessLauncher().cancel(handle)


def request(folder: RunFolder, base: Path, **values: Any) -> EvaluationRequest:
    source = Source(base=str(base))
    return EvaluationRequest(
        **{
            "candidate": source, "incumbent": source, "base": source, "base_prompt": "Be brief.",
            "origin": str(folder.root.parent / "evaluation.yaml"), "content": PLAN,
            "gates": Gates().model_dump(mode="json"),
            "scoring": Scoring(max_new_tokens=8).model_dump(mode="json"),
            "judge": Judge().model_dump(mode="json"), "seed": 1, **values,
        }
    )  # fmt: skip


def result_of(folder: RunFolder, seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    files = folder.task("evaluate")
    while (result := read_json(files.result)) is None:
        assert time.monotonic() < deadline, files.log.read_text()[-3000:]
        time.sleep(0.1)
    return result


def test_evaluation_child_writes_results_and_no_training_files(
    folder: RunFolder,
    tiny_base: Path,  # noqa: F811
) -> None:
    folder.result.write_text('{"status": "succeeded"}')
    write_json(folder.child, NOBODY)
    write_request(folder, 7, 0, request(folder, tiny_base))
    launcher = SubprocessLauncher()
    handle = launcher.submit(folder, ENVIRONMENT, "evaluate")
    assert handle["pid"] != os.getpid()
    # A launcher of a daemon that was started meanwhile finds it, and starts no second one.
    assert SubprocessLauncher().adopt(folder, "evaluate") == handle
    assert SubprocessLauncher().submit(folder, ENVIRONMENT, "evaluate") == handle
    result = result_of(folder)
    assert (result["status"], result["evaluation_id"]) == ("succeeded", 7)
    results = read_candidate_results(folder.evaluation)
    assert results is not None
    # It is its own incumbent: nothing is proven.
    assert results.gate_result == result["gate_result"] == "undecided"
    assert results.systems == ["candidate", "incumbent", "base"]
    assert [entry.system for entry in results.calibrations] == results.systems
    assert {len(entry.labels) for entry in results.classifications} == {2}
    rows = list(read_lines(folder.evaluation_responses(7)))
    assert len(rows) == 3 * 6
    assert {row["expected"] for row in rows} == {OLD[1], NEW[1]}
    assert {row["by"] for row in rows} == {"candidate", "incumbent", "base"}
    beat = read_json(folder.task("evaluate").heartbeat) or {}
    assert (beat["phase"], beat["step"], beat["steps"]) == ("judging", 18, 18)
    # Erasure reaches what is listed; a new file of an evaluation needs a row.
    assert [path.name for path in files_of(folder) if kind_of(folder, path) is None] == []
    assert folder.result.read_text() == '{"status": "succeeded"}'
    assert read_json(folder.child) == NOBODY
    assert SubprocessLauncher().adopt(folder, "train") == NOBODY


def test_child_error_is_in_result_and_log(
    folder: RunFolder,
    tiny_base: Path,  # noqa: F811
) -> None:
    wrong = PLAN.replace("desk.jsonl", "nowhere.jsonl")
    write_request(folder, 8, 0, request(folder, tiny_base, content=wrong))
    launcher = SubprocessLauncher()
    launcher.submit(folder, ENVIRONMENT, "evaluate")
    result = result_of(folder)
    assert (result["status"], result["transient"]) == ("failed", False)
    assert "nowhere.jsonl: " in result["error"]
    deadline = time.monotonic() + 30
    while "Traceback" not in "\n".join(launcher.logs(folder, 50, "evaluate")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert launcher.logs(folder, 50, "train") == []


def test_a_new_request_clears_what_an_earlier_one_left(
    folder: RunFolder,
    tiny_base: Path,  # noqa: F811
) -> None:
    requested = request(folder, tiny_base)
    write_request(folder, 1, 0, requested)
    files = folder.task("evaluate")
    files.result.write_text('{"status": "failed"}')
    write_json(files.child, NOBODY)
    write_request(folder, 1, 0, requested)
    assert files.result.is_file()  # the same one: its child is adopted
    write_request(folder, 2, 0, requested)
    assert not files.result.exists()
    assert not files.child.exists()
    files.result.write_text('{"status": "failed"}')
    write_request(folder, 2, 1, requested)  # another attempt at the same
    assert not files.result.exists()
    assert SubprocessLauncher().adopt(folder, "evaluate") is None


def test_a_child_is_cancelled(
    folder: RunFolder,
    tiny_base: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # From a new interpreter, which is still importing at the cancellation.
    monkeypatch.setattr(local_launcher, "subprocess", subprocess)
    write_request(folder, 1, 0, request(folder, tiny_base))
    launcher = SubprocessLauncher()
    handle = launcher.submit(folder, ENVIRONMENT, "evaluate")
    assert launcher.status(handle) == "running"
    launcher.cancel(handle)
    assert launcher.status(handle) == "gone"
    assert not folder.task("evaluate").result.exists()
