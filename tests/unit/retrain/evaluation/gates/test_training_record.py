"""A run's data on disk against what the database records of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.settings import TrainingData
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.data_card import digest_of_rows, lineage_of
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.late_leakage import check_late_leakage
from retrain.evaluation.request import TrainingRecord
from retrain.run_folder import RunFolder, write_json, write_lines
from tests.support.retrain.scored_benchmarks import benchmark
from tests.support.retrain.training_rows import row

DIGEST = "a" * 64
ITEMS = ("where is my parcel", "when does the branch open", "¿cuándo llega mi tarjeta nueva?")
PLAIN = [row(f"how do I change {name}", "x") for name in ("my address", "my plan", "a number")]
LEAKED = [row(text, "a") for text in ITEMS]
KNOWN = TrainingRecord(
    training=digest_of_rows(PLAIN), validation="", benchmarks=(f"sha256:{DIGEST}",)
)


def suite() -> Benchmark:
    made = [
        BenchmarkItem(id=f"q{i}", messages=({"role": "user", "content": text},), expected="a")
        for i, text in enumerate(ITEMS)
    ]
    return replace(benchmark(made, metrics=["exact_match"], name="desk"), digest=DIGEST)


def checked(
    folder: Path,
    training: list[dict[str, Any]] | None,
    validation: list[dict[str, Any]] | None = None,
    record: TrainingRecord = KNOWN,
) -> list[tuple[str, str]]:
    """Return code and text of the checks, none of which passes."""
    run = RunFolder(folder)
    for path, rows in ((run.training_data, training), (run.validation_data, validation)):
        if rows is not None:
            write_lines(path, rows)
    # Whoever replaces the data replaces the card, too.
    write_json(run.card, {"digest": "", "inputs": {"benchmark desk": f"sha256:{DIGEST}"}})
    checks, _ = check_late_leakage(run, [suite()], TrainingData(), record=record)
    assert {check.outcome for check in checks} <= {"undecided"}
    return [(check.code, check.observed) for check in checks]


def test_recorded_data_has_no_check(tmp_path: Path) -> None:
    assert checked(tmp_path, PLAIN) == []


@pytest.mark.parametrize(
    "training", [PLAIN[:2], [*PLAIN, PLAIN[0]], PLAIN[::-1], [row("unrelated", "x")], []]
)
def test_other_training_data_than_recorded_is_named(
    tmp_path: Path, training: list[dict[str, Any]]
) -> None:
    ((code, text),) = checked(tmp_path, training)
    assert (code, text.startswith("train.jsonl: not the recorded rows")) == (
        "training_record", True,
    )  # fmt: skip


def test_other_validation_data_than_recorded_is_named(tmp_path: Path) -> None:
    ((code, text),) = checked(tmp_path, PLAIN, PLAIN[:1])
    assert (code, text.partition(":")[0]) == ("training_record", "validation.jsonl")


def test_deleted_data_is_missing_where_it_was_not_searched(tmp_path: Path) -> None:
    assert checked(tmp_path, None) == []
    unsearched = msgspec.structs.replace(KNOWN, benchmarks=())
    ((_, text),) = checked(tmp_path, None, record=unsearched)
    assert "train.jsonl is missing" in text
    held = msgspec.structs.replace(unsearched, validation="sha256:0")
    ((_, text),) = checked(tmp_path, PLAIN, record=held)
    assert "validation.jsonl is missing" in text


@pytest.mark.parametrize(
    "disguise", [str, str.upper, lambda text: text[::-1], lambda text: f"Hello! {text} Thanks"]
)
def test_items_in_validation_data_leave_a_candidate_undecided(
    tmp_path: Path, disguise: Any
) -> None:
    held = [row(disguise(text), "a") for text in ITEMS]
    record = TrainingRecord(training=digest_of_rows(PLAIN), validation=digest_of_rows(held))
    ((code, text),) = checked(tmp_path, PLAIN, held, record)
    assert code == "leakage"
    assert "3 of 3 items are in the run's validation data, by which" in text


def test_items_in_training_data_are_searched_for_after_a_change(tmp_path: Path) -> None:
    codes = [code for code, _ in checked(tmp_path, [*PLAIN, *LEAKED])]
    assert codes == ["training_record", "leakage"]


def test_the_lineage_names_benchmarks_for_rows_as_built() -> None:
    inputs = {"gold": "sha256:1", "benchmark desk": "sha256:2"}
    card = {"digest": digest_of_rows(PLAIN), "validation_digest": "", "inputs": inputs}
    assert lineage_of(PLAIN, [], card) == {
        "data_digest": digest_of_rows(PLAIN),
        "validation_digest": "",
        "checked_benchmarks": ["sha256:2"],
    }
    assert lineage_of([*PLAIN, *LEAKED], [], card)["checked_benchmarks"] == []
    assert lineage_of(PLAIN, LEAKED, card)["checked_benchmarks"] == []


def test_a_version_of_an_older_release_is_not_compared(tmp_path: Path) -> None:
    assert TrainingRecord.of_lineage({"data_digest": "sha256:1"}).validation is None
    assert checked(tmp_path, PLAIN, PLAIN[:1], TrainingRecord()) == []
