"""Intervals, goals, and the format of figures."""

import io
import json

from bench.drift.sections.slow_drift import count_onsets, first_alarm
from monitor.bench.figure import error_rate, mean, missing, rate, share, single
from monitor.bench.report import Report, Table, summarize
from monitor.bench.row import write_rows


def test_a_rate_holds_while_its_interval_reaches_alpha() -> None:
    assert error_rate("r", 0, 100, 0.05, "").holds is True
    assert error_rate("r", 9, 100, 0.05, "").holds is True
    assert error_rate("r", 12, 100, 0.05, "").holds is False


def test_events_a_year_hold_while_their_interval_reaches_the_goal() -> None:
    figure = rate("r", 4, 10.0, "seeds", at_most=0.5)
    assert (figure.value, figure.holds) == (0.4, True)
    assert figure.measured == "4 in 10 years; seeds"
    assert rate("r", 12, 10.0, "", at_most=0.5).holds is False
    assert rate("r", 12, 10.0, "", at_most=None).holds is None


def test_a_bound_is_met_by_the_value_itself() -> None:
    assert share("s", 17, 20, "", at_least=0.85).holds is True
    assert share("s", 16, 20, "", at_least=0.85).holds is False
    assert mean("m", [0.5, 0.7], "", at_least=0.6).holds is True
    assert single("t", 1.2, "", at_most=1.15).holds is False
    assert single("t", 1.2, "").holds is None


def test_the_interval_of_a_share_stays_within_its_limits() -> None:
    assert mean("m", [0.2, 0.9], "", largest=1.0).interval == (0.0, 1.0)
    low, high = mean("m", [0.0, 4.0], "").interval
    assert low == 0.0
    assert high > 4.0


def test_a_line_carries_value_interval_goal_and_verdict() -> None:
    out = io.StringIO()
    report = Report([out])
    report.title("Power")
    report.add(share("power", 16, 20, "seeds 0-19", at_least=0.85))
    report.add(missing("more power", "skipped: too few", at_least=0.9))
    lines = out.getvalue().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert lines[0] == "## Power"
    assert cells[0] == ["figure", "value", "95% interval", "goal", "", "measured"]
    assert cells[2:] == [
        ["power", "0.8", "0.563 - 0.943", ">= 0.85", "MISSED", "16 of 20; seeds 0-19"],
        ["more power", "", "", ">= 0.9", "", "skipped: too few"],
    ]
    assert summarize(report.figures) == "2 goals: 0 held, 1 missed, 1 not measured."


def test_a_table_is_printed_whole_and_its_figures_are_kept() -> None:
    out = io.StringIO()
    report = Report([out])
    report.subject = "data"
    figure = single("time of a", 2.0, "once", unit="s")
    report.add(Table("Times.", ("method", "time"), (("a", "2 s"),), (figure,)))
    lines = ["Times.", "", "| method | time |", "| ------ | ---- |", "| a | 2 s |"]
    assert lines == out.getvalue().splitlines()
    assert [figures.name for figures in report.figures] == ["data: time of a"]


def test_rows_are_written_with_documented_names(tmp_path) -> None:
    path = tmp_path / "build" / "bench.json"
    write_rows(path, [share("power", 3, 4, "seeds 0-3", at_least=0.5).row()])
    (row,) = json.loads(path.read_text(encoding="utf-8"))
    assert list(row) == ["area", "name", "value", "unit", "goal", "holds", "against"]
    assert (
        row["area"],
        row["value"],
        row["goal"],
        row["holds"],
    ) == ("drift", 0.75, ">= 0.5", True)
    assert row["against"] == "95% interval 0.1941 to 0.9937; 3 of 4; seeds 0-3"


def test_the_week_of_the_first_alarm_is_counted_from_one() -> None:
    assert first_alarm([True, False]) == 1
    assert first_alarm([False, False, True, True]) == 3
    assert first_alarm([False, False]) == 3


def test_an_alarm_that_lasts_is_one() -> None:
    assert count_onsets([False] * 52) == 0
    assert count_onsets([True] * 52) == 1
    assert count_onsets([True, True, False, True]) == 2
