"""The threat model names tests that exist, in each of its tables."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
LINK = re.compile(r"\[[^\]]+\]\(((?:\.\./)+tests/[^)]+\.py)\)((?:,? `test_\w+`)+)")


def rows() -> list[str]:
    """Return the rows of the tables of threats."""
    lines, matches, in_table = PAGE.read_text("utf-8").splitlines(), [], False
    for line in lines:
        if line.startswith("| threat |"):
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("| ---"):
            matches.append(line)
    return matches


def test_page_has_rows_of_each_section() -> None:
    assert len(rows()) > 25
    text = PAGE.read_text("utf-8")
    sections = text.split("\n## ")[3:]
    assert len(sections) >= 8
    for section in sections:
        assert "\n| threat |" in section, section[:40]
        assert "\nNot defended: " in section, section[:40]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split("|")[1].strip()[:50])
def test_each_row_names_tests_that_exist(row: str) -> None:
    links = LINK.findall(row)
    assert links
    for path, names in links:
        source = (PAGE.parent / path).resolve().read_text("utf-8")
        for name in re.findall(r"test_\w+", names):
            assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), name
