"""Trials, methods, weeks, and the command of the drift benchmark, on small windows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from bench.drift import benchmark as whole_benchmark
from bench.drift import plan as whole_plan
from bench.drift.sections import slow_drift
from bench.drift.sections.side_by_side import Pair, run_methods
from bench.drift.sections.slow_drift import Weeks, watch, weekly_alarms
from bench.drift.sections.timing import time_comparison, time_method
from bench.drift.sources.synthetic import make_synthetic
from monitor.bench import benchmark
from monitor.bench.benchmark import LabelledData
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, single
from monitor.bench.plan import QUICK, Section
from monitor.bench.report import Report
from monitor.bench.trial import Trial, run_trial
from monitor.bench.windows import WindowSpec
from monitor.cli import bench as bench_command
from monitor.cli.app import app


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(0, n_in_scope=12_000, n_novel=1_200).save(folder)
    return folder


def test_trial_outcome_contains_the_planted_share(synthetic: Path) -> None:
    outcome = run_trial(Trial(synthetic, WindowSpec("oos", 500, 500, 0.5), seed=3, locate=True))
    assert outcome.drifted_share == 0.5
    assert outcome.p_value < 0.01
    assert outcome.alarm
    assert 0.0 < outcome.lower < outcome.estimate < outcome.upper
    assert outcome.precision > 0.8


def test_trial_with_equal_seeds_gives_equal_outcomes(synthetic: Path) -> None:
    trial = Trial(synthetic, WindowSpec("none", 300, 300, messages_per_user=5), seed=4)
    first, second = (msgspec.structs.replace(run_trial(trial), cpu_seconds=0.0) for _ in range(2))
    assert first == second
    assert 0.0 == first.drifted_share == first.coverage


def test_every_method_compares_the_same_windows(synthetic: Path) -> None:
    results = run_methods(Pair(synthetic, WindowSpec("oos", 200, 200, 0.5), seed=0))
    assert results["driftwarden"].alarm
    assert results["Evidently mmd, bootstrap"].alarm
    assert len(results) == 10


def test_weekly_alarms_come_from_single_weeks_and_slow_drift(synthetic: Path, monkeypatch) -> None:
    monkeypatch.setattr(slow_drift, "N", 1_500)
    alarms = weekly_alarms(Weeks(synthetic, (0.2,), seed=0))
    assert (alarms.alone, alarms.slow, alarms.either) == ((True,), (False,), (True,))
    states = watch(Weeks(synthetic, (0.05, 0.1, 0.15), seed=0))
    assert [states[0].alarm, states[-1].alarm] == [False, True]
    assert states[-1].drifted_share_interval[0] <= 0.15


def test_timings_exclude_preparations() -> None:
    calls: list[str] = []
    assert time_method(lambda: calls.append("ready"), "permutation MMD", 500, 0).seconds > 0
    timing, extra_bytes = time_comparison(lambda: calls.append("ready"), 1_000, 0, None)
    assert timing.cpu_seconds > 0
    # Far more than the inputs, far less than the interpreter and its libraries.
    assert 0 <= extra_bytes < 500e6
    assert calls == ["ready", "ready"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, synthetic: Path) -> None:
    """Shorten --quick, and replace the data set by a small one."""
    plan = replace(
        QUICK, null_trials=2, location_trials=1, row_seconds=float("inf"), max_window=500
    )
    monkeypatch.setattr(bench_command, "QUICK", plan)
    labelled = make_synthetic(0, n_in_scope=1_500, n_novel=10)
    monkeypatch.setattr(
        benchmark, "load_data", lambda *_: LabelledData("banking", labelled, "digest")
    )


def test_command_prints_every_row_and_writes_every_figure(small, tmp_path: Path) -> None:
    page, figures = tmp_path / "bench.md", tmp_path / "bench.json"
    options = ["--quick", "--only", "false-alarms", "--only", "location", "--seed", "5"]
    options += ["--workers", "1"]
    files = ["--data", str(tmp_path), "--markdown", str(page), "--json", str(figures)]
    result = CliRunner().invoke(app, ["bench", "drift", *options, *files])
    assert result.exit_code == 0, result.output
    rows = json.loads(figures.read_text(encoding="utf-8"))
    alarms = [row for row in rows if "false alarms" in row["name"]]
    assert len(alarms) == 16  # eight kinds of windows, two levels
    assert alarms[0]["name"] == "banking: false alarms at 0.05, independent samples, n = 500"
    assert "of 2; seeds 5-6; " in alarms[0]["against"]
    assert alarms[0]["holds"] in (True, False)
    skipped = next(row for row in alarms if "n = 2,000" in row["name"])
    assert (skipped["value"], skipped["holds"]) == (None, None)
    assert skipped["against"] == "left out of --quick: windows of 2,000"
    printed = page.read_text(encoding="utf-8")
    assert printed in result.output
    assert "### banking: 1,500 samples in scope, 10 out of scope" in printed
    assert all(row["name"].removeprefix("banking: ") in printed for row in rows)


def test_interrupted_command_keeps_its_figures(
    small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: Campaign) -> Iterator[Figure]:
        yield single("power", 0.5, "once")
        raise KeyboardInterrupt

    monkeypatch.setitem(benchmark.SECTIONS, Section.POWER, ("Power", stopped))
    figures = tmp_path / "bench.json"
    options = ["--data", str(tmp_path), "--quick", "--only", "power", "--json", str(figures)]
    assert CliRunner().invoke(app, ["bench", "drift", *options]).exit_code == 130
    assert [row["name"] for row in json.loads(figures.read_text())] == ["banking: power"]


def test_whole_benchmark_measures_both_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled = make_synthetic(1, n_in_scope=1_500, n_novel=10)
    monkeypatch.setattr(whole_benchmark, "make_synthetic", lambda _: labelled)
    plan = replace(whole_plan.QUICK, null_trials=2, row_seconds=float("inf"), max_window=500)
    report = Report([])
    whole_benchmark.run_benchmark(
        whole_benchmark.BenchmarkData(LabelledData("banking", labelled, "digest")),
        plan,
        report,
        seed=0,
        sections=[whole_plan.Section.FALSE_ALARMS, whole_plan.Section.SLOW_DRIFT],
        n_processes=1,
    )
    by_subject = {
        name: [figure for figure in report.figures if figure.name.startswith(f"{name}: ")]
        for name in ("banking", "synthetic")
    }
    # eight kinds of windows at two levels, the rule of the daemon, and three rows of slow drift
    assert [len(figures) for figures in by_subject.values()] == [20, 20]
    assert report.figures[0].measured.startswith(("0 of 2; ", "1 of 2; ", "2 of 2; "))
