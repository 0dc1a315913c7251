"""JUnit XML and Markdown of a comparison."""

import re
from io import StringIO
from xml.etree import ElementTree as ET

import msgspec
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from monitor.store.windows.assessment import Assessment
from monitor.windows.gate.checks import list_checks, outcome_of
from monitor.windows.gate.fail_on import FailOn
from monitor.windows.gate.junit import render_junit
from monitor.windows.gate.markdown import escape_markdown, render_markdown
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessment_cases import CASES, metric_fell
from tests.support.windows.assessments import (
    HOSTILE,
    huge,
    make_assessment,
    make_numeric_column,
    not_comparable,
)
from tests.support.windows.gate_cases import BASIS, make_rule, make_segment, make_segmentation

#: Of junit-10.xsd, the schema of Jenkins' xUnit plugin: element -> its attributes and children.
SCHEMA = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time"},
        {"properties", "testcase", "system-out"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"classname", "name", "time"}, {"failure", "skipped", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}
EVERYTHING = FailOn(segment=True, metrics=("resolved",))
NASTY = f"{HOSTILE} ]]> \x00\x1b[31m\ud800 \ufffe @team $x$ | `a` www.evil.example\n# heading"


def nasty() -> Assessment:
    """Build an assessment with hostile names everywhere, drifted, with each outcome."""
    return make_assessment(
        0.3,
        headline=NASTY,
        findings=(NASTY, "second"),
        remarks=(NASTY,) * 3,
        rules=(
            make_rule(f"{NASTY} < 3", "broken"),
            make_rule("empty < 1%", "undecided"),
            make_rule("loop < 1%"),
        ),
        numeric_columns=(make_numeric_column(), make_numeric_column(name=NASTY, degraded=False)),
        segmentation=make_segmentation(
            make_segment(NASTY, verdict="drift", alarm=True, headline=NASTY),
            make_segment("y" * 5000),
            make_segment("", n_reference=0, verdict="not_enough_data"),
            column=NASTY,
        ),
        basis=BASIS,
    )


def check_structure(element: ET.Element) -> None:
    attributes, children = SCHEMA[element.tag]
    assert set(element.attrib) <= attributes
    for child in element:
        assert child.tag in children
        check_structure(child)


@pytest.mark.parametrize("assessment", [*(case() for case in CASES.values()), nasty(), huge()])
def test_junit_has_the_schemas_structure_and_its_own_counts(assessment: Assessment) -> None:
    checks = list_checks(assessment, EVERYTHING)
    content = render_junit(assessment, checks)
    root = ET.fromstring(content.encode())
    check_structure(root)
    (suite,) = root
    order = [child.tag for child in suite]
    assert order == sorted(order, key=["properties", "testcase", "system-out"].index)
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [check.name for check in checks]
    for element in (root, suite):
        assert int(element.get("tests", "")) == len(cases)
        assert int(element.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(element.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    assert bool(suite.findall("testcase/failure")) == (outcome_of(checks) == "failed")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", content)


def test_junit_skips_what_is_undecided_or_not_in_fail_on() -> None:
    assessment = nasty()
    by_rule = ET.fromstring(
        render_junit(assessment, list_checks(assessment, FailOn(drift=False))).encode()
    )
    failures = [case for case in by_rule.iter("testcase") if case.find("failure") is not None]
    assert [case.get("classname") for case in failures] == ["driftwarden.rule"]
    skipped = [case.find("skipped") for case in by_rule.iter("testcase")]
    messages = [element.get("message", "") for element in skipped if element is not None]
    assert sum(message.startswith("not in --fail-on: ") for message in messages) == 3
    assert sum(message.startswith("not enough data: ") for message in messages) == 2


def test_window_that_lacks_a_metric_is_undecided_everywhere() -> None:
    assessment = not_comparable("resolved")
    checks = list_checks(assessment, FailOn())
    assert outcome_of(checks) == "undecided"
    console = Console(file=StringIO(), width=200)
    print_assessment(assessment, console)
    terminal = console.file.getvalue()  # type: ignore[attr-defined]
    junit, markdown = render_junit(assessment, checks), render_markdown(assessment, checks)
    page = render_page(assessment)
    for output in (terminal, junit, markdown, page):
        assert "is no longer sent (600 values before, none now)" in output.replace("\\", "")
    assert " NOT COMPARABLE " in terminal
    assert "Not comparable</span>" in page
    assert 'failures="0"' in junit
    assert "### driftwarden: undecided" in markdown


def test_failures_carry_headline_and_findings() -> None:
    assessment = metric_fell()
    root = ET.fromstring(render_junit(assessment, list_checks(assessment, FailOn())).encode())
    (failure,) = root.iter("failure")
    assert "resolved" in (failure.get("message") or "")
    assert assessment.headline in (failure.text or "")


@pytest.mark.parametrize("assessment", [*(case() for case in CASES.values()), nasty(), huge()])
def test_markdown_is_one_screen_and_the_rest_folds(assessment: Assessment) -> None:
    text = render_markdown(assessment, list_checks(assessment, EVERYTHING))
    opened = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert len(opened.strip().splitlines()) <= 25
    assert len(opened) <= 5_000
    assert len(text) <= 65_536  # of a comment on GitHub
    assert text.count("<details>") == text.count("</details>")


def test_markdown_shows_texts_as_they_are() -> None:
    assessment = nasty()
    text = render_markdown(assessment, list_checks(assessment, EVERYTHING))
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {
        *("h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "sub"),
        *("details", "summary"),
    }
    for row in re.findall(r"<tr>.*?</tr>", html, flags=re.DOTALL):
        assert len(re.findall(r"<t[dh]", row)) == 4
    assert "@" not in text
    assert "://" not in text
    assert escape_markdown("\x1b[31ma\nb") == "\\[31ma b"


def test_page_and_terminal_show_names_as_they_are() -> None:
    assessment = msgspec.structs.replace(nasty(), headline=HOSTILE, findings=(), remarks=())
    page = render_page(assessment)
    assert "Segments by" in page
    assert "<script>" not in page
    console = Console(file=StringIO(), width=120)
    print_assessment(assessment, console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    for text in (page, printed):
        assert not re.search(r"[\x00\x1b]", text)
        assert "y" * 100 not in text
    assert "*bold*" in printed  # no markup of rich or Markdown


def test_markdown_puts_failures_before_what_is_undecided() -> None:
    assessment = nasty()
    text = render_markdown(assessment, list_checks(assessment, EVERYTHING))
    states = re.findall(r"^\| (failed|undecided) \|", text, flags=re.MULTILINE)
    assert states[0] == "failed"
    assert states == sorted(states)
    assert text.startswith("### driftwarden: failed\n")
