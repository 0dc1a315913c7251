"""Training runs on both databases, with a fake child."""

import re
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.errors import DatabaseUnavailableError, NotFoundError, TrainingError, WorkflowError
from monitor.settings import Retrain, Secrets
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry
from monitor.store.training import registry as versions
from monitor.store.training.runs import list_runs, request_cancel, run_by_id
from retrain.jobs.factory import create_launcher
from retrain.jobs.launcher import Capability
from retrain.recipes.recipe import read_recipe
from retrain.run_folder import RunFolder, write_lines
from retrain.training.cancellation import cancel_run
from retrain.training.resumption import last_step, reopen
from retrain.training.runs import (
    poll_run,
    poll_running,
    prepare_run,
    start_run,
)
from tests.support.refusals import refusal
from tests.support.retrain.desks.run_desk import RECIPE, ROWS, RunDesk
from tests.support.retrain.fake_launcher import success


@pytest.fixture
def desk(any_engine: Engine, tmp_path: Path, clock: datetime) -> RunDesk:
    return RunDesk(any_engine, tmp_path / "runs", clock)


def test_run_is_stored_before_its_process_starts(desk: RunDesk) -> None:
    run = desk.plan(prepared=False)
    row = desk.row(run)
    assert (row.status, row.handle, row.created_at) == ("planned", None, desk.now)
    assert row.work_dir == str(desk.folder / f"run-{run:05d}")
    assert not Path(row.work_dir).exists()
    with refusal("no_training_data", match=row.work_dir):
        start_run(desk.engine, run, desk.launcher, desk.now)
    assert desk.launcher.submitted == []
    with transaction(desk.engine) as connection:
        actions = connection.execute(select(AuditEntry.action)).scalars().all()
    assert actions == ["run.planned"]


