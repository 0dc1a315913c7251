"""`driftwarden evaluate` as a process: windows, output and exit status."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.cli.shared.access import account_name
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.traffic.offsets import claim
from monitor.store.windows.claims import claim_drift_evaluation, fail_drift_evaluation
from monitor.store.windows.drift_evaluations import list_drift_evaluations
from monitor.store.windows.repetitions import repetitions_of
from monitor.windows.schedule import window_of
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK = timedelta(days=7)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    url = f"sqlite:///{tmp_path / 'weeks.db'}"
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    engine = make_engine(url)
    migrate(engine)
    return engine


@pytest.fixture
def last_week() -> datetime:
    return window_of(utc_now() - WEEK, "weekly")[0]


def evaluate(*arguments: str):
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_without_a_day_it_is_the_last_whole_week(stored: Engine, last_week: datetime) -> None:
    with transaction(stored) as connection:
        store_evaluation(connection, make_assessment(0.3), last_week)
    done = evaluate()
    assert done.exit_code == 3
    assert make_assessment(0.3).headline in done.stdout
    assert "--again" in done.stderr


def test_a_week_that_is_not_over_is_refused(stored: Engine, last_week: datetime) -> None:
    """A stored result would prevent the evaluation of the complete week."""
    done = evaluate("--from", f"{last_week + WEEK:%Y-%m-%d}")
    assert done.exit_code == 2
    assert f"{last_week + 2 * WEEK:%Y-%m-%d}" in done.output
    with transaction(stored) as connection:
        assert list_drift_evaluations(connection) == []
    # What there is of it so far can be looked at, as a window of its own.
    store_traffic(stored, last_week, 150, seed=1, baseline=True)
    so_far = utc_now() - timedelta(minutes=1)
    begins = last_week + timedelta(days=1)
    looked = evaluate("--from", f"{begins:%Y-%m-%d}", "--to", f"{so_far:%Y-%m-%dT%H:%M:%S}")
    assert looked.exit_code == 4
    assert "No traffic" in looked.stdout


def test_before_any_traffic_or_baseline_nothing_is_stored(
    stored: Engine, last_week: datetime
) -> None:
    store_traffic(stored, last_week, 5, seed=1, model="helper")
    done = evaluate()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "`driftwarden baseline import FILE --model assistant`" in done.stderr
    assert "`helper`" in done.stderr
    with transaction(stored) as connection:
        assert list_drift_evaluations(connection) == []


def test_standard_output_is_json_alone(stored: Engine, last_week: datetime) -> None:
    """The log must not go to standard output."""
    store_traffic(stored, last_week, 150, seed=1, baseline=True)
    command = [sys.executable, "-c", "from monitor.cli import main; main()", "evaluate"]
    done = subprocess.run(
        [*command, "--from", f"{last_week:%Y-%m-%d}", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 4, done.stderr
    assert json.loads(done.stdout)["verdict"] == "not_enough_data"
    assert "evaluation_started" not in done.stderr


def test_failed_evaluation_prints_its_error(stored: Engine, last_week: datetime) -> None:
    now = utc_now()
    with transaction(stored) as connection:
        claim = claim_drift_evaluation(
            connection, "assistant", last_week, last_week + WEEK, seed=1, now=now
        )
        assert claim is not None
        fail_drift_evaluation(connection, claim, "ValueError: broken on purpose", now)
    done = evaluate()
    assert done.exit_code == 1
    assert "ValueError: broken on purpose" in done.stderr
    assert "--again" in done.stderr


def test_evaluation_running_elsewhere_is_waited_for(stored: Engine, last_week: datetime) -> None:
    with transaction(stored) as connection:
        store_evaluation(connection, make_assessment(0.3), last_week)
        now = utc_now()
        times = {"started_at": now, "claimed_until": now + WEEK, "finished_at": None}
        running = {"status": "running", **times}
        connection.execute(update(DriftEvaluation).values(running))
    done = evaluate()
    assert (done.exit_code, done.stdout) == (75, "")
    assert evaluate("--again").exit_code == 75
    with transaction(stored) as connection:
        assert repetitions_of(connection, 1) == []


def test_exchanges_that_arrived_late_are_counted_until_again(
    stored: Engine, last_week: datetime
) -> None:
    store_traffic(stored, last_week, 20, seed=1, baseline=True)
    store_traffic(stored, last_week, 30, seed=2)
    assert "late" not in evaluate().stderr
    assert "No exchange has arrived" in evaluate("--again").stderr
    store_traffic(stored, last_week, 10, seed=3)
    output = evaluate()
    assert "10 exchanges of this week arrived after its evaluation" in output.stderr
    assert "(25% of it)" in output.stderr
    assert "(+10 late)" in CliRunner().invoke(app, ["digest"]).stdout
    again = evaluate("--again")
    assert "arrived" not in again.stderr
    with transaction(stored) as connection:
        first, second = repetitions_of(connection, 1)
    assert first.by == second.by == account_name()
    assert second.before == "not enough data, 30 exchanges"
    assert "(+10 late)" not in CliRunner().invoke(app, ["digest"]).stdout


def test_again_waits_for_the_rest_and_refuses_a_part(stored: Engine, last_week: datetime) -> None:
    store_traffic(stored, last_week, 20, seed=1, baseline=True)
    store_traffic(stored, last_week, 30, seed=2)
    evaluate()
    with transaction(stored) as connection:
        claim(connection, "llm-traffic", 0, first=0, now=utc_now())
    assert evaluate("--again").exit_code == 75
    with transaction(stored) as connection:
        assert repetitions_of(connection, 1) == []
    assert evaluate("--again", "--anyway").exit_code == 4
    with transaction(stored) as connection:
        assert len(repetitions_of(connection, 1)) == 1
        ids = select(Exchange.id).where(Exchange.baseline_id.is_(None)).limit(3)
        connection.execute(delete(Exchange).where(Exchange.id.in_(ids)))
    store_traffic(stored, last_week, 100, seed=3)
    refused = evaluate("--again", "--anyway")
    assert refused.exit_code == 2
    assert "10% of the exchanges of evaluation 1 are deleted" in refused.stderr
    with transaction(stored) as connection:
        assert len(repetitions_of(connection, 1)) == 1
