"""Measured rows: where they come from, when they are old, and the page made from them."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import areas
from bench.results import age, page
from bench.results.measured_code import MeasuredCode, code_lines, present_code
from bench.results.measurements import MEASUREMENTS, measurement_of, measurement_of_table
from bench.results.origin import WITH_CHANGES, Origin, module_command, present_origin
from bench.results.results_file import Recorder, Result, faults, read_results, write_results
from monitor.bench.row import Row
from scripts import check_benchmarks

ORIGIN = Origin("make bench AREA=backup", "0fafafdc", "2026-12-02", "2 cores, x86_64")
ROW = Row("backup", "backup of 10", 1.23456, "s", "<= 1", False, "once")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with a package whose module `ours_41.fast` imports `ours_41.used`."""
    package = tmp_path / "ours_41"
    (package / "templates").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "fast.py": '"""Fast."""\n\n\ndef f():\n    from ours_41 import used\n\n    return used.N\n',
        "used.py": "N = 1\n",
        "other.py": "N = 1\n",
        "templates/page.html": "<p>1</p>",
    }.items():
        (package / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest(checkout: Path) -> str:
    return MeasuredCode(checkout, ["ours_41"]).digest(["ours_41.fast"])


@pytest.mark.parametrize("name", ["fast.py", "used.py", "__init__.py", "templates/page.html"])
def test_digest_of_changed_code_differs(checkout: Path, name: str) -> None:
    before, changed = digest(checkout), checkout / "ours_41" / name
    changed.write_text(changed.read_text("utf-8") + "X = 2\n", "utf-8")
    assert digest(checkout) != before


def test_digest_of_other_code_and_comments_is_equal(checkout: Path) -> None:
    before, package = digest(checkout), checkout / "ours_41"
    (package / "other.py").write_text("N = 2\n", "utf-8")
    commented = '"""Faster."""\n# Why.\n' + (package / "fast.py").read_text("utf-8")
    (package / "fast.py").write_text(commented.replace('"""Fast."""\n', ""), "utf-8")
    assert digest(checkout) == before


def test_text_that_looks_like_a_comment_is_code() -> None:
    assert code_lines('"""Doc."""\nX = """\na\n"""\n') == ['X = """', "a", '"""']


def test_code_that_moved_away_is_refused(checkout: Path) -> None:
    (checkout / "ours_41" / "fast.py").unlink()
    with pytest.raises(ValueError, match=r"no module and no file: ours_41\.fast"):
        digest(checkout)


def test_row_is_recorded_with_its_origin(path: Path) -> None:
    Recorder("backup", ORIGIN, path).add(ROW)
    [result] = read_results(path)
    assert result.origin == ORIGIN
    assert result.cells["measured"] == "1.235 s"
    assert result.cells["goal"] == "<= 1: **no**"
    assert result.code == present_code().digest(measurement_of_table("backup").code)
    assert faults([result]) == []
    assert age.old_tables([result]) == []


def test_row_replaces_its_earlier_measurement(path: Path) -> None:
    for value in (1.0, 2.0):
        Recorder("backup", ORIGIN, path).add(replace(ROW, value=value))
    Recorder("backup", ORIGIN, path).add(replace(ROW, value=None))
    assert [result.cells["measured"] for result in read_results(path)] == ["2 s"]


def test_old_row_without_a_measurement_is_removed(path: Path) -> None:
    gone = Result("backup", {"figure": "gone", "measured": "1 s"}, ORIGIN, "").signed()
    elsewhere = replace(gone, table="endurance").signed()
    write_results([gone, elsewhere], path)
    skipping, whole = Recorder("backup", ORIGIN, path), Recorder("backup", ORIGIN, path)
    skipping.add(replace(ROW, value=None))
    skipping.finish()
    assert len(read_results(path)) == 2
    whole.add(ROW)
    whole.finish()
    assert [result.name for result in read_results(path)] == ["gone", "backup of 10"]


def test_figure_typed_by_hand_is_a_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Recorder("backup", ORIGIN, path).add(ROW)
    monkeypatch.setattr(check_benchmarks, "read_results", lambda: read_results(path))
    assert check_benchmarks.main() == 0
    path.write_text(path.read_text("utf-8").replace("1.235 s", "0.900 s"), "utf-8")
    assert "changed by hand" in faults(read_results(path))[0]
    assert check_benchmarks.main() == 1


def test_row_twice_after_a_merge_is_a_fault(path: Path) -> None:
    Recorder("backup", ORIGIN, path).add(ROW)
    path.write_text(2 * path.read_text("utf-8"), "utf-8")
    assert "has 2 rows" in faults(read_results(path))[0]


def test_old_row_is_listed_and_no_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results([Result("backup", {"figure": "f"}, ORIGIN, "0123").signed()], path)
    monkeypatch.setattr(check_benchmarks, "read_results", lambda: read_results(path))
    assert check_benchmarks.main() == 0
    assert "backup: 1 of 1 rows are old: make bench AREA=backup" in capsys.readouterr().out


def test_files_changed_since_are_named_where_known(tmp_path: Path) -> None:
    [table] = age.old_tables([Result("backup", {"figure": "f"}, ORIGIN, "0123").signed()])
    unknown = replace(ORIGIN, commit="f" * 8)
    [other] = age.old_tables([Result("backup", {"figure": "f"}, unknown, "0123").signed()])
    assert other.changed == ()
    assert all(name.endswith(".py") or "/" in name for name in table.changed)


def test_origin_of_a_changed_tree_has_a_remark(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        author = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        command = ["git", *author, "-c", "commit.gpgsign=0", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    assert present_origin(tmp_path).commit == ""
    git("init", "--quiet")
    (tmp_path / "docs").mkdir()
    for name in ("code.py", "docs/benchmarks.md"):
        (tmp_path / name).write_text("1\n")
    git("add", ".")
    git("commit", "--quiet", "--no-verify", "--message", "x")
    clean = present_origin(tmp_path)
    assert re.fullmatch(r"[0-9a-f]{8}", clean.commit)
    assert WITH_CHANGES not in clean.remark
    (tmp_path / "docs" / "benchmarks.md").write_text("2\n")
    assert WITH_CHANGES not in present_origin(tmp_path).remark
    (tmp_path / "code.py").write_text("2\n")
    assert WITH_CHANGES in present_origin(tmp_path).remark


def test_recorded_command_names_no_folder() -> None:
    command = module_command("bench.drift", ["--full", "--data", "/data/sets", "--ledger=/a/b"])
    assert command == "python -m bench.drift --full --data FOLDER --ledger=FOLDER"


def test_every_area_has_a_table_for_any_row() -> None:
    assert {area for area in (listed.area for listed in MEASUREMENTS) if area} >= set(areas())
    for area in areas():
        assert measurement_of(area, "a row that nobody knows").area == area


def test_table_names_command_commit_and_date(path: Path) -> None:
    Recorder("backup", ORIGIN, path).add(ROW)
    dirty = Origin("x", "0fafafdd", "2026-12-01", "2 cores", WITH_CHANGES)
    other = Result("backup", {"figure": "f", "measured": "3 s"}, dirty, "0123").signed()
    write_results([*read_results(path), other], path)
    text = page.page_text(results=path)
    assert "`make bench AREA=backup`, 2 cores, x86_64:\n" in text
    fresh = "| backup of 10 | 1.235 s | <= 1: **no** | once | `0fafafdc`, 2026-12-02 |\n"
    assert fresh in text
    assert "| f | 3 s | `0fafafdd`, 2026-12-01, with changes; **old** |\n" in text


def test_page_without_a_place_for_a_measurement_is_refused(tmp_path: Path) -> None:
    text = page.PAGE.read_text("utf-8").replace("<!-- rows: ingest -->", "<!-- rows: gone -->")
    (tmp_path / "page.md").write_text(text, "utf-8")
    with pytest.raises(ValueError, match="each measurement needs one place"):
        page.page_text(tmp_path / "page.md")


def test_no_measured_figure_stands_outside_the_tables() -> None:
    text = re.sub(r"`[^`]*`", "", page.BLOCK.sub("", page.PAGE.read_text("utf-8")))
    figures = r"(?<![\w.])\d*\.\d+|\d (?:[mµ]?s|seconds)\b"
    assert re.findall(figures, text) == []
