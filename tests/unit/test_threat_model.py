"""The threat model and the promises on personal data name tests that exist, in each row."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "explanation"
PAGE = FOLDER / "threat-model.md"
#: Pages with such tables, and the first column of these.
PAGES = {PAGE: "threat", FOLDER / "privacy.md": "promise"}
LINK = re.compile(r"\[[^\]]+\]\(((?:\.\./)+tests/[^)]+\.py)\)((?:,? `test_\w+`)+)")


def rows(page: Path) -> list[str]:
    """Return the rows of the tables of a page that name tests."""
    lines, matches, in_table = page.read_text("utf-8").splitlines(), [], False
    for line in lines:
        if line.startswith(f"| {PAGES[page]} |"):
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("| ---"):
            matches.append(line)
    return matches


def test_page_has_rows_of_each_section() -> None:
    assert len(rows(PAGE)) > 25
    assert len(rows(FOLDER / "privacy.md")) > 20
    text = PAGE.read_text("utf-8")
    sections = text.split("\n## ")[3:]
    assert len(sections) >= 8
    for section in sections:
        assert "\n| threat |" in section, section[:40]
        assert "\nNot defended: " in section, section[:40]


@pytest.mark.parametrize(
    "row",
    [row for page in PAGES for row in rows(page)],
    ids=lambda row: row.split("|")[1].strip()[:50],
)
def test_each_row_names_tests_that_exist(row: str) -> None:
    links = LINK.findall(row)
    assert links
    for path, names in links:
        source = (PAGE.parent / path).resolve().read_text("utf-8")
        for name in re.findall(r"test_\w+", names):
            assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), name
