"""Resumption of killed children: they end with bit-identical results."""

import os
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from monitor.privacy.run_files import files_of, kind_of
from retrain.data import original_training_set
from retrain.jobs.progress import losses
from retrain.recipes.recipe import Method
from retrain.run_folder import RunFolder, read_lines, write_lines
from retrain.training.cancellation import cancel_run
from retrain.training.resumption import last_step, reopen
from retrain.training.runs import RunState, poll_run, start_run
from tests.services.warm_interpreter import warm_children  # noqa: F401
from tests.support.retrain.desks.training_desk import ENVIRONMENT, NOW, Desk, training_desk
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401

pytestmark = [
    pytest.mark.language_model,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("warm_children"),
]

#: Checkpoints fall into the middle of an epoch of 10 half-batches.
RECIPE = {
    "epochs": 12.0, "learning_rate": 1e-3, "batch_size": 8, "micro_batch_size": 4,
    "checkpoint_steps": 7,
}  # fmt: skip
N_STEPS = 60

NUMBERS = count()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Iterator[Desk]:  # noqa: F811
    with training_desk(tmp_path_factory.mktemp("desk"), tiny_base) as made:
        yield made


def begin(desk: Desk, method: Method = "lora") -> int:
    """Plan and start a run with a validation set, of a model of its own: a copy is no version."""
    recipe = desk.recipe(method=method, **RECIPE)
    rows = original_training_set(examples(OLD, 40), seed=1)
    run = desk.plan(recipe, rows, f"desk {next(NUMBERS)}")
    write_lines(desk.files(run).validation_data, examples(NEW, 5))
    start_run(desk.engine, run, desk.launcher, NOW, environment=ENVIRONMENT)
    return run


def wait_for_checkpoint(folder: RunFolder) -> None:
    deadline = time.monotonic() + 300
    while not last_step(folder):
        assert time.monotonic() < deadline, folder.log.read_text()[-2000:]
        time.sleep(0.02)


def gone_on_with(desk: Desk, run: int) -> RunState:
    """Poll a run with a killed child until its successor has ended."""
    deadline = time.monotonic() + 300
    while (
        state := poll_run(desk.engine, run, desk.launcher, NOW, resumptions=1)
    ).run.status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (state.run.status, state.run.resumptions) == ("succeeded", 1), state.run.error
    return state


def digest(state: RunState) -> str:
    return str((state.run.result or {})["adapter_digest"])


@pytest.fixture(scope="module")
def undisturbed(desk: Desk) -> RunState:
    return desk.succeeded(begin(desk))


def test_killed_child_resumes_to_the_same_bits(
    desk: Desk,
    undisturbed: RunState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = begin(desk)
    folder = desk.files(run)
    wait_for_checkpoint(folder)
    before = desk.row(run).handle or {}
    os.kill(before["pid"], signal.SIGKILL)
    with folder.progress.open("a", encoding="utf-8") as file:
        file.write('{"step": 3, "lo')  # as a process leaves it that is killed while it writes
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # as in a daemon started elsewhere
    state = gone_on_with(desk, run)
    assert (state.run.handle or {})["pid"] != before["pid"]
    result = state.run.result or {}
    assert Path(result["resumed_from"]).name.startswith("checkpoint-")
    assert digest(state) == digest(undisturbed)
    # The mean loss counts the steps before the interruption too.
    assert result["training_loss"] == pytest.approx(
        (undisturbed.run.result or {})["training_loss"], abs=1e-12
    )
    # The curve is whole, each step once, and the same.
    assert [step for step, _ in losses(folder)] == list(range(1, N_STEPS + 1))
    assert losses(folder) == losses(RunFolder(Path(undisturbed.run.work_dir)))
    assert len([line for line in read_lines(folder.progress) if line.get("step") == 3]) == 1


def test_cancelled_run_resumes_to_the_same_bits(
    desk: Desk,
    undisturbed: RunState,
) -> None:
    run = begin(desk)
    wait_for_checkpoint(desk.files(run))
    cancel_run(desk.engine, run, desk.launcher, NOW, cancelled_by="lea")
    assert desk.row(run).status == "cancelled"
    step = reopen(desk.engine, run, desk.launcher, NOW, resumed_by="lea")
    assert step >= 7
    assert step % 7 == 0
    start_run(desk.engine, run, desk.launcher, NOW, environment=ENVIRONMENT)
    assert digest(desk.succeeded(run)) == digest(undisturbed)


def test_every_file_of_a_run_has_a_row(undisturbed: RunState) -> None:
    """Erasure reaches what is listed; a new file of a run needs a row."""
    folder = RunFolder(Path(undisturbed.run.work_dir))
    paths = files_of(folder)
    assert len(paths) > 15
    assert [path.name for path in paths if kind_of(folder, path) is None] == []


@pytest.mark.parametrize("method", ["qlora", "full"])
def test_the_other_methods_end_with_the_same_bits_too(desk: Desk, method: Method) -> None:
    whole, run = begin(desk, method), begin(desk, method)
    wait_for_checkpoint(desk.files(run))
    os.kill((desk.row(run).handle or {})["pid"], signal.SIGKILL)
    assert digest(gone_on_with(desk, run)) == digest(desk.succeeded(whole))


def test_validation_loss_is_measured_after_each_epoch(
    desk: Desk,
    undisturbed: RunState,
) -> None:
    folder = RunFolder(Path(undisturbed.run.work_dir))
    measured = losses(folder, "validation_loss")
    assert [step for step, _ in measured] == list(range(5, N_STEPS + 1, 5))
    result = undisturbed.run.result or {}
    assert result["validation_loss"] == measured[-1][1]
    progress = undisturbed.run.progress or {}
    assert progress["validation"] == [list(point) for point in measured]
    assert progress["last"]["step"] == N_STEPS
    assert len(progress["losses"]) == N_STEPS
    assert progress["log"]
