"""Two files compared with an encoder that counts words: what the findings say of the files."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.app import main
from monitor.embedding.encoder import load_encoder
from monitor.evaluation import compare_files as comparing
from monitor.evaluation.compare_files import compare_files
from monitor.settings import Drift, Settings
from monitor.store.assessment import Assessment
from tests.services.word_encoder import WordEncoder

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "compare-in-ci.md"
SETTINGS = Settings(drift=Drift(n_permutations=999))
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = WordEncoder()
    encoder.identity, encoder.dimension = "words@1", 256
    monkeypatch.setattr(comparing, "load_encoder", lambda _: encoder)


def write(path: Path, n: int, **values: Any) -> Path:
    """Write n exchanges; a value that is called is asked for that of each row."""
    lines = [
        json.dumps(
            {
                "prompt": f"my card was declined at the {PLACES[row % 8]} {PLACES[row // 8 % 8]}",
                "response": f"You can do that in the app, under {PLACES[row % 8]}.",
            }
            | {key: value(row) if callable(value) else value for key, value in values.items()}
        )
        for row in range(n)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def compared(reference: Path, current: Path) -> Assessment:
    return compare_files(reference, current, SETTINGS, lambda *_: None).assessed.assessment


def test_a_candidate_that_answers_nothing_is_stopped(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150)
    for response in ("", None):
        found = compared(reference, write(tmp_path / "current.jsonl", 120, response=response))
        assert found.verdict == "drift"
        assert "`response empty` rose from 0 to 1" in found.headline
    # It has always been so: nothing is lost.
    silent = write(tmp_path / "silent.jsonl", 150, response="")
    assert compared(silent, write(tmp_path / "current.jsonl", 120, response="")).verdict == (
        "no_drift"
    )


def test_a_version_is_no_metric_and_several_in_one_file_are_told(tmp_path: Path) -> None:
    def metadata(row: int) -> dict[str, int]:
        return {"model_version": 2 + row % 3 // 2, "latency_ms": row % 7}

    reference = write(tmp_path / "reference.jsonl", 150, metadata={"model_version": 1})
    current = write(tmp_path / "current.jsonl", 120, metadata=metadata)
    found = compared(reference, current)
    assert "model_version" not in {one.name for one in found.characteristics}
    (remark,) = found.remarks
    assert remark.startswith(
        "current.jsonl holds answers of 2 versions of the model, compared as one: 2 (80), 3 (40)."
    )


def test_too_little_names_the_files_and_what_it_rests_on(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.jsonl", 150, task_type="cards")
    current = write(tmp_path / "current.jsonl", 7, task_type="cards")
    found = compared(reference, current)
    assert found.verdict == "not_enough_data"
    assert found.mix_reference == found.mix_current == {"cards": 1.0}
    assert found.basis is not None
    assert (found.basis.reference.name, found.basis.current.name) == (reference.name, current.name)
    assert found.basis.current.digest
    assert found.basis.encoder == "words@1"
    # A tokenizer makes vectors, a hash says by which half an answer's form is judged.
    assert {"transformers", "xxhash", "numpy"} <= set(found.basis.versions)
    assert found.basis.settings["minimum_samples"] == 100


@pytest.mark.parametrize(
    "setting", [("EMBEDDING__MODEL", "no/such/folder"), ("DRIFT__ALPHA", "much")]
)
def test_every_status_that_it_ends_with_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]
) -> None:
    monkeypatch.setattr(comparing, "load_encoder", load_encoder)
    monkeypatch.setenv(f"DRIFTWARDEN_{setting[0]}", setting[1])
    monkeypatch.chdir(tmp_path)
    file = str(write(tmp_path / "a.jsonl", 3))
    monkeypatch.setattr("sys.argv", ["driftwarden", "compare", file, file])
    with pytest.raises(SystemExit) as ended:
        main()
    assert f"| {ended.value.code} |" in PAGE.read_text(encoding="utf-8")
