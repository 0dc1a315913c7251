"""Trials, the data they are drawn from, and the benchmark as a whole."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from bench.drift.sections.side_by_side import Pair, judge
from bench.drift.sections.slow_drift import Weeks, watch
from bench.drift.sections.slow_drift import judge as judge_weeks
from bench.drift.sections.timing import time_comparison, time_method
from bench.drift.sources.synthetic import make_synthetic
from monitor.bench import benchmark
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, single
from monitor.bench.plan import QUICK, Section
from monitor.bench.texts import read_texts
from monitor.bench.trial import Trial, planted_shares, run_trial
from monitor.bench.windows import Windows, WindowSpec
from monitor.cli import bench as bench_command
from monitor.cli.app import app
from monitor.drift import Cluster
from monitor.errors import InputError
from monitor.settings import Traffic


def cluster(members: list[int]) -> Cluster:
    return Cluster(
        members=np.array(members),
        medoid=members[0],
        size=len(members),
        share_current=0.1,
        share_reference=0.0,
        enrichment=2.0,
        enrichment_lower=1.0,
        enrichment_upper=3.0,
        adjusted_p_value=0.01,
    )


def test_clusters_are_judged_by_the_planted_share_of_their_members() -> None:
    planted = np.array([False, False, True, True])
    windows = Windows(np.arange(4), np.arange(4), planted, 0.5)
    shares = planted_shares((cluster([2, 3]), cluster([0, 1, 2, 3]), cluster([0, 1])), windows)
    assert [1.0, 0.5, 0.0] == shares


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(0, n_in_scope=12_000, n_novel=1_200).save(folder)
    return folder


def test_a_trial_knows_the_truth(synthetic: Path) -> None:
    outcome = run_trial(Trial(synthetic, WindowSpec("oos", 500, 500, 0.5), seed=3, locate=True))
    assert 0.5 == outcome.drifted_share
    assert outcome.p_value < 0.01
    assert 0.0 < outcome.drifted_share_lower_bound <= 0.5
    assert not outcome.bound_exceeds_truth
    assert outcome.precision > 0.8


def test_a_trial_is_a_function_of_its_seed(synthetic: Path) -> None:
    trial = Trial(synthetic, WindowSpec("none", 300, 300, messages_per_user=5), seed=4)
    one, two = run_trial(trial), run_trial(trial)
    assert msgspec.structs.replace(one, cpu_seconds=0.0) == msgspec.structs.replace(
        two, cpu_seconds=0.0
    )
    assert 0.0 == one.drifted_share == one.coverage


def test_every_method_judges_the_same_windows(synthetic: Path) -> None:
    verdicts = judge(Pair(synthetic, WindowSpec("oos", 200, 200, 0.5), seed=0))
    assert verdicts["driftwarden"].alarm
    assert verdicts["Evidently mmd, bootstrap"].alarm
    assert 10 == len(verdicts)


def test_weeks_are_judged_alone_and_watched_together(synthetic: Path) -> None:
    alarms = judge_weeks(Weeks(synthetic, (0.2,), seed=0))
    assert ((True,), (False,), (True,)) == (alarms.alone, alarms.slow, alarms.either)
    told = watch(Weeks(synthetic, (0.03, 0.06, 0.09), seed=0))
    assert [False, True] == [told[0].alarm, told[-1].alarm]
    assert told[-1].drifted_share_lower_bound <= 0.09


def test_timings_are_of_the_call_alone() -> None:
    calls: list[str] = []
    assert time_method(lambda: calls.append("ready"), "permutation MMD", 500, 0).seconds > 0
    timing, extra_bytes = time_comparison(lambda: calls.append("ready"), 1_000, 0, None)
    assert timing.cpu_seconds > 0
    # Far more than the inputs, far less than the interpreter and its libraries.
    assert 0 <= extra_bytes < 500e6
    assert ["ready", "ready"] == calls


def write_clinc(folder: Path) -> None:
    folder.mkdir()
    splits = '{"train": [["hi", "greet"], ["pay", "bill"]], "oos_test": [["moon?", "oos"]]}'
    (folder / "data_full.json").write_text(splits, encoding="utf-8")
    (folder / "domains.json").write_text('{"talk": ["greet"], "bank": ["bill"]}', encoding="utf-8")


@pytest.mark.parametrize("inside", [False, True])
def test_clinc_is_read_as_it_is_published(tmp_path: Path, inside: bool) -> None:
    write_clinc(tmp_path / "clinc150")
    read = read_texts(tmp_path / "clinc150" if inside else tmp_path, Traffic())
    assert "CLINC150" == read.name
    assert ["hi", "pay", "moon?"] == list(read.texts)
    assert [1, 0, -1] == read.topics.tolist()
    assert [1, 0, -1] == read.domains.tolist()


def test_exchanges_name_their_topics(tmp_path: Path) -> None:
    lines = [
        '{"prompt": "a", "metadata": {"topic": "cards", "domain": "bank"}}',
        '{"prompt": [{"role": "user", "content": "b"}], "task_type": "travel"}',
        '{"prompt": "c"}',
    ]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    read = read_texts(tmp_path, Traffic())
    assert ["a", "b", "c"] == list(read.texts)
    assert [0, 1, -1] == read.topics.tolist()
    assert [0, 1, -1] == read.domains.tolist()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no data set; give a folder"),
        ('{"prompt": "a", "task_type": "x"}\n', r"1 topic\(s\) in 1 exchanges"),
        ("not json\n", "line 1: invalid_json"),
    ],
)
def test_a_folder_that_holds_no_data_set_is_told(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "some.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_texts(tmp_path, Traffic())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let --quick be quicker still."""
    monkeypatch.delenv("DRIFTWARDEN_DATA", raising=False)
    monkeypatch.setattr(
        benchmark, "make_synthetic", lambda seed: make_synthetic(seed, n_in_scope=1_500, n_novel=10)
    )
    plan = replace(QUICK, null_trials=3, row_seconds=float("inf"), largest_window=500)
    monkeypatch.setattr(bench_command, "QUICK", plan)


