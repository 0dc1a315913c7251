"""Figures of each section, on small windows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.drift.limited_process import Completed, Failed
from bench.drift.peers.permutation_mmd import Form
from bench.drift.plan import QUICK
from bench.drift.sections import looks, scaling, side_by_side, slow_drift, speed, years
from bench.drift.sections.timing import Timing, time_permutation_mmd
from bench.drift.sources import traffic
from bench.drift.sources.synthetic import make_synthetic
from monitor.bench import drifted_share, false_alarms, location, power
from monitor.bench.campaign import Campaign
from monitor.bench.report import Table
from monitor.bench.row import write_rows
from monitor.bench.trial import Outcome
from monitor.bench.windows import WindowSpec

PLAN = replace(
    QUICK,
    power_trials=2,
    location_trials=2,
    slow_trials=2,
    stable_years=2,
    watched_years=2,
    look_trials=1,
    look_years=1,
    peer_trials=1,
)


class Serial:
    """A worker pool that runs in this process."""

    def run(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        *,
        label: str,
        seconds: float = 0.0,
    ) -> list[Any]:
        return [function(task) for task in tasks]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("synthetic")
    make_synthetic(0, n_in_scope=6_000, n_novel=600).save(place)
    return place


@pytest.fixture
def campaign(folder: Path) -> Campaign:
    return Campaign("synthetic", folder, Serial(), PLAN, seed=0)


def test_power_is_measured_and_large_windows_are_skipped(campaign: Campaign, monkeypatch) -> None:
    rows = (
        (WindowSpec("oos", 300, 300, 0.5), 0.9),
        (WindowSpec("oos", 5_000, 5_000, 0.02), 0.9),
        (WindowSpec("oos", 7_000, 7_000, 0.02), 0.9),
    )
    monkeypatch.setattr(power, "ROWS", rows)
    monkeypatch.setattr(power, "SURGE", (WindowSpec("oos", 7_000, 7_000, 0.02), 0.05, 0.9))
    measured, too_few, left_out, _ = power.power(campaign)
    assert (
        measured.value,
        measured.holds,
        measured.goal,
    ) == (1.0, True, "interval reaches 0.9 or more")
    assert measured.measured.startswith("2 of 2; seeds 0-1; ")
    assert (
        too_few.measured
    ) == "skipped: 2% out-of-scope, n = 5,000: needs 9,900 samples; there are 6,000"
    assert left_out.measured == "left out of --quick: windows of 7,000"
    assert None is left_out.holds


def test_synthetic_data_has_no_goal_of_power(campaign: Campaign, monkeypatch) -> None:
    spec = WindowSpec("oos", 300, 300, 0.5)
    monkeypatch.setattr(power, "ROWS", ((spec, 0.9),))
    monkeypatch.setattr(power, "SURGE", (spec, 0.05, 0.9))
    campaign.has_power_goals = False
    assert [(row.goal, row.holds) for row in power.power(campaign)] == [("", None)] * 2


def test_localisation_is_measured_on_the_same_windows(
    campaign: Campaign, monkeypatch, tmp_path: Path
) -> None:
    rows = ((WindowSpec("domain", 600, 600, 0.3), 0.5), (WindowSpec("oos", 600, 600, 0.3), 0.5))
    monkeypatch.setattr(location, "ROWS", rows)
    figures = list(location.location(campaign))
    assert [figure.name for figure in figures[:2]] == [
        "precision at 50, 30% new domain, n = 600",
        "precision at 50, 30% out-of-scope, n = 600",
    ]
    assert figures[0].value > 0.5
    enriched, mostly, detected, covered = figures[2:]
    assert enriched.value >= mostly.value > 0
    assert detected.measured.startswith("2 of 2")  # the two windows with a domain, not the others
    assert 0 < covered.value <= 1
    assert len(campaign.outcomes) == 4
    write_rows(tmp_path / "bench.json", [figure.row() for figure in figures])


def outcome(estimate: float, truth: float, p_value: float = 0.5) -> Outcome:
    return Outcome(
        p_value=p_value,
        alarm=p_value <= 0.005 and estimate >= 0.005,
        estimate=estimate,
        lower=estimate / 2,
        upper=1.5 * estimate,
        drifted_share=truth,
        precision=0.0,
        n_clusters=0,
        n_enriched=0,
        n_mostly_planted=0,
        coverage=0.0,
        cpu_seconds=0.1,
    )


def test_false_alarms_are_counted_by_level_and_daemon_rule(campaign: Campaign, monkeypatch) -> None:
    monkeypatch.setattr(
        false_alarms, "ROWS", (("independent samples", WindowSpec("none", 300, 300)),)
    )
    outcomes = [outcome(0.03, 0.0, p) for p in (0.002, 0.008, 0.04, 0.2)]
    monkeypatch.setattr(Campaign, "measure", lambda *_: [*outcomes, outcome(0.001, 0.0, 0.002)])
    at_5, at_1, daemon = false_alarms.false_alarms(campaign)
    assert (at_5.value, at_1.value) == (0.8, 0.6)  # 4 and 3 of 5
    assert daemon.value == 0.2  # the others are not significant or too small
    assert (daemon.holds, daemon.goal) == (False, "<= 0.00961538")


def test_bias_and_coverage_of_the_estimate(campaign: Campaign, monkeypatch) -> None:
    monkeypatch.setattr(drifted_share, "MIXTURES", (WindowSpec("oos", 600, 600, 0.4),))
    campaign.outcomes += [outcome(0.0, 0.0)] * 9 + [outcome(0.01, 0.0)]
    bias, drifted, unchanged = drifted_share.drifted_share(campaign)
    assert bias.goal == "0.8 to 1.2"
    assert bias.holds is (0.8 <= bias.value <= 1.2)
    assert drifted.measured.startswith(("0 of 2", "1 of 2", "2 of 2"))
    assert (unchanged.value, unchanged.holds) == (0.9, True)


def test_slow_drift_is_detected_and_stable_weeks_are_counted(
    campaign: Campaign, monkeypatch
) -> None:
    for name, value in (("N", 500), ("GROWTH", 0.1), ("LAST_WEEK", 4), ("YEAR", 2)):
        monkeypatch.setattr(slow_drift, name, value)
    week, by_then, *stable = slow_drift.slow_drift(campaign, PLAN)
    assert 2.0 <= week.value <= 4.0  # one week can't tell that anything grows
    assert week.holds
    assert "2 trials, seeds 0-1; alarm in week: " in week.measured
    assert by_then.value == 1.0
    assert [figure.value for figure in stable] == [0.0] * 4
    assert [figure.holds for figure in stable] == [True, None, True, None]
    assert stable[0].measured.startswith("2 years")


def test_alarms_of_drift_free_years_are_counted(campaign: Campaign, monkeypatch) -> None:
    traffic.save_texts([f"text {row % 40}" for row in range(6_600)], campaign.folder)
    small = {
        "N": 200,
        "PARTS": 1,
        "WEEKS": 2,
        "BASELINE": {"weekly": (7, 300), "daily": (7, 1_400)},
        "WINDOWS_A_YEAR": {"weekly": 2, "daily": 1},
    }
    for name, value in small.items():
        monkeypatch.setattr(years, name, value)
    figures = list(years.years(campaign, replace(PLAN, drift_free_years=1)))
    weekly, daily = (figures[2], figures[5])
    assert (weekly.value, weekly.holds) == (0.0, True)
    assert weekly.measured.startswith("0 in 1 years; 2 windows against 1 baselines, seeds from 0; ")
    assert weekly.interval == pytest.approx((0.0, 3.69), abs=0.01)
    assert (daily.value, daily.goal) == (0.0, "interval reaches 0.5 or less")
    assert figures[-2].measured.startswith("0 of 1")


def test_looks_alarm_at_large_changes_and_in_no_year(campaign: Campaign, monkeypatch) -> None:
    small = (("N_DAY", 400), ("N_BASELINE", 800), ("N_REQUIRED", 0), ("NEW_SHARE", 0.6))
    for name, value in (*small, ("FALLEN_RATE", 0.1), ("SMALL_BASELINE", 800), ("LOOKS", 2)):
        monkeypatch.setattr(looks, name, value)
    monkeypatch.setattr(looks, "KINDS", {"out-of-scope": 0})
    *alarms, counted, alarmed = looks.looks(campaign, PLAN)
    assert [figure.value for figure in alarms] == [1.0] * 4
    assert [figure.holds for figure in alarms] == [True, None] * 2
    assert (counted.value, counted.holds, alarmed.value) == (0.0, True, 0.0)


def test_methods_are_compared_in_one_table(campaign: Campaign, monkeypatch) -> None:
    monkeypatch.setattr(side_by_side, "SCENARIOS", (("none", 0.0), ("oos", 0.5)))
    plan = replace(PLAN, peer_sizes=(200,))
    (table,) = side_by_side.side_by_side(campaign, plan)
    assert isinstance(table, Table)
    assert table.headings == ("method", "no drift", "50% out-of-scope", "CPU time")
    assert tuple(line[0] for line in table.lines[:2]) == ("driftwarden", "Evidently model")
    assert {4} == {len(line) for line in table.lines}
    assert table.lines[0][2] == "1.00 (0.03-1.00)"
    assert len(table.figures) == 30  # ten methods: two scenarios and the time


def timed(function: Callable[..., Any], spec: str, *_: Any, seconds: float) -> Completed | Failed:
    if spec in ("driftwarden", "Evidently mmd"):
        return Completed(Timing(0.5, 0.5) if spec == "driftwarden" else Timing(4.0, 4.0))
    if spec == "Evidently mmd, bootstrap":
        return Failed(f"did not finish in {seconds:g} s", timed_out=True)
    if spec is Form.ONE_BY_ONE:
        return Failed("its process ended with exit status -9")
    return Completed((Timing(20.0 if spec is Form.PRODUCTS else 200.0, 20.0), "3 of 999 timed"))


def test_speed_is_a_ratio_bounded_by_the_time_limit(monkeypatch) -> None:
    monkeypatch.setattr(speed, "run_limited", timed)
    plan = replace(QUICK, speed_sizes=(10_000,), limit_seconds=30)
    ours, mmd, bootstrap, products, one_by_one, reordered = speed.speed(plan, seed=0)
    assert ours.value == 0.5
    assert (mmd.value, mmd.holds) == (8.0, None)
    assert (bootstrap.value, bootstrap.holds) == (60.0, None)
    assert bootstrap.measured == "or more: it did not finish in 30 s"
    assert (products.value, products.holds) == (40.0, None)
    assert (
        one_by_one.value,
        one_by_one.measured,
    ) == (None, "its process ended with exit status -9")
    assert (reordered.value, reordered.goal, reordered.holds) == (400.0, ">= 50", True)


def test_permutation_time_is_extrapolated_from_a_few_labellings() -> None:
    timing, how = time_permutation_mmd(lambda: None, Form.REORDERED, 500, 0)
    assert timing.seconds > 0
    assert how.endswith("3 of 999 timed")


def test_cost_is_relative_to_the_smallest_size(monkeypatch) -> None:
    costs = {10_000: (1.0, 100e6), 50_000: (5.0, 200e6), 100_000: (13.0, 205e6)}

    def compared(_: Any, n: int, *__: Any, seconds: float) -> Completed:
        cpu, extra = costs[n]
        return Completed((Timing(cpu, cpu), int(extra)))

    monkeypatch.setattr(scaling, "run_limited", compared)
    figures = {f.name: f for f in scaling.scaling(replace(QUICK, scaling_sizes=tuple(costs)), 0)}
    assert figures["CPU time per sample, 10,000 samples in all"].value == 100.0
    flat = figures["CPU time per sample, 50,000 against 10,000 samples"]
    assert (flat.value, flat.holds) == (1.0, True)
    steep = figures["CPU time per sample, 100,000 against 10,000 samples"]
    assert (pytest.approx(steep.value), steep.holds) == (1.3, False)
    filling = "growth of that memory per byte of input, from 10,000 to 50,000 samples"
    assert figures[filling].goal == ""
    filled = figures["growth of that memory per byte of input, from 50,000 to 100,000 samples"]
    assert (pytest.approx(5 / 38.4), True) == (filled.value, filled.holds)


def test_gpu_row_without_a_gpu_is_skipped(monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (figure,) = scaling.gpu(seed=0)
    assert (figure.value, figure.measured) == (None, "skipped: torch finds no CUDA device")
