"""Causes of incidents: level, title, runbook page and its link."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from monitor.alerts.causes import CAUSES, Cause, Level, runbook_url
from monitor.alerts.messages.next_steps import next_step_of
from monitor.rendering.late_exchanges import again_command
from monitor.settings import Alerts

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
COMMAND = re.compile(r"`(driftwarden [^`]+)`")
#: As a runbook writes the command that a late window's message names.
DAY = datetime(2026, 11, 2, tzinfo=UTC)
AGAIN = again_command("MODEL", (DAY, DAY)).replace("2026-11-02", "DAY")
#: Of the sentence on users.
MAX_USERS_WORDS = 12
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
    assert f"**Level: {cause.level}.** {cause.users}" in " ".join(lines)
    assert len(cause.users.split()) <= MAX_USERS_WORDS


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
def test_message_and_runbook_begin_with_the_same_command(cause: Cause) -> None:
    """Of drift neither has one: its message links the evidence."""
    page = (RUNBOOKS / f"{cause.page}.md").read_text(encoding="utf-8")
    step = next(iter(cause.next_steps), "").replace("{of_model}", "")
    step = step.replace("{again}", AGAIN)
    in_message, in_runbook = COMMAND.findall(step), COMMAND.findall(page)
    assert in_runbook[:1] == in_message[:1]


def test_checks_of_the_set_up_are_no_first_step() -> None:
    steps = [cause.next_steps[0] for cause in CAUSES.values() if cause.next_steps]
    assert not [step for step in steps if "`driftwarden check`" in step]


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


@pytest.mark.parametrize(
    ("kinds", "step"),
    [
        (["output", "input"], "Read the examples"),
        (["input", "output"], "Read the examples"),
        (["output"], "Check what was released"),
        (["metric:resolved", "output", "input"], "Check what was released"),
        ([], "Wait for the next window"),
    ],
)
def test_step_of_drift_fits_its_kinds(kinds: list[str], step: str) -> None:
    assert next_step_of(kinds, None, "page").startswith(step)
