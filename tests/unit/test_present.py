"""Tests read the present in one place, so that the calendar's tests can set the day."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ONLY = TESTS / "support" / "present.py"
READINGS = {
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
    "time": {"time", "time_ns", "gmtime", "localtime", "ctime", "strftime"},
}

#: To parse each file would take seconds.
SUSPECT = re.compile(r"(date|time)\.(now|today|utcnow|time|gmtime|localtime|c|strf)|from time im")


def readings(source: str) -> Iterator[str]:
    """Yield each place that reads the clock's date, as ``line: name``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(ast.Name(owner) | ast.Attribute(attr=owner), attr=name):
                if name in READINGS.get(owner, ()):
                    yield f"{node.lineno}: {owner}.{name}"
            case ast.ImportFrom(module="time", names=names):
                for alias in names:
                    if alias.name in READINGS["time"]:
                        yield f"{node.lineno}: time.{alias.name}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("datetime.now(UTC)", ["1: datetime.now"]),
        ("dt.datetime.now(UTC)", ["1: datetime.now"]),
        ("field(default_factory=date.today)", ["1: date.today"]),
        ("from time import time", ["1: time.time"]),
        ("time.time()", ["1: time.time"]),
        ("time.monotonic() + time.perf_counter()", []),
        ("clock.now()", []),
    ],
)
def test_readings_of_the_present_are_found(source: str, expected: list[str]) -> None:
    assert list(readings(source)) == expected


def test_no_test_reads_the_present_itself() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(TESTS.rglob("*.py"))}
    places = [
        f"{path.relative_to(TESTS)}:{reading}"
        for path, source in sources.items()
        if path != ONLY and SUSPECT.search(source)
        for reading in readings(source)
    ]
    assert places == [], "use tests/support/present.py"
