"""Markup of untrusted texts: what Slack would render is the same for harmless and hostile ones."""

import itertools
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.channels.slack import LITERAL
from monitor.alerts.messages.incident import EvaluationSummary, detail_blocks
from monitor.alerts.messages.text import IncidentText
from monitor.alerts.messages.weekly_digest import ModelWeek, WaitingStep, digest_message
from monitor.rendering.mrkdwn import (
    bold,
    build_message,
    code,
    code_block,
    escape,
    header,
    link,
    sections,
)
from monitor.settings import Alerts
from monitor.store.alerts.incidents import IncidentRow
from tests.support.alerts.slack_rendering import Span, render, render_mrkdwn
from tests.support.windows.assessments import (
    estimated,
    make_assessment,
    make_examples,
    make_family,
    make_numeric_column,
    make_topic,
)

HARMLESS = "word"
WEEK_BEGIN = datetime(2026, 11, 2, tzinfo=UTC)

FRAGMENTS = (
    "https://evil.example/a?b=1&c=2",
    "www.evil.example",
    "evil.com",
    "mailto:a@evil.example",
    "<https://evil.example|click>",
    "<!channel>",
    "<!here|here>",
    "<@U012345>",
    "<#C012345|general>",
    "&lt;!everyone&gt;",
    "&amp;lt;!here&amp;gt;",
    "@channel",
    "#general",
    "*bold*",
    "_italic_",
    "__init__",
    "snake_case_name",
    "~strike~",
    "`code`",
    "```block```",
    ":red_circle:",
    "::skin-tone-2:",
    "> quote",
    ">>> quote",
    "&gt; quote",
    "\u200b\u200e\u2066zero\u2069\ufeff",
    "\u202egnp.exe",
    "\u00ad*\u2060b\u200d*",
    "\x1b[31m\x00",
    "*_~nested~_*",
    "你*好*吗_好_",
    "*open",
    "`open",
)
WRAPPERS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: f"a {text} b",
    lambda text: f"a\n{text}\nb",
    lambda text: f"\r\n\u2028\u2029\x85{text}",
    lambda text: f"({text})",
    lambda text: f"`{text}` *x* {text}",
    lambda text: f"*{text}* _{text}_ ~{text}~",
    lambda text: f"{text}{text}" * 60,
)
HOSTILE = tuple(wrap(text) for text, wrap in itertools.product(FRAGMENTS, WRAPPERS))


def messages(text: str) -> list[dict[str, Any]]:
    """Return messages with a text wherever untrusted ones come in."""
    topics = (make_topic(name=text, examples=make_examples(text)),)
    assessment = make_assessment(
        0.3,
        model=text,
        headline=text,
        findings=(f"“{text}” grew.",),
        input=make_family(verdict="drift", alarm=True, drifted_share=estimated(0.3), topics=topics),
        numeric_columns=(make_numeric_column(name=text),),
        mix_reference={text: 0.9, "x": 0.1},
        mix_current={text: 0.1, "x": 0.9},
        remarks=(text,),
    )
    summary = EvaluationSummary(
        evaluation_id=1,
        window_start=WEEK_BEGIN,
        window_end=datetime(2026, 11, 9, tzinfo=UTC),
        assessment=assessment,
        baseline=text,
    )
    alerts = Alerts(runbook_url="https://wiki.example/a_b_c")
    lines = [f"a {escape(text)} b", f"a {bold(text)} b", f"a {code(text)} b", code_block([text])]
    incident = IncidentRow(
        id=1,
        model=text,
        cause="evaluation_failed",
        level="error",
        status="open",
        version=1,
        summary=text,
        command=text,
        fingerprint=frozenset(),
        severity=0.0,
        opening_evaluation_id=None,
        last_evaluation_id=None,
        opening_look_id=None,
        last_look_id=None,
        quiet_windows=0,
        began_at=WEEK_BEGIN,
        clear_since=None,
        opened_at=WEEK_BEGIN,
        snoozed_until=None,
        resolved_at=None,
        acknowledged_by=text,
    )
    message = IncidentText(
        title=text, findings=(text,), owner=text, links=(link("https://a.example", "a"),)
    )
    changed = IncidentText(title="a", findings=("b",), changes=(text,), next_step="c")
    week = ModelWeek(name=text, verdict="drift", text=text, shares=(0.0, 0.4))
    step = WaitingStep(text, text, text, "/runs/1")
    return [
        build_message(message.blocks(), message.summary),
        build_message(changed.blocks(), changed.summary),
        digest_message([week], [incident], [step], Alerts(public_url="https://a.example")),
        build_message(detail_blocks(summary, "reopened", alerts), text),
        build_message([header(text), *sections([*lines, link("https://a.example", text)])], text),
    ]


def skeleton(payload: dict[str, Any]) -> list[tuple[frozenset[str], str, int]]:
    """Return styles, target (without the name of the model) and number of lines of each span."""
    return [
        (span.styles, span.target.partition("?model=")[0], span.text.count("\n"))
        for span in render(payload)
    ]


EXPECTED = [skeleton(payload) for payload in messages(HARMLESS)]


def assert_literal(text: str) -> None:
    for payload, expected in zip(messages(text), EXPECTED, strict=True):
        assert skeleton(payload) == expected
        visible = "".join(span.text for span in render(payload)) + payload["text"]
        assert not {unicodedata.category(sign) for sign in visible if sign != "\n"} & {"Cc", "Cf"}


@pytest.mark.slow
def test_two_hundred_hostile_texts_are_rendered_literally() -> None:
    assert len(set(HOSTILE)) >= 200
    for text in HOSTILE:
        assert_literal(text)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("*_~`:<>&|!@# \n\u200b\u202eaZ9é/."), min_size=1, max_size=25))
def test_any_mixture_of_marks_is_rendered_literally(text: str) -> None:
    if escape(text):
        assert_literal(f"x{text}")
        assert {span.styles for span in render_mrkdwn(escape(text))} == {frozenset()}


def test_hidden_and_empty_texts_leave_no_open_mark() -> None:
    for text in ("", " ", "\u200b"):
        for line in (bold(text), code(text)):
            (span,) = [span for span in render_mrkdwn(line) if span.text]
            assert len(span.styles) == 1


def test_names_in_code_are_left_as_they_are() -> None:
    name = "org/*model*_v2~:x:"
    assert render_mrkdwn(code(name))[1] == Span(name, frozenset({"code"}))
    assert escape("snake_case_name") == "snake_case_name"


def test_summary_without_blocks_is_neither_parsed_nor_linked() -> None:
    assert LITERAL == {"parse": "none", "link_names": False, "mrkdwn": False}


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("*b* _i_ ~s~ `c`", {"bold", "italic", "strike", "code"}),
        ("<!channel> <https://x.example|y>", {"mention", "link"}),
        (":red_circle:\n&gt; quoted", {"emoji", "quote"}),
    ],
)
def test_renderer_finds_the_markup_of_slack(text: str, styles: set[str]) -> None:
    assert {style for span in render_mrkdwn(text) for style in span.styles} == styles
    automatic = {"type": "section", "text": {"type": "mrkdwn", "text": "see evil.com, @here"}}
    assert {"link"} in [span.styles for span in render({"blocks": [automatic]})]
