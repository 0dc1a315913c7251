"""Windows of some days of the week are compared with these days of the baseline."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from monitor.cli.compare import command as compare_command
from monitor.settings import Drift, Settings
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.slow_drift import StoredSums
from monitor.windows.comparison.matched_days import match_weekdays
from monitor.windows.comparison.slow_drift import add_up_weeks
from monitor.windows.exchanges.comparison import compare_exchanges
from monitor.windows.findings.remarks import remarks_on_matched_days
from tests.support.windows.assess import assess_window

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SATURDAY = 5


def exchanges(days: list[int], *, timed: bool = True) -> Exchanges:
    n = len(days)
    return Exchanges(
        prompts=[f"p{row}" for row in range(n)],
        responses=[""] * n,
        end_users=[f"u{row}" for row in range(n)],
        task_types=[""] * n,
        occurred_at=[MONDAY + day * DAY for day in days] if timed else [],
        attributes=[{}] * n,
        prompt_vectors=np.ones((n, 1), dtype=np.float16),
        response_vectors=np.ones((n, 1), dtype=np.float16),
    )


BASELINE = exchanges([day for day in range(-14, 0) for _ in range(60)])


def matched(reference: Exchanges, current: Exchanges):
    return match_weekdays(reference, current, min_samples=100, min_end_users=20)


def test_a_saturday_is_compared_with_saturdays() -> None:
    result = matched(BASELINE, exchanges([SATURDAY] * 300))
    assert result is not None
    assert result.weekdays == (SATURDAY,)
    assert {at.weekday() for at in result.reference.occurred_at} == {SATURDAY}
    assert (len(result.reference), result.n_baseline) == (120, 840)


def test_a_part_of_a_week_is_compared_with_its_days() -> None:
    result = matched(BASELINE, exchanges([0, 1, 2] * 50))
    assert result is not None
    assert result.weekdays == (0, 1, 2)
    assert len(result.reference) == 360


def test_strays_of_a_late_clock_add_no_day() -> None:
    result = matched(BASELINE, exchanges([SATURDAY] * 99 + [6]))
    assert result is not None
    assert result.weekdays == (SATURDAY,)


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (BASELINE, exchanges(list(range(7)) * 30)),
        (BASELINE, exchanges([SATURDAY] * 300, timed=False)),
        (exchanges([0] * 840, timed=False), exchanges([SATURDAY] * 300)),
        (exchanges([-2] * 840), exchanges([SATURDAY] * 300)),  # imported: of one day
        (exchanges([day for day in range(-7, 0) for _ in range(14)]), exchanges([SATURDAY] * 50)),
        (BASELINE, exchanges([SATURDAY] * 500)),
    ],
    ids=["whole week", "window untimed", "baseline untimed", "one day", "few", "large window"],
)
def test_the_whole_baseline_is_compared(reference: Exchanges, current: Exchanges) -> None:
    assert matched(reference, current) is None


def test_remark_names_weekdays_that_need_more_baseline() -> None:
    few = matched(BASELINE, exchanges([SATURDAY] * 300))
    (remark,) = remarks_on_matched_days(few, 300)
    assert "Saturdays" in remark
    assert len(remark) > len(remarks_on_matched_days(few, 100)[0])
    assert "drift.match_weekdays" in remark
    assert remarks_on_matched_days(None, 300) == ()


def spread(window: Exchanges, seed: int) -> Exchanges:
    vectors = np.random.default_rng(seed).standard_normal((len(window), 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(window, prompt_vectors=vectors, response_vectors=vectors)


@pytest.mark.slow
def test_setting_compares_with_the_whole_baseline() -> None:
    sides = spread(BASELINE, 1), spread(exchanges([SATURDAY] * 300), 2)
    for matches, n_reference in ((True, 120), (False, 840)):
        drift = Drift(match_weekdays=matches, n_permutations=99)
        assessment = assess_window(*sides, drift=drift, seed=3).assessment
        assert assessment.n_reference == n_reference
        assert any("Saturdays" in remark for remark in assessment.remarks) == matches


class StoppedError(Exception):
    """Stops a comparison where its settings are known."""


def seen_settings(monkeypatch: pytest.MonkeyPatch, function: str) -> list[Settings]:
    seen: list[Settings] = []

    def stop(*arguments: object, **_: object) -> None:
        seen.extend(argument for argument in arguments if isinstance(argument, Settings))
        raise StoppedError

    monkeypatch.setattr(function, stop)
    return seen


@pytest.mark.parametrize(
    ("arguments", "matches"), [([], True), (["--all-days"], False)], ids=["default", "all"]
)
def test_command_compares_with_all_days_on_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], matches: bool
) -> None:
    seen = seen_settings(monkeypatch, "monitor.windows.reading.two_files.read_two_files")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(compare_command.compare)
    result = CliRunner().invoke(app, ["a.jsonl", "b.jsonl", *arguments])
    assert isinstance(result.exception, StoppedError)
    assert [settings.drift.match_weekdays for settings in seen] == [matches]


@pytest.mark.parametrize("matches", [None, True, False])
def test_python_compares_with_all_days_on_request(
    monkeypatch: pytest.MonkeyPatch, matches: bool | None
) -> None:
    seen = seen_settings(monkeypatch, "monitor.windows.exchanges.comparison.compare_files")
    with pytest.raises(StoppedError):
        compare_exchanges(
            [{"prompt": "a"}],
            [{"prompt": "b"}],
            config={"drift": {"match_weekdays": False}},
            match_weekdays=matches,
        )
    assert [settings.drift.match_weekdays for settings in seen] == [bool(matches)]


def sums_of(day: int) -> StoredSums:
    return StoredSums(
        MONDAY + day * DAY, MONDAY + (day + 1) * DAY, {"counts": np.array([float(day), 1.0])}
    )


def test_days_add_up_to_weeks_that_have_ended() -> None:
    weeks, weekdays = add_up_weeks([sums_of(day) for day in range(17)])
    assert [week.start for week in weeks] == [MONDAY, MONDAY + 7 * DAY]
    assert [week.sums["counts"].tolist() for week in weeks] == [[21.0, 7.0], [70.0, 7.0]]
    assert weekdays == frozenset(range(7))


def test_no_week_has_ended_on_its_saturday() -> None:
    assert add_up_weeks([sums_of(day) for day in range(6)]) == ([], frozenset())


def test_weeks_are_compared_by_the_days_of_the_last() -> None:
    """The last week lacks its Friday; the first has it, and the second no Saturday."""
    days = [*range(13), *range(14, 18), 19, 20]
    weeks, weekdays = add_up_weeks([sums_of(day) for day in days])
    assert weekdays == frozenset({0, 1, 2, 3, 5, 6})
    assert [week.start for week in weeks] == [MONDAY, MONDAY + 14 * DAY]
    assert weeks[0].sums["counts"].tolist() == [0 + 1 + 2 + 3 + 5 + 6, 6.0]
