"""`driftwarden demo`: with a tiny model, with a user's exchanges, and as a new process."""

import json
import os
import random
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from monitor.store.engine import make_engine, transaction
from monitor.store.tables import (
    GoldExample,
    Incident,
    ModelVersion,
    Report,
    Review,
    ReviewItem,
    Rollout,
)
from monitor.store.training.candidate_evaluations import list_candidate_evaluations
from monitor.store.training.candidate_results import (
    CANDIDATE,
    INCUMBENT,
    PROMPTED,
    CandidateResults,
)
from tests.services.warm_interpreter import warm_interpreter
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.places import wrong_words

COMMAND = Path(sys.executable).with_name("driftwarden")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"}


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "demo", *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_is_a_story(printed: str, folder: Path) -> None:
    """Assert that no line is one of a log, and that the log's file is named."""
    for line in printed.splitlines():
        assert not line.lstrip(" │").startswith("{"), line
        assert '"event"' not in line
    log = folder / "demo.log"
    assert "demo.log" in printed
    assert 0o600 == stat.S_IMODE(log.stat().st_mode)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert not [event for event in events if event["level"] in {"error", "critical"}]


def assert_forgetting_is_stopped(folder: Path, *, follows_examples: bool) -> None:
    """Assert that the candidate without replay fails the check against forgetting, as measured.

    Args:
        folder: Folder of the demo.
        follows_examples: Whether the base model learns from examples in its prompt.
    """
    engine = make_engine(f"sqlite:///{folder / 'driftwarden.db'}")
    with transaction(engine) as connection:
        launched, forgetful, retained = reversed(list_candidate_evaluations(connection))
    engine.dispose()
    at_launch, lost, held = (row.results for row in (launched, forgetful, retained))
    assert at_launch is not None and lost is not None and held is not None  # noqa: PT018
    assert exact_match(at_launch, CANDIDATE, "") >= 0.85
    if follows_examples:
        assert exact_match(at_launch, PROMPTED, "") > 0
    assert "reject" == lost.gate_result
    assert exact_match(lost, CANDIDATE, "split=old") < exact_match(lost, INCUMBENT, "split=old")
    # It learned: what stops it is what it forgot.
    outcomes = {(check.code, check.outcome) for check in lost.checks}
    assert {("better", "passed"), ("retention", "failed")} <= outcomes
    assert "replay_share" in lost.next_step or len({c for c, o in outcomes if o == "failed"}) > 1
    assert "promote" == held.gate_result
    assert {"passed"} == {check.outcome for check in held.checks}
    assert {"better", "retention", "not_worse_than_base", "not_worse_than_prompted"} <= {
        check.code for check in held.checks
    }
    assert exact_match(held, CANDIDATE, "split=new") >= 0.5


def assert_references_are_read(folder: Path) -> None:
    """Assert that later evaluations name version 1 and the base by the digests of the first."""
    first, *later = (generators(run) for run in sorted((folder / "runs").glob("run-*")))
    assert 2 == len(later)
    for of_run in later:
        assert (first["candidate"], first["base"]) == (of_run["incumbent"], of_run["base"])
    assert 3 == len({of_run["candidate"] for of_run in (first, *later)})


def generators(run: Path) -> dict[str, str]:
    """Return the digest of what the responses of each system depended on."""
    (file,) = run.glob("evaluation-responses-*.jsonl")
    rows = map(json.loads, file.read_text().splitlines())
    return {row["by"]: row["generator"] for row in rows if "generator" in row}


def exact_match(results: CandidateResults, system: str, stratum: str) -> float:
    return next(
        score.value
        for score in results.scores_of(system)
        if (score.stratum, score.metric) == (stratum, "exact_match")
    )


