"""Log lines of what fails again and again."""

import logging

import pytest
import structlog
from structlog.testing import capture_logs

from monitor.repeated_lines import EVERY_SECONDS, LibraryFilter, OutageLog


class Clock:
    """A clock that is moved by hand."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_an_outage_is_a_line_a_minute_and_an_end() -> None:
    clock = Clock()
    outage = OutageLog(structlog.get_logger(), monotonic=clock)
    with capture_logs() as lines:
        outage.succeeded("back")
        for _ in range(150):  # two and a half minutes, once a second
            outage.failed("gone", job="act")
            clock.seconds += 1.0
        outage.succeeded("back", job="act")
        outage.succeeded("back", job="act")
        outage.failed("gone", job="act")
    assert [(line["event"], line.get("failures"), line.get("seconds")) for line in lines] == [
        ("gone", None, None),
        ("gone", 61, 60),
        ("gone", 121, 120),
        ("back", 150, 150),
        ("gone", None, None),
    ]
    assert {line["job"] for line in lines} == {"act"}


def record(name: str, line: int) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "conn.py", line, "refused by %s", ("a",), None)


@pytest.mark.parametrize(
    ("name", "passes"), [("kafka.net", [True, False, True]), ("monitor.kafka", [True] * 3)]
)
def test_lines_of_a_library_pass_once_a_minute(name: str, passes: list[bool]) -> None:
    clock = Clock()
    sparing = LibraryFilter("kafka", monotonic=clock)
    passed = []
    for seconds in (0.0, EVERY_SECONDS - 1, 1.0):
        clock.seconds += seconds
        passed.append(sparing.filter(record(name, 7)))
    assert passed == passes
    assert sparing.filter(record(name, 8))
