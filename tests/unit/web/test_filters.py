"""Filters of templates."""

import re
from datetime import UTC, datetime

import pytest

from monitor.web import filters
from monitor.web.filters import sentence, usual_time
from monitor.web.templates import page_folders


@pytest.mark.parametrize(
    ("minutes", "number"),
    [(0.4, "a minute"), (1.2, "1 minute "), (1.6, "2 minutes "), (12, "12 m")],
)
def test_the_usual_time_is_rounded(minutes: float, number: str) -> None:
    assert number in usual_time(minutes)


@pytest.mark.parametrize(
    ("message", "begins"),
    [
        ("desk: the rollout runs", "desk: the rollout runs."),
        ("the rollout runs: end it", "The rollout runs: end it."),
        ("x", "X."),
        ("", "."),
    ],
)
def test_a_sentence_leaves_the_name_that_it_begins_with(message: str, begins: str) -> None:
    assert begins == sentence(message)


#: Formats that a template would choose itself. In SVG coordinates are rounded.
OWN_FORMATS = re.compile(r"strftime|isoformat|\{:[,.+]|percent\(|\|\s*format\(")


def test_templates_format_no_figure_themselves() -> None:
    """An error rate read 49% on one page and 49.2% on the next."""
    templates = [path for folder in page_folders("templates") for path in folder.glob("*.html")]
    assert len(templates) > 40
    own = [
        f"{path.name}: {match[0]}"
        for path in templates
        for match in OWN_FORMATS.finditer(path.read_text())
    ]
    assert own == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (filters.percent(0.4921), "49.2%"),
        (filters.percent(0.0), "0.0%"),
        (filters.axis_end(0.7), "70%"),
        (filters.relative(-0.4051), "-40.5%"),
        (filters.points_of_100(0.05), "5.0 points"),
        (filters.count(1234.6), "1,235"),
        (filters.quantity(1234.0), "1,234"),
        (filters.quantity(4.82), "4.8"),
        (filters.signed(0.349), "+0.35"),
        (filters.seconds(95), "2 min"),
        (filters.second(datetime(2026, 11, 1, 23, 4, 5, tzinfo=UTC)), "1 Nov 2026, 23:04:05"),
    ],
)
def test_each_kind_of_figure_has_one_format(text: str, expected: str) -> None:
    assert expected == text
