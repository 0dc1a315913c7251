"""Erasure of whole rows from a file, without changes of other bytes."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import InputError
from retrain.data.erasure import find_in_file, find_in_run, remove_from_file, remove_from_run
from retrain.run_folder import RunFolder
from tests.support.refusals import refusal


def hers(row: dict) -> bool:
    return row.get("user") == "ann"


def test_the_other_lines_keep_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [
        b'{"user":  "bob"}\r\n',
        b'{"user": "ann"}\n',
        b"{broken ann\n",
        b"[1]\n",
        b'{"user": "ann"}',
    ]
    path.write_bytes(b"".join(lines))
    path.chmod(0o640)

    assert find_in_file(path, hers) == 2
    assert remove_from_file(path, hers) == 2
    assert lines[0] + lines[2] + lines[3] == path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [path] == list(tmp_path.iterdir())


def test_a_file_without_her_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"user": "bob"}\n')
    before = path.stat().st_mtime_ns, path.stat().st_ino

    assert remove_from_file(path, hers) == 0
    assert before == (path.stat().st_mtime_ns, path.stat().st_ino)
    assert find_in_file(tmp_path / "missing.jsonl", hers) == 0


def test_elements_of_a_json_array_leave_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    rows = [{"user": "ann"}, {"user": "bob", "text": "ü"}, "ann", {"user": "ann"}]
    path.write_text(json.dumps(rows), encoding="utf-8")

    assert find_in_file(path, hers) == 2
    assert remove_from_file(path, hers) == 2
    assert rows[1:3] == json.loads(path.read_text(encoding="utf-8"))
    assert find_in_file(path, hers) == 0
    path.write_text(json.dumps(rows[:1]))
    assert remove_from_file(path, hers) == 1
    assert json.loads(path.read_text()) == []


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b'{"user": "ann"}\n{"user": "bob"}\n', mtime=0),
        b"user,text\nann,a\nbob,b\n",
        b'{\n"user": "ann"\n}\n{\n"user": "bob"\n}\n',
    ],
    ids=["gzip", "csv", "objects"],
)
def test_rows_of_other_files_are_counted_never_passed_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(content)

    places = path, tmp_path, tmp_path / "rows", Path(f"{path}+{path}")
    assert [find_in_file(place, hers) for place in places] == [1, 1, 1, 2]
    for place in places:
        with refusal("not_rewritten", InputError):
            remove_from_file(place, hers)
    assert content == path.read_bytes()
    assert remove_from_file(path, lambda row: row.get("user") == "eve") == 0


def test_a_file_that_cannot_be_searched_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"user": "ann"}\n', mtime=0)[:-4])
    with refusal("truncated", InputError):
        find_in_file(path, hers)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.write_bytes(b'{"user": "ann"}\n{"user": "bob"}\n')
    link.symlink_to(target)

    assert remove_from_file(link, hers) == 1
    assert link.is_symlink()
    assert target.read_bytes() == b'{"user": "bob"}\n'


def test_a_rewrite_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"user": "ann"}\n')

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        remove_from_file(path, hers)
    assert path.read_bytes() == b'{"user": "ann"}\n'
    assert [path] == list(tmp_path.iterdir())


def test_the_card_is_noted_before_the_rows_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in between leaves a superfluous note, not an unexplained digest."""
    folder = RunFolder(tmp_path)
    folder.training_data.write_text('{"user": "ann"}\n{"user": "bob"}\n', encoding="utf-8")
    folder.card.write_text('{"digest": "sha256:0", "n_examples": 2}', encoding="utf-8")
    monkeypatch.setattr("retrain.data.erasure.remove_from_file", lambda *_: 0)
    remove_from_run(folder, hers, datetime(2026, 11, 2, tzinfo=UTC), trained=True)

    card = json.loads(folder.card.read_text(encoding="utf-8"))
    assert (card["digest"], card["n_examples"]) == ("sha256:0", 2)
    assert [note["n_rows"] for note in card["removed"]] == [1]


@pytest.mark.parametrize("content", ['{"digest": "sha256:0"}', '{"digest', "[]"])
def test_incomplete_card_stops_no_erasure(tmp_path: Path, content: str) -> None:
    folder = RunFolder(tmp_path)
    folder.adapter.mkdir()
    for path in (folder.card, folder.data_card, folder.adapter / "lineage.json"):
        path.write_text(content, encoding="utf-8")
    folder.training_data.write_text('{"user": "ann"}\n{"user": "bob"}\n', encoding="utf-8")
    remove_from_run(folder, hers, datetime(2026, 11, 2, tzinfo=UTC), trained=True)

    assert folder.training_data.read_text(encoding="utf-8") == '{"user": "bob"}\n'
    assert folder.data_card.read_text(encoding="utf-8") == content
    assert ("removed" in folder.card.read_text(encoding="utf-8")) == content.endswith("}")


@pytest.mark.parametrize(
    "file",
    [lambda folder: folder.evaluation_responses(12), lambda folder: folder.unscored_responses],
    ids=["scored", "unscored"],
)
def test_responses_to_the_benchmarks_of_an_evaluation_go_too(
    tmp_path: Path, file: Callable[[RunFolder], Path]
) -> None:
    folder = RunFolder(tmp_path)
    responses = file(folder)
    responses.write_text('{"user": "ann"}\n{"user": "bob"}\n', encoding="utf-8")

    assert [(responses, 1)] == [(entry.path, entry.n_rows) for entry in find_in_run(folder, hers)]
    remove_from_run(folder, hers, datetime(2026, 11, 2, tzinfo=UTC), trained=True)
    assert responses.read_text(encoding="utf-8") == '{"user": "bob"}\n'
