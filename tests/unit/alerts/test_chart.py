"""Chart of the last windows: its data, its text, and messages without it or without quotes."""

from datetime import UTC, datetime

from monitor.rendering.chart import describe_chart, drift_chart
from monitor.rendering.mrkdwn import render_text, sections, without_charts, without_quotes
from tests.support.windows.assessments import make_assessment, not_enough_data
from tests.support.windows.window_figures import make_windows

BEGIN = datetime(2026, 9, 7, tzinfo=UTC)


def test_chart_has_the_shares_of_the_compared_windows() -> None:
    (block,) = drift_chart(
        make_windows(BEGIN, make_assessment(), None, not_enough_data(), make_assessment(0.31))
    )
    chart = block["chart"]
    assert chart["axis_config"]["categories"] == ["7 Sep", "28 Sep"]
    values = {line["name"]: [point["value"] for point in line["data"]] for line in chart["series"]}
    assert values == {"Prompts": [0.0, 31.0], "Responses": [0.0, 0.0]}
    assert [len(line) for line in describe_chart(block).splitlines()[1:]] == [20, 21]


def test_one_compared_window_has_no_chart() -> None:
    assert drift_chart(make_windows(BEGIN, make_assessment(), None)) == []
    assert drift_chart([]) == []


def test_text_takes_the_place_of_a_chart() -> None:
    chart = drift_chart(make_windows(BEGIN, make_assessment(), make_assessment(0.31)))
    (replacement,) = without_charts(chart)
    assert replacement["type"] == "section"
    assert "▁█" in render_text(chart)


def test_quotes_are_left_out_for_other_channels() -> None:
    blocks = sections(["a", "> secret prompt", "b"]) + sections(["> only"])
    assert render_text(without_quotes(blocks)) == "a\nb"
