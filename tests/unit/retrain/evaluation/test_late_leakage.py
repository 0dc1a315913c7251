"""Leakage check of benchmarks that were added after the training data was built."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from monitor.settings import Gates, TrainingData
from monitor.store.training.candidate_results import read_candidate_results
from retrain.data import BenchmarkTexts, DataChecks, build_training_set
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation import child, systems
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.candidate import evaluate_candidate
from retrain.evaluation.gates.late_leakage import check_late_leakage
from retrain.evaluation.request import TrainingRecord, write_request
from retrain.run_folder import RunFolder
from tests.support.retrain.candidates import make_request
from tests.support.retrain.child_here import evaluate_here
from tests.support.retrain.scored_benchmarks import benchmark, items, scored
from tests.support.retrain.strangers.bank import notes, prompt_of
from tests.support.retrain.training_rows import gold, row
from tests.support.retrain.translated import PAIRS, PLAIN, UNRELATED

RULES = TrainingData(
    min_gold=1, min_per_task_type=0, max_task_share=1, validation_share=0,
    max_left_out=1,
)  # fmt: skip
PLAN = """\
evaluation:
  benchmarks:
    - {name: desk, dataset: desk.jsonl, metrics: [exact_match]}
"""
DIGEST = "a" * 64
DOCUMENT = " ".join(f"clause{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(40))


def suite(*requested: str, name: str = "desk", digest: str = DIGEST) -> Benchmark:
    made = [
        BenchmarkItem(id=f"q{i}", messages=({"role": "user", "content": first},), expected="a")
        for i, first in enumerate(requested)
    ]
    return replace(benchmark(made, metrics=["exact_match"], name=name), digest=digest)


def trained(folder: Path, *rows: dict, against: tuple[Benchmark, ...] = ()) -> RunFolder:
    checks = DataChecks(
        rules=RULES,
        benchmarks=[
            BenchmarkTexts(entry.name, entry.items, f"sha256:{entry.digest}") for entry in against
        ],
    )
    made = build_training_set([*gold(3), *rows], [], replay_share=0, seed=1, checks=checks)
    run = RunFolder(folder)
    run.root.mkdir(exist_ok=True)
    made.write(run)
    return run


def test_items_that_were_trained_on_leave_the_result_open(tmp_path: Path) -> None:
    run = trained(tmp_path, row("Who are you?", "x"), row(f"please read {DOCUMENT}", "y"))
    late = suite("my card?", "who  are you?", "Who are you?", DOCUMENT)
    (check,), remarks = check_late_leakage(run, [late], RULES)
    assert (check.code, check.benchmark, check.outcome) == ("leakage", "desk", "undecided")
    assert check.observed.startswith("2 of 4 ")
    assert ": q2, q3;" in check.observed
    assert remarks == []
    right = {"candidate": np.ones(4), "base": np.zeros(4)}
    scores = {name: {"desk": scored(late.items, exact_match=v)} for name, v in right.items()}
    results = evaluate_candidate(
        [late], scores, Gates(), np.random.default_rng(0),
        further_checks=[check], further_remarks=["so"],
    )  # fmt: skip
    assert check in results.checks
    assert results.gate_result == "undecided"
    assert results.remarks[-1] == "so"


def test_nothing_is_reported_where_nothing_leaks(tmp_path: Path) -> None:
    run = trained(tmp_path, row("who are you?", "x"))
    assert check_late_leakage(run, [suite("my card?")], RULES) == ([], [])


def test_benchmark_checked_at_build_is_not_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest identifies the data set under any name."""
    same = suite("who are you?")
    run = trained(tmp_path, row("who are you?", "x"), against=(same,))
    run.training_data.unlink()
    record = TrainingRecord(training="sha256:0", benchmarks=(f"sha256:{DIGEST}",))
    other = suite("who are you?", name="other")
    assert check_late_leakage(run, [same, other], RULES, record=record) == ([], [])
    (check,), _ = check_late_leakage(run, [same, other], RULES)  # the card may be replaced
    assert check.outcome == "undecided"


def test_a_benchmark_that_has_grown_is_looked_at_again(tmp_path: Path) -> None:
    run = trained(
        tmp_path, row("who are you?", "x"), row("and now?", "y"), against=(suite("who are you?"),)
    )
    grown = suite("who are you?", "and now?", digest="b" * 64)
    (check,), _ = check_late_leakage(run, [grown], RULES)
    assert check.observed.startswith("1 of 2 ")
    assert ": q1;" in check.observed