def test_preparing_again_writes_the_same(desk: RunDesk) -> None:
    run = desk.plan(prepared=False)
    contents = []
    for _ in range(2):
        with transaction(desk.engine) as connection:
            folder = prepare_run(connection, run, ROWS)
        contents.append({p.name: p.read_bytes() for p in folder.root.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"recipe.json", "train.jsonl", "dataset.json", "dataset.md"}
    assert read_recipe(contents[0]["recipe.json"]) == RECIPE


def test_training_data_is_written_last(desk: RunDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between two files must not leave a run that counts as prepared."""
    run = desk.plan(prepared=False)
    folder = RunFolder(Path(desk.row(run).work_dir))
    written: list[str] = []
    replace = Path.replace

    def note(self: Path, target: Path) -> Path:
        written.append(Path(target).name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", note)
    with transaction(desk.engine) as connection:
        prepare_run(connection, run, ROWS)
    assert written[-1] == folder.training_data.name
    assert len(written) == 4


def test_a_folder_that_cannot_be_written_is_reported(desk: RunDesk) -> None:
    desk.folder.parent.joinpath("runs").write_text("in the way", encoding="utf-8")
    with refusal("not_writable", TrainingError, match=str(desk.folder)):
        desk.plan()


def test_starting_twice_starts_one_child(desk: RunDesk) -> None:
    run = desk.plan()
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait()
        try:
            start_run(desk.engine, run, desk.launcher, desk.now)
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(desk.launcher.submitted) == 1
    assert desk.row(run).status == "running"


def test_a_child_that_cannot_be_started_leaves_the_run_planned(desk: RunDesk) -> None:
    run = desk.plan()
    desk.launcher.error = TrainingError("no memory")
    with pytest.raises(TrainingError, match="no memory"):
        start_run(desk.engine, run, desk.launcher, desk.now)
    assert desk.row(run).status == "planned"
    desk.launcher.error = None
    start_run(desk.engine, run, desk.launcher, desk.now)
    assert desk.row(run).status == "running"


def test_a_success_registers_a_candidate_below_what_it_started_from(desk: RunDesk) -> None:
    """A later rollback or promotion does not change the parent."""
    started_from = desk.serve("a")
    run = desk.start(start_adapter="a")
    assert desk.poll(run).run.status == "running"
    desk.serve("b")
    folder = desk.launcher.submitted[0]
    desk.launcher.end(1, success(folder))
    (state,) = poll_running(desk.engine, lambda _: desk.launcher, desk.now)
    assert (state.run.status, state.run.error) == ("succeeded", None)
    version = desk.version(state.version_id)
    assert (version.version, version.stage, version.parent_id) == (3, "candidate", started_from)
    with transaction(desk.engine) as connection:
        assert versions.scores_of(connection, version.id) == []  # nothing was scored
    assert poll_running(desk.engine, lambda _: desk.launcher, desk.now) == []


@pytest.mark.parametrize(("base", "has_parent"), [("some/base", False), ("a/model", True)])
def test_parent_follows_from_base_without_start_adapter(
    desk: RunDesk, base: str, has_parent: bool
) -> None:
    """A base model has no parent; a fully fine-tuned version is a base itself."""
    serving = desk.serve("a/model")
    run = desk.start(base=base)
    desk.launcher.end(1, success(desk.launcher.submitted[0]))
    version = desk.version(desk.poll(run).version_id)
    assert version.parent_id == (serving if has_parent else None)


def test_the_result_counts_even_before_the_process_has_gone(desk: RunDesk) -> None:
    run = desk.start()
    folder = desk.launcher.submitted[0]
    desk.launcher.end(1, success(folder))
    desk.launcher._gone.clear()
    assert desk.poll(run).run.status == "succeeded"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"status": "failed", "error": "out of memory"}, r"out of memory"),
        ({"status": "failed"}, r".+"),
        (None, r".* a \| b"),
    ],
)
def test_a_failure_ends_the_run_with_its_reason(
    desk: RunDesk, result: dict[str, Any] | None, text: str
) -> None:
    run = desk.start()
    desk.launcher.output = ["a", " ", "b"]
    desk.launcher.end(1, result)
    state = desk.poll(run)
    assert (state.run.status, state.version_id) == ("failed", None)
    assert re.fullmatch(text, str(state.run.error))


@pytest.mark.parametrize("content", ["{", "[]"])
def test_unreadable_result_fails_one_run_only(desk: RunDesk, content: str) -> None:
    run, other = desk.start(), desk.start()
    desk.launcher.end(2, success(desk.launcher.submitted[1]))
    desk.launcher.submitted[0].result.write_text(content, encoding="utf-8")
    poll_running(desk.engine, lambda _: desk.launcher, desk.now)
    assert desk.row(run).status == "failed"
    assert "result.json: " in str(desk.row(run).error)
    assert desk.row(other).status == "succeeded"


def test_lost_child_resumes_a_limited_number_of_times(desk: RunDesk) -> None:
    run = desk.start()
    desk.launcher.output = ["Killed"]
    for times in (1, 2):
        desk.launcher.end(times, None)
        state = poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=2)
        assert (state.run.status, state.run.resumptions) == ("running", times)
        assert (state.run.handle or {})["number"] == times + 1
    desk.launcher.end(3, None)
    state = poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=2)
    assert (state.run.status, state.run.resumptions) == ("failed", 2)
    assert str(state.run.error).endswith(": Killed")
    assert len(desk.launcher.submitted) == 3
    with transaction(desk.engine) as connection:
        actions = connection.execute(select(AuditEntry.action)).scalars().all()
    assert actions.count("run.resumed") == 2


def test_refused_resumption_fails_one_run_only(
    desk: RunDesk,
) -> None:
    run, other = desk.start(), desk.start()
    desk.launcher.output = ["Killed"]
    desk.launcher.end(1, None)
    desk.launcher.end(2, success(desk.launcher.submitted[1]))
    desk.launcher.error = TrainingError("refused (422)")
    poll_running(desk.engine, lambda _: desk.launcher, desk.now, resumptions=2)
    assert [desk.row(number).status for number in (run, other)] == ["failed", "succeeded"]
    error = str(desk.row(run).error)
    assert ": Killed; " in error
    assert error.endswith(": refused (422)")


@pytest.mark.parametrize("error", [WorkflowError("odd"), TrainingError("odd"), OSError("full")])
def test_unpollable_run_delays_no_other(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run, other = desk.start(), desk.start()
    desk.launcher.end(1, success(desk.launcher.submitted[0]))
    status = desk.launcher.status

    def look(handle: Any) -> Any:
        if handle["number"] == 2:
            raise error
        return status(handle)

    monkeypatch.setattr(desk.launcher, "status", look)
    poll_running(desk.engine, lambda _: desk.launcher, desk.now)
    assert [desk.row(number).status for number in (run, other)] == ["succeeded", "running"]


def test_unavailable_database_is_not_a_run_error(desk: RunDesk) -> None:
    desk.start()
    desk.launcher.away = DatabaseUnavailableError("no connection")
    with pytest.raises(DatabaseUnavailableError):
        poll_running(desk.engine, lambda _: desk.launcher, desk.now)


def test_late_poll_does_not_finish_a_resumed_run(
    desk: RunDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One daemon has no resumption left while another has just resumed the run."""
    run = desk.start()
    desk.launcher.end(1, None)
    explain = desk.launcher.explain

    def meanwhile(*arguments: Any) -> str:
        monkeypatch.setattr(desk.launcher, "explain", explain)
        assert poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=1).run.resumptions
        return "OOMKilled"

    monkeypatch.setattr(desk.launcher, "explain", meanwhile)
    state = desk.poll(run)
    assert (state.run.status, state.run.handle) == ("running", {"number": 2})


def test_child_with_reported_error_is_not_restarted(desk: RunDesk) -> None:
    run = desk.start()
    desk.launcher.end(1, {"status": "failed", "error": "too long"})
    state = poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=3)
    assert (state.run.status, state.run.error) == ("failed", "too long")
    assert len(desk.launcher.submitted) == 1


