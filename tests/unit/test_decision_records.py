"""Decision records: numbers without gaps, an index of all, references to records that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
REFERENCE = re.compile(r"\[(?P<label>[^\]]*)\]\([^)\s]*\badr/(?P<number>\d{4})-[^)]*\)")
LABEL = re.compile(r"(?:record |ADR )?0*(\d+)$")


def title_of(record: Path) -> str:
    return record.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [f"{n:04}" for n in range(1, len(RECORDS) + 1)] == [path.name[:4] for path in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.name[:4])
def test_decision_record_title_has_its_number(record: Path) -> None:
    assert title_of(record).startswith(f"{record.name[:4]}: ")


def test_index_lists_each_decision_record_by_its_title() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[(.+)\]\(([\w-]+\.md)\)$", index, re.MULTILINE)
    # By area, so that a new record stands with those that it belongs to.
    assert sorted(listed) == [(title_of(path), path.name) for path in RECORDS]


def test_references_name_the_number_of_their_record() -> None:
    n = 0
    for page in sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")}):
        for match in REFERENCE.finditer(page.read_text(encoding="utf-8")):
            n += 1
            if label := LABEL.search(match["label"]):
                assert int(match["number"]) == int(label[1]), f"{page.name}: {match[0]}"
    assert n >= 20


def test_decision_records_that_code_names_exist() -> None:
    known = {path.name[:4] for path in RECORDS}
    for top in ("monitor", "retrain", "bench", "scripts"):
        for path in (ROOT / top).rglob("*.py"):
            named = set(re.findall(r"docs/adr/(\d{4})", path.read_text(encoding="utf-8")))
            assert named <= known, path
