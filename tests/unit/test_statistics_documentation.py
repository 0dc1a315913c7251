"""Every method that the page on statistics cites by a year is in its list of references."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/explanation/statistics.md"
#: The last author before a year: "Phipson & Smyth 2010)", "Gretton et al. 2012;".
CITATION = re.compile(r"([A-ZÀ-Ž][\w-]+)(?: et al\.)?,? \(?((?:19|20)\d\d)[);,]")


def split_page() -> tuple[str, list[str]]:
    text, _, references = PAGE.read_text(encoding="utf-8").partition("\n## References\n")
    return text, [line for line in references.splitlines() if line.startswith("- ")]


def test_every_citation_has_a_reference() -> None:
    text, references = split_page()
    citations = set(CITATION.findall(text))
    assert len(citations) > 20
    missing = [
        (name, year)
        for name, year in sorted(citations)
        if not any(name in line and f"({year})" in line for line in references)
    ]
    assert missing == []


def test_every_preprint_has_a_reference() -> None:
    text, references = split_page()
    preprints = set(re.findall(r"arXiv (\d{4}\.\d{5})", text))
    assert len(preprints) > 3
    assert [p for p in sorted(preprints) if not any(p in line for line in references)] == []


def test_references_have_author_year_and_title_in_order() -> None:
    references = split_page()[1]
    for line in references:
        assert re.match(r"- [^(]+\(\d{4}\)\. .{8,}\.?$", line), line
        assert "http" not in line
    names = [re.sub(r"^- (van der )?", "", line).casefold() for line in references]
    assert names == sorted(
        names, key=lambda name: name.split(",")[0].translate({ord("ö"): "o", ord("á"): "a"})
    )
