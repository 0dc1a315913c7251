"""Terminal report of an assessment: figures, and untrusted text stays text."""

import re
from collections.abc import Callable
from io import StringIO
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from monitor.rendering.change_tables import change_tables, format_column_change
from monitor.rendering.response_changes import describe_extent
from monitor.rendering.wording import count_affected, describe_slow_drift
from monitor.store.windows.assessment import Assessment, ShareEstimate, UntestedReason
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assessment_cases import (
    input_drift,
    output_drift,
    responses_untested,
    slow_drift,
)
from tests.support.windows.assessments import (
    HOSTILE,
    estimated,
    make_assessment,
    make_descriptor_change,
    make_examples,
    make_family,
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


def test_report_shows_figures_of_input_drift() -> None:
    text = in_terminal(input_drift(), 200)
    for figure in (
        "DRIFT  500 sampled of about 10,000 exchanges of assistant",
        "about 31% (16% to 46%) of the prompts",
        "12.0% of the window, 0.3% of the baseline: at least 18 times as frequent (95% each)",
        "first seen 3 Nov 2026, 14:05 UTC in this window; known since 20 Oct 2026, 09:00 UTC",
        "“How do I move my crypto wallet?”",
        "“What is the airspeed of a swallow?”",
        "-34% (-39% to -29%)",
        "about 20% (10% to 30%) of the traffic moved between task types, p = 0.0015, level 0.05",
        "drift  p ≤ 0.0001, level 0.005",
        "No traffic on 1 day",
    ):
        assert figure in text


def test_responses_are_compared_among_comparable_prompts() -> None:
    text = " ".join(in_terminal(output_drift()).split())
    assert "at least 18 times as frequent among comparable prompts (95% each)" in text


def test_findings_are_shown_where_only_a_part_was_compared() -> None:
    text = in_terminal(responses_untested(), 200)
    assert "NOT ENOUGH DATA" in text
    assert "p = 0.40" in text
    assert "not tested" in text
    assert "p = " not in in_terminal(not_enough_data())


@pytest.mark.parametrize("render", [in_terminal, render_page], ids=["terminal", "page"])
def test_each_reason_of_untested_responses_reads_differently(
    render: Callable[[Assessment], str],
) -> None:
    reasons = (*get_args(UntestedReason), None)
    families = [
        make_family("output", verdict="not_enough_data", untested_reason=reason)
        for reason in reasons
    ]
    assert len({render(make_assessment(output=family)) for family in families}) == len(reasons)


def test_slow_drift_shows_the_interval_of_its_share() -> None:
    share = ShareEstimate(estimate=0.021, lower=0.014, upper=0.031)
    assert "about 2% (1% to 3%)" in describe_slow_drift(make_slow(drifted_share=share))


def test_change_without_a_share_shows_its_interval() -> None:
    """A changed mix is significant, and no sample lies outside the reference."""
    none = ShareEstimate(estimate=0.0, lower=0.0, upper=0.012)
    changed = make_assessment(input=make_family(verdict="drift", p_value=0.001, drifted_share=none))
    for text in (in_terminal(changed, 200), render_page(changed)):
        assert "t most 1.2% of the prompts unlike the baseline" in text


def test_slow_drift_is_a_line_of_its_family() -> None:
    text = in_terminal(slow_drift(), 200)
    assert "  drift  p = 0.40" in text
    assert "slow drift since 5 Oct" in text
    assert "p ≤ 0.0001, level 0.013, over 9 windows" in text


def test_response_is_next_to_the_baselines_response() -> None:
    text = in_terminal(output_drift(), 200)
    assert "“Is my card insured? → No.”" in text
    assert "baseline: “Is my card covered? → Yes, it is.”" in text


def test_many_topics_are_counted() -> None:
    topics = tuple(make_topic(index=index, name=f"topic {index}") for index in range(37))
    family = make_family(verdict="drift", alarm=True, topics=topics)
    text = in_terminal(make_assessment(0.3, input=family))
    assert "topic 9" in text
    assert "topic 10" not in text
    assert "and 27 smaller topics" in text


def test_terminal_ignores_escapes_and_markup_of_traffic() -> None:
    topic = make_topic(name=HOSTILE, examples=make_examples(HOSTILE, MARKUP))
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    text = in_terminal(make_assessment(0.3, model=HOSTILE, headline=HOSTILE, input=family))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold red]not markup[/]" in text


