"""An assessment in the terminal: readable, and hostile text stays text."""

import re
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from monitor.rendering.wording import describe_slow_drift
from monitor.store.windows.assessment import Assessment, Example, Quote
from monitor.windows.assessment.headline import headline
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessments import (
    HOSTILE,
    make_assessment,
    make_examples,
    make_family,
    make_growth,
    make_numeric_column,
    make_slow,
    make_topic,
    not_enough_data,
)

MARKUP = "[bold red]not markup[/] \x1b[31mred\x07"


def in_terminal(assessment: Assessment, width: int = 110) -> str:
    written = StringIO()
    print_assessment(assessment, Console(file=written, width=width, force_terminal=False))
    return written.getvalue()


def test_the_terminal_shows_all_that_matters() -> None:
    topic = make_topic(
        first_seen=datetime(2026, 11, 3, 14, 5, tzinfo=UTC), growth=make_growth(0.004, 0.05, 0.18)
    )
    family = make_family(
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        drifted_share_lower_bound=0.31,
        topics=(topic,),
        outliers=make_examples("What is the airspeed of a swallow?"),
    )
    assessment = make_assessment(
        0.31,
        input=family,
        numeric_columns=(make_numeric_column(),),
        mix_current={"cards": 0.8, "other": 0.2},
        mix_reference={"cards": 1.0},
        mix_p_value=0.0015,
        mix_effect_size=0.2,
        remarks=("No traffic on 1 day of the window: 2026-11-05.",),
    )
    text = in_terminal(assessment)
    for expected in (
        "DRIFT  500 exchanges of assistant against 2,000 of the baseline",
        "at least 31.0% of the prompts drifted",
        "12.0% of the window, 0.3% of the baseline: at least 18 times as frequent (95%)",
        "first seen 3 Nov 2026, 14:05 UTC in this window; 0.4% on 2 Nov, 18% on 4 Nov",
        "“How do I move my crypto wallet?”",
        "Foreign, and in no topic",
        "“What is the airspeed of a swallow?”",
        "-34.0% (-39.0 to -29.0)",
        "20.0% of the traffic moved between task types, p = 0.0015; this alone never alarms",
        "Note: No traffic on 1 day",
    ):
        assert expected in text


def test_of_answers_the_factor_is_among_like_prompts() -> None:
    output = make_family("output", verdict="drift", alarm=True, topics=(make_topic(),))
    told = "12.0% of the window, 0.3% of the baseline: at least 18 times as frequent among like"
    assert f"{told} prompts (95%)" in " ".join(in_terminal(make_assessment(output=output)).split())


def test_what_was_compared_is_shown_where_the_rest_was_not_enough() -> None:
    output = make_family("output", verdict="not_enough_data", p_value=1.0)
    text = in_terminal(make_assessment(verdict="not_enough_data", output=output), 200)
    assert "NOT ENOUGH DATA" in text
    assert "as before  p = 0.40" in text
    assert "not tested: too few exchanges with an answer, or too few like prompts" in text
    assert "Input: what people ask" not in in_terminal(not_enough_data())


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("no_responses", "no exchange has an answer"),
        ("few_responses", "too few exchanges with an answer"),
        ("few_comparable_prompts", "too few like prompts on both sides"),
    ],
)
def test_why_answers_were_not_tested_is_told(because: Any, said: str) -> None:
    output = make_family("output", verdict="not_enough_data", untested_reason=because)
    assessment = make_assessment(output=output)
    assert f"  not tested: {said}\n" in in_terminal(assessment, 200)
    assert f"Not tested: {said}." in render_page(assessment)


def test_a_share_of_which_nothing_is_known_is_not_told_as_0() -> None:
    moved = make_assessment(
        alarm=True,
        input=make_family(verdict="drift", p_value=0.001),
        output=make_family("output", verdict="drift", alarm=True, p_value=0.001),
    )
    text = in_terminal(moved, 200)
    assert "than what alarms  p = 0.001; how many of the prompts drifted can't be told" in text
    assert "drift  p = 0.001; how many of the responses drifted can't be told" in text
    page = unescape(render_page(moved))
    assert "but less than what alarms: how many of the prompts can't be told." in page
    assert "How many of the responses are unlike the baseline can't be told." in page
    assert (
        "<b>Answers:</b> how many of the responses are unlike the baseline can't be told." in page
    )
    assert "a lower bound" not in page
    said = headline(moved.input, moved.output, ())
    assert "(it can't be told how many responses are unlike the baseline's)" in said
    slow = describe_slow_drift(make_slow(alarm=False, drifted_share_lower_bound=0.0))
    assert slow.endswith(": how many of the prompts are unlike those before it began can't be told")


def test_slow_drift_is_a_line_of_its_family() -> None:
    shown = in_terminal(make_assessment(alarm=True, input=make_family(slow=make_slow())), 200)
    assert "  drift  p = 0.40" in shown
    assert (
        "  slow drift since 5 Oct, found in the window of 26 Oct (p = 2e-06 over 9 windows)"
        in shown
    )


def test_an_answer_stands_beside_what_was_answered_before() -> None:
    example = Example(
        prompt="Is my card insured?",
        response="No.",
        before=Quote(prompt="Is my card covered?", response="Yes, it is."),
    )
    topic = make_topic(examples=(example,))
    output = make_family("output", verdict="drift", alarm=True, topics=(topic,))
    text = in_terminal(make_assessment(output=output))
    assert "“Is my card insured? → No.”" in text
    assert "before: “Is my card covered? → Yes, it is.”" in text


def test_many_topics_are_counted() -> None:
    topics = tuple(make_topic(index=index, name=f"topic {index}") for index in range(37))
    family = make_family(verdict="drift", alarm=True, topics=topics)
    text = in_terminal(make_assessment(0.3, input=family))
    assert "topic 9" in text
    assert "topic 10" not in text
    assert "and 27 smaller topics" in text


def test_a_terminal_obeys_no_text_from_traffic() -> None:
    topic = make_topic(name=HOSTILE, examples=make_examples(HOSTILE, MARKUP))
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    text = in_terminal(make_assessment(0.3, model=HOSTILE, headline=HOSTILE, input=family))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold red]not markup[/]" in text


def test_no_share_is_claimed_of_what_did_not_drift() -> None:
    family = make_family("output", p_value=0.1, drifted_share_lower_bound=0.031)
    text = in_terminal(make_assessment(output=family))
    assert "as before  p = 0.10" in text
    assert "3.1%" not in text


def test_the_mix_of_a_side_that_names_no_task_is_unknown() -> None:
    text = in_terminal(make_assessment(mix_current={"cards": 0.75, "loans": 0.25}))
    assert re.search(r"cards +- +75\.0%", text)
    gone = in_terminal(make_assessment(mix_reference={"cards": 1.0}))
    assert re.search(r"cards +100\.0% +-", gone)


def test_not_enough_data_is_short() -> None:
    text = in_terminal(not_enough_data())
    assert "NOT ENOUGH DATA" in text
    assert "Input" not in text
