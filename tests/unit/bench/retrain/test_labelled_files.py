"""Labelled files of a reader: what is missing is said, with what a row has."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.retrain.classifiers import (
    LABELLED,
    LabelledClaims,
    LabelledRefusal,
    judge_file,
    main,
    read_labelled,
)
from monitor.errors import InputError
from retrain.evaluation.judge.labels import read_labels

REFUSAL: dict[str, Any] = {
    "language": "en", "kind": "usual", "prompt": "Open an account?", "response": "In the app.",
    "refusal": False,
}  # fmt: skip
CLAIMS: dict[str, Any] = {
    "language": "en", "kind": "usual", "context": "The fee is 2.", "question": "What is the fee?",
    "response": "The fee is 2.", "claims": "supported",
}  # fmt: skip


def written(folder: Path, *rows: object) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "field"),
    [(row, field) for row in (REFUSAL, CLAIMS) for field in row if field != "claims"],
    ids=lambda value: value if isinstance(value, str) else "claims" if "claims" in value else "",
)
def test_a_missing_field_is_named_with_its_line(
    row: dict[str, Any], field: str, tmp_path: Path
) -> None:
    path = written(tmp_path, row, {key: row[key] for key in row if key != field})
    with pytest.raises(InputError, match=rf"labels\.jsonl: line 2: .*`{field}`"):
        judge_file(path)


@pytest.mark.parametrize(
    "row",
    [
        *(REFUSAL | {"refusal": label} for label in ("no", 0, None)),
        *(CLAIMS | {"claims": label} for label in ("yes", True, None)),
        REFUSAL | {"response": None},
    ],
)
def test_labels_of_another_kind_are_refused(row: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.jsonl: .*line 1"):
        read_labelled(written(tmp_path, row))


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "not JSON\n", '"refusal"\n'])
def test_files_without_rows_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"labels\.jsonl"):
        read_labelled(path)


def test_a_file_may_have_both_kinds_of_labels(tmp_path: Path) -> None:
    rows = read_labelled(written(tmp_path, REFUSAL | {"note": 1}, CLAIMS | {"held_out": False}))
    assert [type(row) for row in rows] == [LabelledRefusal, LabelledClaims]
    assert [row.held_out for row in rows] == [True, False]


@pytest.mark.parametrize(("name", "n"), [("refusals", 517), ("grounding", 615)])
def test_shipped_files_are_read_whole(name: str, n: int) -> None:
    path = LABELLED / f"{name}.jsonl"
    assert len(read_labelled(path)) == len(read_labels(str(path)).rows) == n


@pytest.mark.parametrize("is_there", [True, False])
def test_command_explains_the_fields_of_a_row(
    is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = written(tmp_path, {"kind": "usual"}) if is_there else tmp_path / "absent.jsonl"
    monkeypatch.setattr(sys, "argv", ["classifiers", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert path.name in message
    assert all(f"`{field}`" in message for field in {*REFUSAL, *CLAIMS})
