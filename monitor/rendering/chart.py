"""Chart of the last windows in a message, and its text where a chart can't be shown."""

from collections.abc import Sequence
from typing import Any

from monitor.rendering.numbers import format_day
from monitor.rendering.sparkline import draw_sparkline
from monitor.store.windows.window_figures import WindowFigures

WINDOWS = 12
#: Fewer windows are no course.
MIN_WINDOWS = 2

TYPE = "data_visualization"
#: At most 50 characters.
TITLE = "Significant drifted share of the windows, in %"
#: Percent at the full height of a sparkline, where all values are smaller.
MIN_SCALE = 5.0


def drift_chart(windows: Sequence[WindowFigures]) -> list[dict[str, Any]]:
    """Return the drifted shares of prompts and responses as a chart; no block for few windows.

    Slack draws it: https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block. A
    window that was not compared is left out: a chart has no gaps. The windows are in order of time.
    """
    compared = [
        (format_day(window.start), window.figures)
        for window in windows
        if window.figures is not None and window.figures.verdict != "not_enough_data"
    ]
    if len(compared) < MIN_WINDOWS:
        return []
    shares = {
        "Prompts": [figures.input.significant_share for _, figures in compared],
        "Responses": [figures.output.significant_share for _, figures in compared],
    }
    days = [day for day, _ in compared]
    series = [
        {
            "name": name,
            "data": [
                {"label": day, "value": round(100 * value, 1)}
                for day, value in zip(days, values, strict=True)
            ],
        }
        for name, values in shares.items()
    ]
    axes = {"categories": days, "x_label": "First day of the window", "y_label": "Share, %"}
    chart = {"type": "line", "series": series, "axis_config": axes}
    return [{"type": TYPE, "title": TITLE, "chart": chart}]


def describe_chart(block: dict[str, Any]) -> str:
    """Return a chart as lines of blocks, with the last value."""
    chart = block["chart"]
    first, *_, last = chart["axis_config"]["categories"]
    values = [point["value"] for line in chart["series"] for point in line["data"]]
    scale = max([MIN_SCALE, *values])
    lines = [f"{block['title']}, {first} to {last}; full height: {scale:g}%"]
    for line in chart["series"]:
        heights = [point["value"] / scale for point in line["data"]]
        latest = line["data"][-1]["value"]
        lines.append(f"{draw_sparkline(heights)} {line['name']}, last {latest:g}%")
    return "\n".join(lines)
