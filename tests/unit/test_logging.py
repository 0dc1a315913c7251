"""What the log of a daemon holds, and what it leaves out."""

import logging
from collections.abc import Iterator

import pytest

from monitor.telemetry import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the root logger as the other tests know it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_lines_of_the_schedule_do_not_bury_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(json=True)

    for name in ("apscheduler.executors.default", "alembic.runtime.migration", "monitor.traffic"):
        logging.getLogger(name).info("running a job")
        logging.getLogger(name).warning("a job failed")

    lines = capsys.readouterr().err.splitlines()
    assert 4 == len(lines)
    assert ["monitor.traffic"] == [
        line.split('"logger": "')[1].split('"')[0] for line in lines if "running a job" in line
    ]
