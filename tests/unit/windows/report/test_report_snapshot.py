"""Snapshots of the window report: headline, page and terminal, for each kind of result."""

import re
from html import unescape
from io import StringIO

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessment_cases import CASES, WEEK, with_findings


@pytest.mark.parametrize("case", CASES)
def test_headline_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assessment = with_findings(CASES[case]())
    assert "\n".join([assessment.headline, "", *assessment.findings]) == snapshot


@pytest.mark.parametrize("case", CASES)
def test_page_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    page = render_page(with_findings(CASES[case]()), window=WEEK, evidently="evidently.html")
    body = re.sub(r"<(head|svg).*?</\1>", "", page, flags=re.DOTALL)
    lines = (
        " ".join(unescape(line).split()) for line in re.sub(r"<[^>]+>", "\n", body).split("\n")
    )
    assert "\n".join(line for line in lines if line) == snapshot


@pytest.mark.parametrize("case", CASES)
def test_terminal_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    written = StringIO()
    print_assessment(
        with_findings(CASES[case]()), Console(file=written, width=160, force_terminal=False)
    )
    assert "\n".join(line.rstrip() for line in written.getvalue().splitlines()) == snapshot
