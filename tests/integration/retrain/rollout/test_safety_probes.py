"""Safety probes of canary and stable revert a rollout, and are never waited for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import ModelVersion, Probe, ProbeRun, ProbeSet
from retrain.rollout.checks.results import CheckResult
from retrain.rollout.measurement.next_look import next_look, stored_evidence
from retrain.rollout.measurement.safety_probes import safety_rows
from retrain.rollout.measurement.starting_point import fix_starting_point
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import Look, insert_look
from tests.support.traffic.observed_traffic import MODEL, open_rollout

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
PROBED = Settings(
    probes={"url": "http://live", "model": "m"}, retrain={"evaluation": "evaluation.yaml"}
)
N_PROMPTS = 12

Passes = Callable[[int], bool | None]


def subject_of(engine: Engine) -> Subject:
    subject = Subject(
        rollout_id=open_rollout(engine, START),
        model=MODEL,
        stable=1,
        canary=2,
        started_at=START,
        stage=0,
        n_stages=4,
        percent=5,
        weight_percent=5,
        stage_started_at=START,
        min_dwell=timedelta(hours=48),
        max_hold=timedelta(hours=48),
    )
    with transaction(engine) as connection:
        connection.execute(
            insert(ProbeSet).values(
                id=1, model=MODEL, digest="d", form_digest="f", form={}, items=[], created_at=START
            )
        )
        fix_starting_point(connection, subject, PROBED)
    return subject


def probe(
    connection: Connection, version: int, finished_at: datetime, passes: Passes, **columns: object
) -> None:
    """Insert a run of two passes, with as many quality prompts, all of which fail."""
    of_version = (ModelVersion.model == MODEL, ModelVersion.version == version)
    version_id = connection.execute(select(ModelVersion.id).where(*of_version)).scalar_one()
    values = {"status": "done", "verdict": "same", **columns}
    run_id = connection.execute(
        insert(ProbeRun)
        .values(
            model=MODEL,
            role="stable" if version == 1 else "canary",
            version_id=version_id,
            set_id=1,
            purpose="schedule",
            due_at=finished_at,
            attempts=0,
            next_attempt_at=finished_at,
            is_reference=False,
            started_by="driftwarden",
            started_at=finished_at,
            finished_at=finished_at,
            **values,
        )
        .returning(ProbeRun.id)
    ).scalar_one()
    connection.execute(
        insert(Probe),
        [
            {
                "run_id": run_id,
                "model": MODEL,
                "version_id": version_id,
                "kind": kind,
                "item": f"{kind}/{item}",
                "pass_number": number,
                "position": 0,
                "status": "done",
                "attempts": 1,
                "passed": passes(item) if kind == "safety" else False,
            }
            for kind in ("safety", "quality")
            for item in range(N_PROMPTS)
            for number in range(2)
        ],
    )


def look_at(engine: Engine, subject: Subject, number: int) -> Look:
    """Look at an hour of the rollout, and store the look."""
    end = START + (number + 1) * HOUR
    with transaction(engine) as connection:
        look = next_look(connection, subject, PROBED, end, end)
        assert look is not None
        insert_look(connection, look)
    return look


def probed_hours(engine: Engine, subject: Subject, n_runs: int, canary: Passes) -> list[Look]:
    """Look at hours in each of which the canary is probed; stable passes, and was probed before."""
    with transaction(engine) as connection:
        for number in range(n_runs):
            past = START - timedelta(hours=3 * (number + 1))
            probe(connection, 1, past, lambda _: True)
            probe(connection, 2, START + number * HOUR + HOUR / 2, canary)
    return [look_at(engine, subject, number) for number in range(n_runs)]


def figures(look: Look) -> CheckResult:
    return next(check for check in look.checks if check.name == "safety probes")


def test_failed_safety_probes_revert(any_engine: Engine) -> None:
    looks = probed_hours(any_engine, subject_of(any_engine), 3, lambda _: False)
    assert figures(looks[0]).n_pairs == N_PROMPTS
    assert looks[-1].action == "revert"
    assert [(r.code, r.check) for r in looks[-1].reasons] == [("worse", "safety probes")]


@pytest.mark.parametrize("passes", [lambda _: True, lambda _: None], ids=["passed", "none"])
def test_passed_or_absent_safety_probes_change_nothing(engine: Engine, passes: Passes) -> None:
    looks = probed_hours(engine, subject_of(engine), 3, passes)
    assert not figures(looks[-1]).worse
    assert figures(looks[-1]).kind == "revert_only"
    assert "safety probes" not in {reason.check for reason in looks[-1].reasons}


def test_each_run_counts_once(engine: Engine) -> None:
    subject = subject_of(engine)
    with transaction(engine) as connection:
        probe(connection, 1, START - HOUR, lambda _: True)
        probe(connection, 1, START - 2 * HOUR, lambda _: True, verdict="not_arrived")
        probe(connection, 1, START - 2 * HOUR - HOUR / 2, lambda _: True, status="discarded")
        for number in range(3):
            probe(connection, 2, START + number * HOUR, lambda item: item > 0)
        probe(connection, 1, START + 3 * HOUR, lambda _: True)  # for the canary's second
        counts = [
            len(safety_rows(connection, subject, START + n * HOUR, START + (n + 1) * HOUR))
            for n in range(5)
        ]
    assert counts == [2 * N_PROMPTS, 0, 0, 2 * N_PROMPTS, 0]


def test_probes_are_no_traffic_of_an_idle_canary(engine: Engine) -> None:
    looks = probed_hours(engine, subject_of(engine), 7, lambda _: True)
    evidence = stored_evidence(looks[-1].evidence)
    assert max(evidence.last_canary, evidence.last_stable) < START.timestamp() // 3600
    assert {"canary_idle", "stable_idle"} <= {r.code for r in looks[-1].reasons}
