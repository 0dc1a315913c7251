"""Launcher with scripted children."""

from typing import Any

from retrain.jobs.launcher import Capabilities, Capability, ChildStatus, Handle
from retrain.run_folder import RunFolder, Task, write_json


class FakeLauncher:
    """A launcher that starts nothing, records its calls, and ends children on request."""

    name = "fake"
    capabilities = Capabilities(
        resume=Capability(True, "There is nothing to lose."),
        logs=Capability(True, "A test wrote them."),
        device=Capability(True, "There is none."),
    )

    def __init__(self) -> None:
        self.submitted: list[RunFolder] = []
        self.tasks: list[Task] = []
        self.environments: list[dict[str, str]] = []
        self.cancelled: list[Handle] = []
        self.output: list[str] = []
        self._gone: set[int] = set()
        self.error: Exception | None = None
        self.away: Exception | None = None
        #: Raised where a child is to be ended.
        self.refusal: Exception | None = None
        #: What a process that died has started.
        self.adopted: Handle | None = None
        self.exit_reason = ""

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        if self.error is not None:
            raise self.error
        self.submitted.append(folder)
        self.tasks.append(task)
        self.environments.append(environment)
        return {"number": len(self.submitted)}

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        return self.adopted

    def status(self, handle: Handle) -> ChildStatus:
        if self.away is not None:
            raise self.away
        return "gone" if handle["number"] in self._gone else "running"

    def explain(self, folder: RunFolder, task: Task = "train") -> str:
        return self.exit_reason

    def check(self) -> str:
        if self.away is not None:
            raise self.away
        return "a test"

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        return self.output[-last_lines:]

    def cancel(self, handle: Handle) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.cancelled.append(handle)
        self._gone.add(handle["number"])

    def end(self, number: int, result: dict[str, Any] | None) -> None:
        """End a child; without a result it counts as lost."""
        if result is not None:
            files = self.submitted[number - 1].task(self.tasks[number - 1])
            write_json(files.result, result)
        self._gone.add(number)


def success(folder: RunFolder, **values: Any) -> dict[str, Any]:
    """Return the result of a successful child."""
    return {
        "status": "succeeded",
        "adapter": str(folder.adapter),
        "adapter_digest": f"sha256:{folder.root.name}",
        "lineage": {"seed": 1},
        **values,
    }
