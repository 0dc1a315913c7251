"""Children that are forked from a process with their libraries."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.demo.warm_children import WarmChildren
from retrain.jobs.launcher import child_command
from retrain.jobs.process_identity import process_identity
from retrain.run_folder import RunFolder, read_json

#: A child's module: what it writes shows where it runs.
MODULE = """
import json, os, sys
from pathlib import Path

def main(arguments):
    (place,) = arguments
    if os.environ.get("FAIL"):
        raise RuntimeError("on purpose")
    print("printed", flush=True)
    seen = {
        "pid": os.getpid(), "session": os.getsid(0), "parent": os.getppid(),
        "variable": os.environ.get("OF_THE_CHILD", ""), "secret": os.environ.get("OF_THE_DEMO", ""),
        "preloaded": "wave" in sys.modules, "stdin": sys.stdin.read(),
    }
    Path(place).write_text(json.dumps(seen))
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmChildren]:
    (tmp_path / "small_child.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("OF_THE_DEMO", "1")
    with WarmChildren(["wave"]) as made:
        yield made


def run_child(warm: WarmChildren, place: Path, **variables: str) -> dict[str, object]:
    """Run a child to its end; return what it saw."""
    command = [sys.executable, "-Pm", "small_child", str(place / "seen.json")]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place), **variables}
    with (place / "child.log").open("ab") as log:
        child = warm.start(command, log, environment)
    deadline = time.monotonic() + 30
    while child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    seen = read_json(place / "seen.json") or {}
    return {"started": child.pid, **seen}


@pytest.mark.slow
def test_a_child_is_a_process_of_its_own(warm: WarmChildren, tmp_path: Path) -> None:
    seen = run_child(warm, tmp_path, OF_THE_CHILD="2")
    assert seen["started"] == seen["pid"] == seen["session"] != os.getpid()
    assert seen["parent"] == warm.pid
    assert (
        seen["variable"], seen["secret"], seen["preloaded"], seen["stdin"],
    ) == ("2", "", True, "")  # fmt: skip
    assert (tmp_path / "child.log").read_text() == "printed\n"


@pytest.mark.slow
def test_a_failure_ends_its_child_alone(warm: WarmChildren, tmp_path: Path) -> None:
    run_child(warm, tmp_path, FAIL="1")
    assert "RuntimeError: on purpose" in (tmp_path / "child.log").read_text()
    assert run_child(warm, tmp_path)["parent"] == warm.pid


@pytest.mark.slow
def test_a_child_that_ends_at_once_runs_once(
    warm: WarmChildren, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pidfd_open = os.pidfd_open

    def open_late(pid: int) -> int:
        time.sleep(0.3)
        return pidfd_open(pid)

    monkeypatch.setattr(os, "pidfd_open", open_late)
    assert run_child(warm, tmp_path)["parent"] == warm.pid
    assert (tmp_path / "child.log").read_text() == "printed\n"


def test_without_the_process_a_new_interpreter_starts(warm: WarmChildren, tmp_path: Path) -> None:
    os.kill(warm.pid, signal.SIGKILL)
    seen = run_child(warm, tmp_path)
    assert seen["started"] == seen["pid"]
    assert (os.getpid(), False) == (seen["parent"], seen["preloaded"])


@pytest.mark.slow
def test_a_module_that_is_missing_costs_only_the_saving(tmp_path: Path, warm: WarmChildren) -> None:
    with WarmChildren(["no_such_module"]) as cold:
        assert os.getpid() == run_child(cold, tmp_path)["parent"]


@pytest.mark.slow
def test_an_ended_child_is_gone_for_the_launcher(warm: WarmChildren, tmp_path: Path) -> None:
    launcher = warm.launcher()
    # Without a recipe the real child ends at once.
    folder = RunFolder(tmp_path)
    handle = launcher.submit(folder, {})
    deadline = time.monotonic() + 60
    while launcher.status(handle) == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "holds no run" in "\n".join(launcher.logs(folder, 5))
    assert child_command([sys.executable], "train", folder)[:2] == [sys.executable, "-Pm"]


@pytest.mark.slow
def test_a_running_child_is_cancelled(warm: WarmChildren, tmp_path: Path) -> None:
    (tmp_path / "small_child.py").write_text(
        "import time\n\ndef main(arguments):\n    time.sleep(60)\n    return 0\n"
    )
    launcher = warm.launcher()
    command = [sys.executable, "-Pm", "small_child", "x"]
    with (tmp_path / "child.log").open("ab") as log:
        child = warm.start(command, log, {"PYTHONPATH": str(tmp_path)})
    assert child.poll() is None
    launcher.cancel(process_identity(child.pid))
    deadline = time.monotonic() + 10
    while child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_closing_leaves_no_process(tmp_path: Path) -> None:
    made = WarmChildren(["wave"])
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(made.pid, 0)
