"""Files of versions that change during a rollout: refused, reverted, told once; honest changes."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from monitor.daemon.readiness.weights import weights_findings
from monitor.errors import WorkflowError
from monitor.store.alerts.incident_events import list_events
from monitor.store.engine import transaction
from monitor.store.training.registry import version_by_number
from retrain.rollout.emergency.changed_weights import verifying_refused
from retrain.rollout.experiments.design import ExperimentDesign
from retrain.rollout.experiments.life import start_experiment
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.rollouts import open_rollout
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.stages import advance, pause, resume
from retrain.rollout.transitions.start import start_rollout
from tests.support.refusals import refusal
from tests.support.retrain.recorded_desk import (
    MINUTE,
    WEIGHTS,
    RecordedDesk,
    note_reads,
    recorded_desk,
)

HOUR = timedelta(hours=1)
BY = {"by": "lea", "reason": "enough was seen"}


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> RecordedDesk:
    return recorded_desk(engine, tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that comparisons read, as they are."""
    return note_reads(monkeypatch)


def open_id(desk: RecordedDesk, connection: Connection) -> int:
    rollout = open_rollout(connection, desk.model)
    assert rollout is not None
    return rollout.id


def begin(desk: RecordedDesk, connection: Connection) -> object:
    version = version_by_number(connection, desk.model, 2)
    return start_rollout(connection, version.id, desk.settings, desk.now, by="lea")


def begin_experiment(desk: RecordedDesk, connection: Connection) -> object:
    design = ExperimentDesign(goals=("errors",), exposure_hours=2)
    version = version_by_number(connection, desk.model, 2)
    return start_experiment(
        connection, version.id, desk.settings, desk.now, by="lea", design=design, share=50
    )


def next_stage(desk: RecordedDesk, connection: Connection) -> object:
    return advance(connection, open_id(desk, connection), desk.now, **BY)


def named_stage(desk: RecordedDesk, connection: Connection) -> object:
    return advance(connection, open_id(desk, connection), desk.now, to_percent=50, **BY)


def last_stage(desk: RecordedDesk, connection: Connection) -> object:
    return advance(connection, open_id(desk, connection), desk.now, to_percent=100, **BY)


def go_on(desk: RecordedDesk, connection: Connection) -> object:
    return resume(connection, open_id(desk, connection), desk.now, by="lea")


def take_over(desk: RecordedDesk, connection: Connection) -> None:
    version = version_by_number(connection, desk.model, 2)
    promote_version(connection, version, desk.now, **BY)


#: Step -> whether a rollout is open before it.
STEPS: dict[Callable[[RecordedDesk, Connection], object], bool] = {
    begin: False,
    begin_experiment: False,
    next_stage: True,
    named_stage: True,
    last_stage: True,
    go_on: True,
    take_over: True,
}
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)


def prepare(desk: RecordedDesk, step: Callable[..., object]) -> None:
    """Register version 2, and open its rollout where the step needs one."""
    desk.register()
    if not STEPS[step]:
        return
    desk.start(desk.version(2).id)
    desk.tick()
    if step is go_on:
        with transaction(desk.engine) as connection:
            pause(connection, open_id(desk, connection), desk.now, **BY)


def take(desk: RecordedDesk, step: Callable[[RecordedDesk, Connection], object]) -> None:
    """Take a step as the commands and pages do."""
    with (
        verifying_refused(desk.engine, desk.model, desk.now),
        transaction(desk.engine) as connection,
    ):
        step(desk, connection)


@each_step
def test_step_of_a_changed_canary_is_refused_and_reverted(
    desk: RecordedDesk, step: Callable[..., object]
) -> None:
    prepare(desk, step)
    desk.swap(2)
    with refusal("weights_changed", WorkflowError, match=WEIGHTS):
        take(desk, step)
    desk.verify()
    assert desk.in_force() == (1, None, 0)
    assert (desk.version(1).stage, desk.version(2).stage) == ("production", "candidate")
    if STEPS[step]:
        rollout = desk.rollout()
        with transaction(desk.engine) as connection:
            event = last_event(connection, rollout.id)
        assert event is not None
        assert (rollout.status, event.by, WEIGHTS in event.reason) == (
            "reverted", "driftwarden", True,
        )  # fmt: skip
    (incident,) = desk.incidents()
    assert (incident.level, incident.status) == ("critical", "open")
    assert incident.fingerprint == {"version 2"}


@each_step
def test_step_with_a_changed_stable_version_is_refused(
    desk: RecordedDesk, step: Callable[..., object]
) -> None:
    prepare(desk, step)
    before = desk.in_force()
    desk.swap(1)
    with refusal("weights_changed", WorkflowError, match="version 1"):
        take(desk, step)
    desk.verify()
    assert desk.in_force() == before
    assert desk.version(1).stage == "production"
    assert [incident.fingerprint for incident in desk.incidents()] == [{"version 1"}]


@each_step
def test_step_after_harmless_changes_is_taken(
    desk: RecordedDesk, step: Callable[..., object]
) -> None:
    prepare(desk, step)
    desk.add_what_is_harmless(1)
    desk.add_what_is_harmless(2)
    take(desk, step)
    desk.verify()
    assert desk.incidents() == []