def test_the_rules_of_the_configuration_hold(tmp_path: Path) -> None:
    run = trained(tmp_path, row(f"please read {DOCUMENT[:300]}", "y"))
    late = suite(DOCUMENT)
    strict = RULES.model_copy(update={"min_leak_overlap": 1.0})
    assert len(check_late_leakage(run, [late], RULES)[0]) == 1
    assert check_late_leakage(run, [late], strict) == ([], [])


@pytest.mark.slow
def test_a_child_looks_for_leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(tmp_path / "run-00001", row("old aa", "x"))
    run.recipe.write_text("{}")
    (tmp_path / "desk.jsonl").write_bytes(msgspec.json.encode(items(1)[0]))

    class Silent:
        def respond(self, conversations, progress=None):
            return ["" for _ in conversations]

    monkeypatch.setattr(child, "prepare_environment", lambda base: None)
    monkeypatch.setattr(systems, "systems_of", lambda *_: {"candidate": Silent, "base": Silent})
    write_request(run, 1, 0, make_request(tmp_path, PLAN))
    assert evaluate_here(run) == 0
    results = read_candidate_results(run.evaluation)
    assert results is not None
    (check,) = [check for check in results.checks if check.code == "leakage"]
    assert check.observed.startswith("1 of 1 ")
    assert ": old-0;" in check.observed
    run.training_data.unlink()
    write_request(run, 2, 0, make_request(tmp_path, PLAN))
    assert evaluate_here(run) == 0
    results = read_candidate_results(run.evaluation)
    assert results is not None
    (check,) = [check for check in results.checks if check.code == "leakage"]
    assert (check.outcome, check.observed[:5]) == ("undecided", "desk:")


def test_missing_training_data_leaves_the_result_open(tmp_path: Path) -> None:
    """Otherwise its removal would hide leaks."""
    run = RunFolder(tmp_path)
    (check,), _ = check_late_leakage(run, [suite("q"), suite("q", name="b")], RULES)
    assert (check.code, check.outcome) == ("leakage", "undecided")
    assert check.observed.startswith("desk, b: ")


def translated(folder: Path, texts: list[str], *, at_build: bool) -> RunFolder:
    rows = [row(text, "x") for text in (*texts, *PLAIN)]
    return trained(folder, *rows, against=(suite(*PAIRS),) if at_build else ())


@pytest.mark.parametrize("at_build", [True, False])
def test_training_on_translated_items_leaves_the_result_open(
    tmp_path: Path, at_build: bool
) -> None:
    """They stay in the training data, so that a benchmark of then is checked, too."""
    run = translated(tmp_path, list(PAIRS.values()), at_build=at_build)
    (check,), remarks = check_late_leakage(run, [suite(*PAIRS)], RULES)
    assert (check.code, check.benchmark, check.outcome) == ("leakage", "desk", "undecided")
    assert "(es): q0, q1" in check.observed
    assert remarks == []


def test_few_translated_items_are_remarked(tmp_path: Path) -> None:
    texts = [*list(PAIRS.values())[:2], *UNRELATED]
    run = translated(tmp_path, texts, at_build=True)
    checks, (remark,) = check_late_leakage(run, [suite(*PAIRS)], RULES)
    assert checks == []
    assert "WARNING: the run's training data may translate 2 of 7 items: q0, q1" in remark


def test_training_in_another_language_is_honest(tmp_path: Path) -> None:
    run = translated(tmp_path, list(UNRELATED), at_build=True)
    assert check_late_leakage(run, [suite(*PAIRS)], RULES) == ([], [])


def test_training_on_items_in_other_words_leaves_the_result_open(tmp_path: Path) -> None:
    """They stay in the training data, so that a benchmark of then is checked, too."""
    rows = notes(80, 40, seed=5)
    new = [prompt_of(entry) for entry in rows if entry["split"] == "new"]
    late = suite(*map(prompt_of, rows))
    split = [
        msgspec.structs.replace(item, split=entry["split"])
        for item, entry in zip(late.items, rows, strict=True)
    ]
    late = replace(late, items=tuple(split))
    other = [row(prompt_of(entry), entry["id"]) for entry in notes(90, 90, seed=77)]
    leaked = [row(" er ".join(text.split()), "x") for text in new[:20]]
    run = trained(tmp_path, *other, *leaked, against=(late,))
    (check,), _ = check_late_leakage(run, [late], RULES)
    assert (check.code, check.benchmark, check.outcome) == ("leakage", "desk", "undecided")
    assert check.name == "desk: no leakage in other words, new items"
    assert 20 <= int(check.observed.split(" of 40 longer items")[0]) <= 23
    assert ": q80 in gold" in check.observed
    honest = trained(tmp_path / "honest", *other, against=(late,))
    assert check_late_leakage(honest, [late], RULES) == ([], [])