def test_run_with_requested_cancellation_is_not_resumed(desk: RunDesk) -> None:
    run = desk.start()
    with transaction(desk.engine) as connection:
        assert request_cancel(connection, run, "Lea")
        assert not request_cancel(connection, run, "Max")
    desk.launcher.end(1, None)
    state = poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=3)
    assert state.run.status == "failed"
    assert len(desk.launcher.submitted) == 1


def test_launcher_without_resumption_is_reported(desk: RunDesk) -> None:
    run = desk.start()
    desk.launcher.capabilities = replace(
        desk.launcher.capabilities, resume=Capability(False, "Plan another one.")
    )
    desk.launcher.end(1, None)
    assert poll_run(desk.engine, run, desk.launcher, desk.now, resumptions=3).run.status == "failed"
    with refusal("no_resume", match=r"Plan another one\."):
        reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")


def test_a_failed_run_is_taken_up_again(desk: RunDesk) -> None:
    run = desk.start()
    folder = desk.launcher.submitted[0]
    desk.launcher.end(1, {"status": "failed", "error": "out of memory"})
    desk.poll(run)
    assert reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea") == 0
    row = desk.row(run)
    assert (row.status, row.error, row.result, row.finished_at) == ("planned", None, None, None)
    assert not folder.result.exists()  # a launcher would take it for the outcome
    start_run(desk.engine, run, desk.launcher, desk.now)
    desk.launcher.end(2, success(folder))
    assert desk.poll(run).run.status == "succeeded"
    with refusal("not_failed", match="succeeded"):
        reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")


def test_a_run_without_data_cannot_be_taken_up(desk: RunDesk) -> None:
    run = desk.plan(prepared=False)
    cancel_run(desk.engine, run, desk.launcher, desk.now, cancelled_by="lea")
    with refusal("no_training_data"):
        reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea")


def test_a_checkpoint_that_is_cut_does_not_count(desk: RunDesk) -> None:
    run = desk.start()
    folder = desk.launcher.submitted[0]
    for number, state in ((7, "{}"), (14, '{"global_s'), (21, None)):
        place = folder.checkpoints / f"checkpoint-{number}"
        place.mkdir(parents=True)
        if state is not None:
            (place / "trainer_state.json").write_text(state, encoding="utf-8")
    assert last_step(folder) == 7
    desk.launcher.end(1, {"status": "failed", "error": "out of memory"})
    desk.poll(run)
    assert reopen(desk.engine, run, desk.launcher, desk.now, resumed_by="lea") == 7


def test_progress_of_a_run_is_in_its_row(desk: RunDesk) -> None:
    run = desk.start()
    folder = desk.launcher.submitted[0]
    lines = [{"step": n, "loss": 1.0 / n} for n in range(1, 1001)]
    write_lines(folder.progress, [*lines, {"step": 1000, "validation_loss": 0.5}])
    folder.heartbeat.write_text('{"step": 1000, "steps": 2000, "loss": 0.001}', encoding="utf-8")
    desk.launcher.output = ["loading", " ", "training"]
    desk.poll(run)
    retained = desk.row(run).progress or {}
    assert retained["last"]["steps"] == 2000
    assert (len(retained["losses"]), retained["losses"][-1]) == (200, [1000, 0.001])
    assert retained["validation"] == [[1000, 0.5]]
    assert retained["log"] == ["loading", "training"]


def test_runs_are_listed_newest_first(desk: RunDesk) -> None:
    planned, running = desk.plan(), desk.start()
    with transaction(desk.engine) as connection:
        assert [r.id for r in list_runs(connection)] == [running, planned]
        assert [r.id for r in list_runs(connection, statuses=("planned",))] == [planned]
        with refusal("unknown_run", NotFoundError, match="99"):
            run_by_id(connection, 99)


def test_progress_is_what_the_child_wrote_last(desk: RunDesk) -> None:
    from retrain.jobs.progress import losses

    run = desk.start()
    folder = desk.launcher.submitted[0]
    assert desk.poll(run).progress == {}
    write_lines(folder.progress, [{"step": 0}, {"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    with folder.progress.open("a", encoding="utf-8") as file:
        file.write('{"step": 3, "lo')  # a process still writing
    folder.heartbeat.write_text('{"step": 2, "loss": 1.0}', encoding="utf-8")
    assert desk.poll(run).progress == {"step": 2, "loss": 1.0}
    assert losses(folder) == [(1, 2.0), (2, 1.0)]


def test_an_unknown_launcher_is_refused() -> None:
    from monitor.errors import ConfigurationError

    with refusal("unknown_launcher", ConfigurationError, match="'slurm'.*'subprocess'"):
        create_launcher("slurm", Retrain(), Secrets())
