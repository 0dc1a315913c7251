"""Causes of incidents: level, title, runbook page and its link."""

from pathlib import Path
from typing import get_args

import pytest

from monitor.alerts.causes import CAUSES, Cause, Level, runbook_url
from monitor.settings import Alerts

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
SECTIONS = ["## What it means", "## What to look at", "## What to do"]


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
def test_cause_has_a_level_steps_and_a_page(cause: Cause) -> None:
    assert cause.level in get_args(Level)
    assert bool(cause.next_steps) == (cause.name != "drift")
    assert all("`driftwarden " in step or "`{again}`" in step for step in cause.next_steps[:1])
    page = (RUNBOOKS / f"{cause.page}.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    assert lines[0] == f"# {cause.title}"
    assert [line for line in lines if line.startswith("## ")] == SECTIONS
    assert f"**Level: {cause.level}.**" in page


def test_each_runbook_is_the_page_of_a_cause() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README", "prometheus"}
    assert pages == {cause.page for cause in CAUSES.values()}


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("", "/runbooks/evaluation-failed"),
        ("https://wiki.example/runbook", "https://wiki.example/runbook"),
        ("https://wiki.example/{cause}.html", "https://wiki.example/evaluation-failed.html"),
    ],
)
def test_runbook_link_names_the_page_of_the_cause(setting: str, url: str) -> None:
    assert runbook_url(Alerts(runbook_url=setting), "evaluation_failed") == url