def test_whole_rollout_after_harmless_changes_completes(desk: RecordedDesk) -> None:
    desk.start()
    for _ in range(5):
        desk.add_what_is_harmless(2)
        desk.verify()
        desk.run_hours(5)
    assert (desk.rollout().status, desk.in_force()) == ("completed", (2, None, 0))
    assert (desk.incidents(), desk.incidents("rollout_reverted")) == ([], [])


def test_look_reverts_a_changed_canary_instead_of_advancing(desk: RecordedDesk) -> None:
    desk.start()
    desk.run_hours(3)
    assert desk.in_force() == (1, 2, 5)
    desk.swap(2)
    desk.run_hours(2)
    assert (desk.rollout().status, desk.in_force()) == ("reverted", (1, None, 0))
    assert WEIGHTS in desk.rollout().reason


def test_look_holds_while_the_stable_version_differs(desk: RecordedDesk) -> None:
    desk.start()
    desk.run_hours(3)
    desk.swap(1)
    desk.run_hours(2)
    assert (desk.rollout().status, desk.in_force()) == ("holding", (1, 2, 5))
    assert WEIGHTS in desk.rollout().reason
    desk.restore(1)
    desk.run_hours(1)
    assert (desk.rollout().status, desk.in_force()) == ("running", (1, 2, 25))


def test_canary_is_reverted_between_steps_within_a_minute(
    any_engine: Engine, tmp_path: Path
) -> None:
    desk = recorded_desk(any_engine, tmp_path)
    desk.start()
    desk.run_hours(1)
    desk.swap(2)
    desk.verify()
    assert (desk.rollout().status, desk.in_force()) == ("reverted", (1, None, 0))
    assert len(desk.incidents()) == len(desk.incidents("rollout_reverted")) == 1


def test_changed_production_is_one_incident_until_restored(
    desk: RecordedDesk, read: list[str]
) -> None:
    desk.swap(1)
    for _ in range(3):
        desk.verify(HOUR)
    (incident,) = desk.incidents()
    assert desk.in_force() == (1, None, 0)
    with transaction(desk.engine) as connection:
        assert [event.event for event in list_events(connection, incident.id)] == ["opened"]
    assert read == [WEIGHTS]  # the first time; then its state is known
    desk.restore(1)
    desk.verify()
    assert [incident.status for incident in desk.incidents()] == ["resolved"]
    desk.swap(1)
    desk.verify(HOUR)
    assert desk.incidents()[0].status == "open"


def test_unchanged_files_are_read_once_an_hour_at_most(desk: RecordedDesk, read: list[str]) -> None:
    desk.register()
    desk.verify()
    read.clear()
    for _ in range(5):
        desk.verify(HOUR)
    assert read == []
    desk.add_what_is_harmless(2)
    for _ in range(3):
        desk.verify(20 * MINUTE)
    assert read == [WEIGHTS]
    desk.swap(2)
    desk.verify()
    assert (read, desk.incidents()) == ([WEIGHTS], [])
    desk.verify(HOUR)
    assert (read, len(desk.incidents())) == ([WEIGHTS] * 2, 1)


def test_folder_out_of_reach_opens_no_incident_and_holds(desk: RecordedDesk) -> None:
    desk.start()
    desk.run_hours(1)
    shutil.move(desk.folder / "v2", desk.folder / "away")
    desk.verify()
    change = desk.version(2).weights_change
    assert change is not None
    assert (change.kind, change.is_mismatch, desk.incidents()) == ("missing", False, [])
    desk.run_hours(4)
    assert (desk.rollout().status, desk.in_force()) == ("holding", (1, 2, 5))
    with refusal("weights_missing", WorkflowError):
        take(desk, next_stage)
    assert desk.rollout().status == "holding"
    shutil.move(desk.folder / "away", desk.folder / "v2")
    desk.run_hours(1)
    desk.verify()
    assert (desk.rollout().status, desk.version(2).weights_change) == ("running", None)


def test_check_tells_what_the_leader_can_not_compare(
    desk: RecordedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "monitor.daemon.readiness.weights.open_connection", lambda _: transaction(desk.engine)
    )
    assert [finding.status for finding in weights_findings(desk.settings)] == ["ok"]
    shutil.move(desk.folder / "v1", desk.folder / "away")
    desk.verify(HOUR)
    assert [finding.status for finding in weights_findings(desk.settings)] == ["fail"]
    shutil.move(desk.folder / "away", desk.folder / "v1")
    findings = list(weights_findings(desk.settings))
    assert [finding.status for finding in findings] == ["note", "ok"]
    assert WEIGHTS in findings[0].message
    desk.verify(HOUR)
    assert [finding.status for finding in weights_findings(desk.settings)] == ["ok"]


def test_stable_version_out_of_reach_stops_no_rollout(desk: RecordedDesk) -> None:
    shutil.rmtree(desk.folder / "v1")
    desk.start()
    desk.run_hours(6)
    assert desk.in_force() == (1, 2, 25)


def test_file_gone_from_a_folder_is_a_change(desk: RecordedDesk) -> None:
    desk.start()
    desk.run_hours(1)
    (desk.adapter(2) / WEIGHTS).unlink()
    desk.verify()
    assert (desk.rollout().status, len(desk.incidents())) == ("reverted", 1)


def test_removed_folder_resolves_no_incident(desk: RecordedDesk) -> None:
    desk.swap(1)
    desk.verify(HOUR)
    shutil.rmtree(desk.folder / "v1")
    desk.verify(HOUR)
    assert [incident.status for incident in desk.incidents()] == ["open"]