def test_the_benchmark_prints_every_row_and_writes_every_figure(small, tmp_path: Path) -> None:
    page, figures = tmp_path / "bench.md", tmp_path / "bench.json"
    options = ["--quick", "--only", "false-alarms", "--only", "location", "--seed", "5"]
    files = ["--markdown", str(page), "--json", str(figures)]
    result = CliRunner().invoke(app, ["bench", "drift", *options, *files])
    assert result.exit_code == 0, result.output
    rows = json.loads(figures.read_text(encoding="utf-8"))
    alarms = [row for row in rows if "false alarms" in row["name"]]
    assert 16 == len(alarms)  # eight kinds of windows, two levels
    assert "synthetic: false alarms at 0.05, independent samples, n = 500" == alarms[0]["name"]
    assert "of 3; seeds 5-7; " in alarms[0]["against"]
    assert alarms[0]["holds"] in (True, False)
    skipped = next(row for row in alarms if "n = 2,000" in row["name"])
    assert (None, None) == (skipped["value"], skipped["holds"])
    assert "left out of --quick: windows of 2,000" == skipped["against"]
    printed = page.read_text(encoding="utf-8")
    assert printed in result.output
    assert "### synthetic: 1,500 samples in scope, 10 out of scope" in printed
    assert all(row["name"].removeprefix("synthetic: ") in printed for row in rows)


def test_a_run_that_is_stopped_keeps_what_it_has_measured(
    small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: Campaign) -> Iterator[Figure]:
        yield single("power", 0.5, "once")
        raise KeyboardInterrupt

    monkeypatch.setitem(benchmark.STUDIES, Section.POWER, ("Power", stopped))
    figures = tmp_path / "bench.json"
    options = ["--quick", "--only", "power", "--json", str(figures)]
    assert CliRunner().invoke(app, ["bench", "drift", *options]).exit_code == 130
    assert ["synthetic: power"] == [row["name"] for row in json.loads(figures.read_text())]


def test_two_plans_at_once_are_refused() -> None:
    result = CliRunner().invoke(app, ["bench", "drift", "--quick", "--full"])
    assert result.exit_code == 2
    assert "not both" in result.output


def test_a_folder_that_is_not_there_is_refused() -> None:
    result = CliRunner().invoke(app, ["bench", "drift", "--data", "nowhere"])
    assert isinstance(result.exception, InputError)
    assert "nowhere: no such folder" in str(result.exception)
