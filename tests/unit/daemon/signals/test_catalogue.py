"""The table of signals: what tells each exists, and so does the test that cuts it."""

import ast
import re
from pathlib import Path

import pytest

from monitor.alerts.causes import CAUSES
from monitor.daemon.signals.catalogue import SENSORS, TESTS, Sensor

ROOT = Path(__file__).parents[4]
ALERTS = set(
    re.findall(r"- alert: (\w+)", (ROOT / "deploy/prometheus/rules.yaml").read_text("utf-8"))
)


def names_of_tests(file: Path) -> set[str]:
    """Return the tests that pytest collects in a file, without those that are always skipped."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert file.name.startswith("test_")
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not any("skip" in ast.unparse(mark) for mark in node.decorator_list)
    }


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.signal)
def test_signal_has_a_cause_and_a_test_that_cuts_it(sensor: Sensor) -> None:
    assert sensor.told_by in {*CAUSES, *ALERTS}
    file, _, name = sensor.test.partition("::")
    path = ROOT / file if file.startswith("tests/") else ROOT / TESTS / file
    assert name in names_of_tests(path)


def test_each_signal_is_listed_once() -> None:
    names = [sensor.signal for sensor in SENSORS]
    assert len(names) == len(set(names))
    silent = {"signal_missing", "no_traffic", "looks_overdue", "backup_overdue"}
    assert silent <= {sensor.told_by for sensor in SENSORS}
