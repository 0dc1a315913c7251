"""Filters of templates."""

import pytest

from monitor.web.filters import usual_time


@pytest.mark.parametrize(
    ("minutes", "number"),
    [(0.4, "a minute"), (1.2, "1 minute "), (1.6, "2 minutes "), (12, "12 m")],
)
def test_the_usual_time_is_rounded(minutes: float, number: str) -> None:
    assert number in usual_time(minutes)
