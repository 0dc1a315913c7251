"""The window chart: bars, lines, gaps, labels and incidents."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from monitor.review.decision.error_rate import ControlSlice, estimate_rate
from monitor.review.decision.rule import Baseline
from monitor.review.decision.weekly_rates import WeeklyRate
from monitor.store.windows.assessment import SlowDrift
from monitor.store.windows.incident_spans import IncidentSpan
from monitor.store.windows.window_figures import AssessmentFigures, FamilyFigures, WindowFigures
from monitor.web.drift.window_chart import LANE, MAX_WIDTH, WIDTH, WindowChart, draw_windows
from tests.support.windows.assessments import estimated

WEEK = timedelta(weeks=1)
START = datetime(2026, 1, 5, tzinfo=UTC)


def family(drifted: float | None) -> FamilyFigures:
    if drifted is None:
        return FamilyFigures(
            verdict="not_enough_data", alarm=False, p_value=1.0, drifted_share=estimated(0.0)
        )
    return FamilyFigures(
        verdict="drift" if drifted else "no_drift",
        alarm=drifted >= 0.02,
        p_value=0.001 if drifted else 0.4,
        drifted_share=estimated(drifted),
    )


def window(number: int, drifted: float | None = 0.0, *, status: str = "done") -> WindowFigures:
    figures = None
    if status == "done":
        figures = AssessmentFigures(
            verdict="drift" if drifted else "no_drift",
            alarm=bool(drifted),
            headline="",
            n_current=500,
            input=family(drifted),
            output=family(0.0),
        )
    start = START + number * WEEK
    return WindowFigures(number + 1, start, start + WEEK, status, figures)


def rated(errors: int, n: int, *, version: str = "3", launch: float = 0.08) -> list[WeeklyRate]:
    control = ControlSlice(n_drawn=60, n_excluded=0, n=n, errors=errors, n_reused=0)
    rate = estimate_rate(errors, n) if n else None
    return [WeeklyRate(version, control, rate, Baseline(launch * 100, 100, "evaluation"))]


def chart(windows: list[WindowFigures], **options: object) -> WindowChart:
    return draw_windows(windows, (), 0.02, **options)


def test_a_single_window_is_a_narrow_bar() -> None:
    drawn = chart([window(0, 0.3)], rates={1: rated(6, 60)}, here=1)
    (bar,) = drawn.lanes[0].bars
    assert bar.width <= MAX_WIDTH
    assert bar.height == pytest.approx(LANE)
    (column,) = drawn.columns
    assert column.is_here
    assert drawn.rates is not None
    assert drawn.rates.lines == ()
    assert len(drawn.rates.rates) == 1
    assert [tick.label for tick in drawn.ticks] == ["Jan 2026"]


@pytest.mark.parametrize("n", [1, 3, 12, 13, 52])
def test_the_newest_window_is_at_the_right_end(n: int) -> None:
    drawn = chart([window(number, 0.1) for number in range(n)])
    newest = drawn.columns[-1]
    assert pytest.approx(drawn.start + newest.x + newest.width, abs=0.1) == WIDTH
    assert drawn.start == 0 or n < 13


def test_hundreds_of_windows_fit() -> None:
    windows = [window(at, 0.01 * (at % 5)) for at in range(400)]
    drawn = chart(windows, rates={at: rated(at % 20, 60) for at in range(1, 401)})
    last = drawn.lanes[0].bars[-1]
    assert last.x + last.width <= WIDTH
    assert all(bar.width > 0 for lane in drawn.lanes for bar in lane.bars)
    apart = [b.x - a.x for a, b in zip(drawn.ticks, drawn.ticks[1:], strict=False)]
    assert min(apart) > WIDTH / 24


def test_a_week_without_verdicts_is_a_gap() -> None:
    windows = [window(at) for at in range(6)]
    rates = {1: rated(5, 60), 2: rated(6, 60), 3: rated(0, 0), 5: rated(9, 60), 6: rated(8, 60)}
    drawn = chart(windows, rates=rates)
    assert drawn.rates is not None
    assert len(drawn.rates.rates) == 4
    assert [len(line.split()) for line in drawn.rates.lines] == [2, 2]


def test_whiskers_are_the_interval_on_the_scale() -> None:
    rate = estimate_rate(15, 60)
    drawn = chart([window(0)], rates={1: rated(15, 60, launch=0.1)})
    assert drawn.rates is not None
    (dot,) = drawn.rates.rates
    height = drawn.rates.bottom - drawn.rates.top

    def share(y: float) -> float:
        assert drawn.rates is not None
        return (drawn.rates.bottom - y) / height * drawn.rates.scale

    assert share(dot.y) == pytest.approx(0.25, abs=1e-3)
    assert share(dot.lower) == pytest.approx(rate.lower, abs=1e-3)
    assert share(dot.upper) == pytest.approx(rate.upper, abs=1e-3)
    (line,) = drawn.rates.launches
    assert share(line.y) == pytest.approx(0.1, abs=1e-3)


def test_each_version_has_its_own_line_and_launch() -> None:
    windows = [window(at) for at in range(4)]
    old, new = {"version": "1", "launch": 0.05}, {"version": "2", "launch": 0.3}
    rates = {
        1: rated(6, 60, **old), 2: [*rated(9, 30, **old), *rated(3, 30, **new)],
        3: rated(4, 60, **new), 4: rated(5, 60, **new),
    }  # fmt: skip
    drawn = chart(windows, rates=rates)
    assert drawn.rates is not None
    assert sorted(len(line.split()) for line in drawn.rates.lines) == [2, 3]
    first, second = sorted(drawn.rates.launches, key=lambda line: line.version)
    assert (first.version, second.version) == ("1", "2")
    assert first.x1 < second.x1 < first.x2 < second.x2
    assert first.y > second.y
    assert "version 1 30.0%" in drawn.columns[1].title
    assert "version 2 10.0%" in drawn.columns[1].title


def test_without_verdicts_there_is_no_rate_lane() -> None:
    assert chart([window(0)]).rates is None
    assert chart([window(0)], rates={1: rated(0, 0)}).rates is None


def test_a_column_title_has_all_figures() -> None:
    windows = [window(0, 0.05), window(1, None), window(2, status="failed")]
    drawn = chart(windows, rates={1: rated(6, 60)})
    assert [column.title for column in drawn.columns] == [
        (
            "5 \N{EN DASH} 11 Jan 2026: prompts drifted, about 5% (2% to 8%) unlike the baseline "
            "(p = 0.001); responses unchanged (p = 0.40); error rate of version 3 10.0% (4.7% "
            "to 20.1%), at launch 8.0%"
        ),
        "12 \N{EN DASH} 18 Jan 2026: prompts: not enough data; responses unchanged (p = 0.40)",
        "19 \N{EN DASH} 25 Jan 2026: failed",
    ]
    assert [bar.kind for bar in drawn.lanes[0].bars] == ["alarm", "unknown", "unknown"]


def test_an_unknown_share_is_not_shown_as_0() -> None:
    (column,) = chart([window(0, 0.0001)]).columns
    assert "prompts changed, below the alert threshold, " in column.title


def test_slow_drift_is_a_bar_of_its_sum() -> None:
    share = estimated(0.04)
    slow = SlowDrift(
        verdict="drift", alarm=True, p_value=0.001, level=0.013, n_windows=3, drifted_share=share
    )
    quiet = window(0)
    assert quiet.figures is not None
    crept = replace(quiet.figures, input=replace(quiet.figures.input, slow=slow))
    drawn = chart([WindowFigures(1, quiet.start, quiet.end, "done", crept)])
    (bar,) = drawn.lanes[0].bars
    assert bar.kind == "alarm"
    assert bar.height == pytest.approx(LANE * 0.04 / 0.1)
    assert "prompts drifting slowly, about 4% (2% to 6%) so far" in drawn.columns[0].title


def test_incidents_lie_under_their_windows() -> None:
    windows = [window(at, 0.1 if at > 1 else 0.0) for at in range(4)]
    incident = IncidentSpan(7, "open", ("input",), 0.1, windows[2].start, windows[3].end, 4)
    drawn = draw_windows(windows, (incident,), 0.02)
    (span,) = drawn.spans
    assert (span.x, span.width) == (2 * MAX_WIDTH, 2 * MAX_WIDTH)
    assert span.y > drawn.bottom
    assert drawn.height > span.y
