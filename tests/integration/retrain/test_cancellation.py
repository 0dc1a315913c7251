"""Cancellation of runs: the row first, then the child, with retries."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DriftwardenError,
    RemoteServiceError,
)
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training.runs import request_cancel
from retrain.jobs.lifecycle import JUST_CANCELLED
from retrain.training.cancellation import cancel_requested, cancel_run, stop_children
from retrain.training.resumption import reopen
from retrain.training.runs import start_run
from tests.support.refusals import refusal
from tests.support.retrain.desks.run_desk import RunDesk
from tests.support.retrain.fake_launcher import FakeLauncher, success


@pytest.fixture
def desk(any_engine: Engine, tmp_path: Path, clock: datetime) -> RunDesk:
    return RunDesk(any_engine, tmp_path / "runs", clock)


def cancel(desk: RunDesk, run: int) -> str | None:
    return cancel_run(desk.engine, run, desk.launcher, desk.now, cancelled_by="lea")


def test_cancelling_a_planned_run_needs_no_child(desk: RunDesk) -> None:
    run = desk.plan(prepared=False)
    cancel(desk, run)
    assert (desk.row(run).status, desk.row(run).error) == ("cancelled", "cancelled by lea")
    assert desk.launcher.cancelled == []
    with refusal("not_planned", match="`driftwarden retrain resume 1`"):
        start_run(desk.engine, run, desk.launcher, desk.now)


def test_a_child_out_of_reach_is_not_called_cancelled(desk: RunDesk) -> None:
    """Otherwise the child would run on without supervision."""
    run = desk.start()
    desk.launcher.away = RemoteServiceError("Ray doesn't answer")
    with pytest.raises(RemoteServiceError):
        cancel(desk, run)
    assert desk.row(run).status == "running"
    desk.launcher.away = None
    cancel(desk, run)
    assert (desk.row(run).status, desk.launcher.cancelled) == ("cancelled", [{"number": 1}])


def test_result_of_a_cancelled_child_is_ignored(desk: RunDesk) -> None:
    run = desk.start()
    cancel(desk, run)
    assert desk.launcher.cancelled == [{"number": 1}]
    desk.launcher.end(1, success(desk.launcher.submitted[0]))
    state = desk.poll(run)
    assert (state.run.status, state.version_id) == ("cancelled", None)


def test_cancelling_while_another_process_polls_wins(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.start()
    desk.launcher.end(1, success(desk.launcher.submitted[0]))

    def status(_handle: Any) -> str:
        cancel(desk, run)
        return "gone"

    monkeypatch.setattr(desk.launcher, "status", status)
    state = desk.poll(run)
    assert (state.run.status, state.version_id) == ("cancelled", None)
    with transaction(desk.engine) as connection:
        assert versions.list_versions(connection) == []


def test_cancellation_requested_on_the_page_is_carried_out(desk: RunDesk) -> None:
    run, other = desk.start(), desk.start()
    with transaction(desk.engine) as connection:
        request_cancel(connection, run, "Lea")
    ended = cancel_requested(desk.engine, lambda _: desk.launcher, desk.now)
    assert [row.id for row in ended] == [run]
    assert (desk.row(run).status, desk.row(run).error) == ("cancelled", "cancelled by Lea")
    assert desk.row(other).status == "running"
    assert cancel_requested(desk.engine, lambda _: desk.launcher, desk.now) == []
    with transaction(desk.engine) as connection:
        assert not request_cancel(connection, run, "Lea")


REFUSED = RemoteServiceError("Kubernetes refuses DELETE (403)")


def test_a_child_that_cannot_be_ended_is_kept_in_mind(desk: RunDesk) -> None:
    """For example, the account may list Jobs but not delete them."""
    run = desk.start()
    desk.launcher.refusal = REFUSED
    assert cancel(desk, run) == str(REFUSED)
    row = desk.row(run)
    assert (row.status, row.error) == ("cancelled", "cancelled by lea")
    assert (row.handle, row.termination_error) == ({"number": 1}, str(REFUSED))
    assert desk.launcher.status({"number": 1}) == "running"


@pytest.mark.parametrize("way", ["the daemon", "a second cancel"])
def test_ending_a_child_is_retried_until_it_succeeds(desk: RunDesk, way: str) -> None:
    run = desk.start()
    desk.launcher.refusal = REFUSED
    cancel(desk, run)

    def again() -> None:
        if way == "the daemon":
            stop_children(desk.engine, lambda _: desk.launcher)
        else:
            cancel(desk, run)

    desk.launcher.refusal = DriftwardenError("not yet either")
    again()
    assert desk.row(run).termination_error == "not yet either"
    desk.launcher.refusal = None
    again()
    assert (desk.row(run).termination_error, desk.launcher.cancelled) == (None, [{"number": 1}])
    stop_children(desk.engine, lambda _: desk.launcher)
    assert len(desk.launcher.cancelled) == 1
    with refusal("ended", match="cancelled"):
        cancel(desk, run)


def test_unconfigured_launcher_delays_no_other_cancellation(desk: RunDesk) -> None:
    first, second = desk.start(), desk.start()
    desk.launcher.refusal = REFUSED
    for run in (first, second):
        cancel(desk, run)
    desk.launcher.refusal = None
    requested: list[str] = []

    def launcher_of(name: str) -> FakeLauncher:
        requested.append(name)
        if len(requested) == 1:
            raise ConfigurationError("it needs retrain.ray.address")
        return desk.launcher

    stop_children(desk.engine, launcher_of)
    assert desk.row(first).termination_error == "it needs retrain.ray.address"
    assert desk.row(second).termination_error is None


def test_interrupted_cancellation_is_finished_by_the_daemon(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.start()

    def die(_handle: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.launcher, "cancel", die)
        with pytest.raises(KeyboardInterrupt):
            cancel(desk, run)
    assert desk.row(run).termination_error == JUST_CANCELLED
    stop_children(desk.engine, lambda _: desk.launcher)
    assert (desk.row(run).termination_error, desk.launcher.cancelled) == (None, [{"number": 1}])


@pytest.mark.parametrize("started", [True, False])
def test_child_unknown_to_the_row_is_terminated(desk: RunDesk, started: bool) -> None:
    """The process that started or resumed it died before storing the handle."""
    run = desk.start() if started else desk.plan()
    desk.launcher.adopted = {"number": 2}
    desk.launcher.refusal = REFUSED
    assert cancel(desk, run) == str(REFUSED)
    desk.launcher.adopted, desk.launcher.refusal = None, None
    stop_children(desk.engine, lambda _: desk.launcher)
    assert desk.launcher.cancelled == [{"number": 2}]


def test_no_second_child_starts_while_the_first_runs(desk: RunDesk) -> None:
    run = desk.start()
    desk.launcher.refusal = REFUSED
    cancel(desk, run)
    with refusal("child_running", match="403.*retrain cancel 1"):
        reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")
    assert desk.row(run).status == "cancelled"
    desk.launcher.refusal = None
    cancel(desk, run)
    reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")
    start_run(desk.engine, run, desk.launcher, desk.now)
    assert (desk.row(run).status, len(desk.launcher.submitted)) == ("running", 2)


@pytest.mark.parametrize("fails", [True, False])
def test_late_termination_does_not_overwrite_a_newer_child(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Another process terminates the child, and a user resumes the run meanwhile."""
    run = desk.start()
    desk.launcher.refusal = REFUSED
    cancel(desk, run)
    desk.launcher.refusal = None
    really: Callable[[Any], None] = desk.launcher.cancel

    def late(handle: Any) -> None:
        monkeypatch.setattr(desk.launcher, "cancel", really)
        cancel(desk, run)
        reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")
        start_run(desk.engine, run, desk.launcher, desk.now)
        desk.launcher.refusal = REFUSED
        cancel(desk, run)
        if fails:
            raise RemoteServiceError("no answer")
        assert handle == {"number": 1}

    monkeypatch.setattr(desk.launcher, "cancel", late)
    stop_children(desk.engine, lambda _: desk.launcher)
    row = desk.row(run)
    assert (row.handle, row.termination_error) == ({"number": 2}, str(REFUSED))


def test_finished_run_delays_no_other_cancellation(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = desk.start(), desk.start()
    with transaction(desk.engine) as connection:
        for run in (first, second):
            request_cancel(connection, run, "Lea")

    def check() -> str:
        if desk.row(first).status == "running":  # another daemon is faster
            desk.launcher.end(1, success(desk.launcher.submitted[0]))
            desk.poll(first)
        return "a test"

    monkeypatch.setattr(desk.launcher, "check", check)
    ended = cancel_requested(desk.engine, lambda _: desk.launcher, desk.now)
    assert [row.id for row in ended] == [second]
    assert [desk.row(number).status for number in (first, second)] == ["succeeded", "cancelled"]


def test_unavailable_database_is_not_a_launcher_error(desk: RunDesk) -> None:
    run = desk.start()
    with transaction(desk.engine) as connection:
        request_cancel(connection, run, "Lea")
    desk.launcher.away = DatabaseUnavailableError("no connection")
    with pytest.raises(DatabaseUnavailableError):
        cancel_requested(desk.engine, lambda _: desk.launcher, desk.now)