def test_no_share_is_shown_without_significance() -> None:
    family = make_family("output", p_value=0.1, drifted_share=estimated(0.031))
    text = in_terminal(make_assessment(output=family))
    assert "p = 0.10" in text
    assert "3.1%" not in text


def test_share_of_responses_names_the_comparable_share() -> None:
    family = make_family(
        "output",
        verdict="drift",
        p_value=0.001,
        drifted_share=estimated(0.08),
        comparable_share=0.9,
    )
    assert "comparable prompts (90% of all) unlike" in describe_extent(family)
    whole = msgspec.structs.replace(family, comparable_share=0.999)
    assert "% of all)" not in describe_extent(whole)
    exchanges = count_affected(family, make_assessment(output=family))
    assert exchanges == "about 36 of 500 exchanges of the window"  # 8% of 90% of 500
    old = msgspec.structs.replace(family, comparable_share=None)
    assert "comparable" not in describe_extent(old)


def test_a_descriptor_of_the_responses_has_one_change() -> None:
    column = make_numeric_column(name="length in tokens", side="response", direction=0)
    compared = make_descriptor_change(change=-0.2, lower=-0.3, upper=-0.1)
    output = make_family("output", descriptors=(compared,))
    tested = make_assessment(output=output, numeric_columns=(column,))
    assert [table.kind for table in change_tables(tested)] == ["given_prompts"]
    assert "-20% (-30% to -10%)" in in_terminal(tested)
    assert "-28.0 points" not in in_terminal(tested)
    untested = make_assessment(numeric_columns=(column,))
    assert [table.kind for table in change_tables(untested)] == ["responses"]


def test_a_row_has_the_estimate_of_its_test() -> None:
    metric = make_numeric_column()
    assert format_column_change(metric) == "-34% (-39% to -29%)"
    share = make_numeric_column(direction=0, effect_lower=-0.32, effect_upper=-0.24)
    assert format_column_change(share) == "-28.0 points (-32.0 to -24.0)"
    ranks = msgspec.structs.replace(share, reference_mean=20.0, current_mean=14.0)
    assert format_column_change(ranks) == "lower in 64% of pairs (62% to 66%)"
    rare = make_numeric_column(
        relative_change=None,
        reference_mean=0.0,
        current_mean=0.1,
        effect_size=0.1,
        effect_lower=0.05,
        effect_upper=float("nan"),
    )
    assert format_column_change(rare) == "+10.0 points"
    quiet = make_numeric_column(relative_change=-0.001, relative_change_lower=-0.004)
    assert format_column_change(quiet).startswith("0% (0% to")


def test_row_explains_a_mean_that_moved_against_its_estimate() -> None:
    column = make_numeric_column(
        direction=0, unit="words", reference_mean=18.1, current_mean=925.0, effect_size=-0.52,
        effect_lower=None, effect_upper=None,
    )  # fmt: skip
    (table,) = change_tables(make_assessment(numeric_columns=(column,)))
    (row,) = table.rows
    assert (row.reference, row.current) == ("18.1 words", "925 words")
    assert row.change == "lower in 76% of pairs"
    assert row.hint == "few large values raise the mean"
    with_it = msgspec.structs.replace(column, current_mean=9.0)
    assert change_tables(make_assessment(numeric_columns=(with_it,)))[0].rows[0].hint == ""


def test_tables_name_their_families_and_numbers_of_tests() -> None:
    prompt = make_numeric_column(name="lines", side="prompt", direction=0, degraded=False)
    columns = (make_numeric_column(), make_numeric_column(name="other"), prompt)
    compared = make_family("output", descriptors=(make_descriptor_change(),))
    tables = change_tables(make_assessment(output=compared, numeric_columns=columns))
    assert [table.kind for table in tables] == ["metrics", "given_prompts", "prompts"]
    for table, words in zip(
        tables,
        ("over 2 metrics (Benjamini", "over 1 descriptor (Holm)", "over 1 descriptor (Benjamini"),
        strict=True,
    ):
        assert words in table.family


def test_mix_of_a_side_without_task_types_is_unknown() -> None:
    text = in_terminal(make_assessment(mix_current={"cards": 0.75, "loans": 0.25}))
    assert re.search(r"cards +- +75\.0%", text)
    gone = in_terminal(make_assessment(mix_reference={"cards": 1.0}))
    assert re.search(r"cards +100\.0% +-", gone)


def test_not_enough_data_is_short() -> None:
    text = in_terminal(not_enough_data())
    assert "NOT ENOUGH DATA" in text
    assert "Input" not in text