@pytest.mark.language_model
@pytest.mark.timeout(600)
def test_the_whole_loop_with_a_tiny_model(tmp_path: Path) -> None:
    folder, log = tmp_path / "demo", tmp_path / "demo.log"
    with log.open("wb") as output:
        demo = warm_interpreter().start_command(
            *("demo", "--fast", "--folder", folder.name),  # as `make demo` has it: relative
            env=ENVIRONMENT, cwd=tmp_path, output=output, warm_children=True,
        )  # fmt: skip
        status = demo.wait()
    printed = log.read_text()
    assert status == 0, printed[-9000:]
    assert_is_a_story(printed, folder)
    assert_forgetting_is_stopped(folder, follows_examples=False)
    assert_references_are_read(folder)

    engine = make_engine(f"sqlite:///{folder / 'driftwarden.db'}")
    with transaction(engine) as connection:

        def count(table: type) -> int:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

        versions = connection.execute(select(ModelVersion.version, ModelVersion.stage))
        stages = {row.version: row.stage for row in versions}
        n_items, n_reviews, n_gold = count(ReviewItem), count(Review), count(GoldExample)
        n_incidents, n_reports = count(Incident), count(Report)
        rollouts = [
            tuple(row)
            for row in connection.execute(
                select(Rollout.status, Rollout.weight_percent).order_by(Rollout.id)
            )
        ]
    assert [] == wrong_words(engine)
    engine.dispose()
    # One incident in four weeks: the quiet ones raised none.
    assert 1 == n_incidents
    assert {1: "archived", 2: "rejected", 3: "production"} == stages
    assert [("reverted", 0), ("completed", 100)] == rollouts
    assert 2 * n_gold == n_reviews
    assert 4 == n_items - n_gold
    assert 1 == n_reports, "Evidently's, which takes long, of the week that is shown"
    assert (folder / "report.html").is_file()
    assert (folder / "report-evidently.html").is_file()


@pytest.mark.drill
@pytest.mark.language_model
@pytest.mark.timeout(3000)
def test_the_whole_loop_with_a_real_model(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = run_demo("--folder", str(folder))
    assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
    assert "" == done.stderr
    assert_is_a_story(done.stdout, folder)
    assert_forgetting_is_stopped(folder, follows_examples=True)
    assert_references_are_read(folder)


def own_exchanges(
    path: Path, frames: tuple[str, ...], n: int, start: datetime, rng: random.Random
) -> Path:
    """Write exchanges at intervals of an hour."""
    lines = [
        json.dumps(
            {
                "timestamp": (start + timedelta(minutes=20 * i)).isoformat(),
                "user": f"u{rng.randrange(10**6)}",
                "prompt": rng.choice(frames).format(rng.randrange(10**6)),
                "response": "noted",
            }
        )
        for i in range(n)
    ]
    path.write_text("\n".join([*lines, "{broken"]) + "\n")
    return path


def test_own_exchanges_are_evaluated_by_week_and_queued(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    rng = random.Random(4)
    start = datetime(2026, 10, 5, tzinfo=UTC)
    old = ("please return order {}", "where is parcel {}", "change the address of order {}")
    new = (*old, "which of your phones has model number {} and a good camera?")
    baseline = own_exchanges(tmp_path / "baseline.jsonl", old, 400, start, rng)
    quiet = own_exchanges(tmp_path / "quiet.jsonl", old, 250, start, rng)
    loud = own_exchanges(tmp_path / "loud.jsonl", new, 250, start + timedelta(weeks=1), rng)
    traffic = tmp_path / "traffic.jsonl"
    traffic.write_text(quiet.read_text() + loud.read_text())

    done = run_command(
        *("demo", "--traffic", traffic, "--baseline", baseline, "--folder", tmp_path / "demo")
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-3000:]
    assert_is_a_story(done.stdout, tmp_path / "demo")
    assert "lines 251, 502 (2): invalid_json" in done.stdout
    summary = done.stdout[done.stdout.index("Summary") :]
    verdicts = [
        "no drift" if "no drift" in line else "drift"
        for line in summary.splitlines()
        if "2026-10-" in line and "│" in line
    ]
    assert ["no drift", "drift"] == verdicts[:2]
    assert (tmp_path / "demo" / "report-2026-10-12.html").is_file()


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not delete")
    done = run_demo("--traffic", "missing.jsonl", "--baseline", "x", "--folder", str(tmp_path))
    assert 2 == done.returncode
    assert "missing.jsonl" in done.stderr or "x" in done.stderr
    assert "do not delete" == (tmp_path / "thesis.txt").read_text()


def test_traffic_without_a_baseline_is_refused() -> None:
    done = run_demo("--traffic", "some.jsonl")
    assert (
        2,
        "driftwarden: --traffic and --baseline: only one is given; give both or neither\n",
    ) == (
        done.returncode,
        done.stderr,
    )
