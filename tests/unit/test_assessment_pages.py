"""An assessment in the terminal and as a page: readable, and hostile text stays text."""

import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from monitor.evaluation.summary_html import render_summary
from monitor.evaluation.terminal import format_change, format_mean, print_assessment
from monitor.store.assessment import Assessment
from tests.services.assessments import (
    HOSTILE,
    make_assessment,
    make_characteristic,
    make_family,
    make_topic,
    not_enough_data,
)

MARKUP = "[bold red]not markup[/] \x1b[31mred\x07"


def hostile() -> Assessment:
    topic = make_topic(name=HOSTILE, examples=(HOSTILE, MARKUP))
    return make_assessment(
        0.3,
        model=HOSTILE,
        headline=HOSTILE,
        input=make_family(verdict="drift", alarm=True, topics=(topic,)),
        characteristics=(make_characteristic(name=HOSTILE),),
        mix_current={HOSTILE: 0.5, "": 0.5},
        mix_reference={"cards": 1.0},
        remarks=(HOSTILE,),
    )


def in_terminal(assessment: Assessment, width: int = 80) -> str:
    written = StringIO()
    print_assessment(assessment, Console(file=written, width=width, force_terminal=False))
    return written.getvalue()


def test_the_terminal_shows_all_that_matters() -> None:
    assessment = make_assessment(
        0.31,
        characteristics=(make_characteristic(),),
        mix_current={"cards": 0.8, "other": 0.2},
        mix_reference={"cards": 1.0},
        mix_p_value=0.0015,
        mix_effect_size=0.2,
        remarks=("No traffic on 1 day of the window: 2026-11-05.",),
    )
    text = in_terminal(assessment, width=100)
    for expected in (
        "DRIFT  500 exchanges of assistant against 2,000 of the baseline",
        "at least 31.0% of the window drifted",
        "crypto, wallet, transfer  12.0% of the window, 0.3% of the baseline (40 times, 18 to 90)",
        "“How do I move my crypto wallet?”",
        "-34.0% (-39.0 to -29.0)",
        "20.0% of the traffic moved between task types, p = 0.0015; this alone never alarms",
        "Note: No traffic on 1 day",
    ):
        assert expected in text


def test_a_terminal_obeys_no_text_from_traffic() -> None:
    text = in_terminal(hostile())
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold red]not markup[/]" in text


def test_not_enough_data_is_short() -> None:
    text = in_terminal(not_enough_data())
    assert "NOT ENOUGH DATA" in text
    assert "Input" not in text


def test_the_page_escapes_everything_and_fetches_nothing() -> None:
    page = render_summary(hostile(), reference_name="<a>", current_name="<b>")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.findall(r'(?:src|href)\s*=\s*"', page) == []
    assert "@import" not in page
    assert len(page) < 100_000


def test_the_page_stays_small_whatever_the_window_holds() -> None:
    topics = tuple(make_topic(index=i, examples=("x" * 240,) * 5) for i in range(200))
    family = make_family(verdict="drift", alarm=True, topics=topics)
    many = tuple(make_characteristic(name=f"m{i}") for i in range(80))
    page = render_summary(make_assessment(0.3, input=family, characteristics=many))
    assert len(page.encode()) < 100_000
    assert "and 188 more" in page


@pytest.mark.parametrize("assessment", [make_assessment(), make_assessment(0.2), not_enough_data()])
def test_every_verdict_has_a_page(assessment: Assessment) -> None:
    window = (datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC))
    page = render_summary(assessment, window=window)
    assert assessment.headline in page
    assert "2026-11-02 to 2026-11-09 UTC" in page


def test_the_change_of_mix_is_told_where_it_was_tested() -> None:
    mix = {"mix_reference": {"cards": 1.0}, "mix_current": {"cards": 0.8, "other": 0.2}}
    tested = render_summary(make_assessment(**mix, mix_p_value=0.0015, mix_effect_size=0.2))
    assert "20.0% of the traffic moved between task types, p = 0.0015" in tested
    untested = make_assessment(**mix)
    assert "moved between task types" not in render_summary(untested) + in_terminal(untested)


def test_numbers_are_short() -> None:
    assert [format_mean(one) for one in (0.0, 0.01234, 812.4, 12345.6)] == [
        "0", "0.0123", "812", "12,346",
    ]  # fmt: skip
    assert format_change(make_characteristic(relative_change=None)) == "from 0"
