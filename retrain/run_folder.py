"""Files of a run's folder, and atomic reads and writes of them."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Any, Literal

from monitor.errors import TrainingError

#: What a child does for a run: it trains, or it evaluates what was trained.
Task = Literal["train", "evaluate"]


@dataclass(frozen=True)
class TaskFiles:
    """What a launcher and a child tell each other of one task."""

    #: Which process is, or was, the child.
    child: Path
    #: Everything the child prints.
    log: Path
    #: Replaced by the child as it goes on: the last progress and when it was.
    heartbeat: Path
    #: Written by the child as its last act; complete or absent.
    result: Path
    #: The attempt that was made last to run it elsewhere, and what was said of it there.
    launch: Path


@dataclass(frozen=True)
class RunFolder:
    """Names of the files in a run's folder."""

    root: Path

    def task(self, task: Task) -> TaskFiles:
        """Return the files of one task: no task's child touches those of another."""
        if task == "train":
            return TaskFiles(
                self.child, self.log, self.heartbeat, self.result, self.root / "launch.json"
            )
        return TaskFiles(
            self.root / "evaluation-child.json",
            self.root / "evaluation-child.log",
            self.root / "evaluation-heartbeat.json",
            self.root / "evaluation-result.json",
            self.root / "evaluation-launch.json",
        )

    @property
    def recipe(self) -> Path:
        """Written by the parent before the child starts."""
        return self.root / "recipe.json"

    @property
    def training_data(self) -> Path:
        """The examples, one ``{"messages": [...], "metadata": {...}}`` a line."""
        return self.root / "train.jsonl"

    @property
    def validation_data(self) -> Path:
        """Examples held back, in the same form; not there where none are."""
        return self.root / "validation.jsonl"

    @property
    def replay_prompts(self) -> Path:
        """Prompts of self-generated replay; usually absent."""
        return self.root / "replay-prompts.jsonl"

    @property
    def replay_responses(self) -> Path:
        """Responses of self-generated replay, and why some are unused."""
        return self.root / "replay-responses.jsonl"

    @property
    def card(self) -> Path:
        """Digest and counts of the training data."""
        return self.root / "dataset.json"

    @property
    def data_card(self) -> Path:
        """The same as a page to read."""
        return self.root / "dataset.md"

    @property
    def evaluation_request(self) -> Path:
        """What the evaluation is to do, written by the parent before its child starts."""
        return self.root / "evaluation-request.json"

    @property
    def evaluation(self) -> Path:
        """The verdict on the candidate by evaluation.yaml, with every number that led to it."""
        return self.root / "evaluation.json"

    def evaluation_responses(self, evaluation_id: int) -> Path:
        """What each system answered to the benchmarks of evaluation.yaml, and how it scored."""
        return self.root / f"evaluation-responses-{evaluation_id}.jsonl"

    @property
    def all_evaluation_responses(self) -> list[Path]:
        """Those of every evaluation of this run, with those that aren't scored."""
        return sorted(self.root.glob("evaluation-responses-*.jsonl"))

    @property
    def unscored_responses(self) -> Path:
        """Responses of an evaluation that isn't done; gone when all of them are scored."""
        return self.root / "evaluation-responses-unscored.jsonl"

    @property
    def progress(self) -> Path:
        """One line a logged step, appended by the child."""
        return self.root / "progress.jsonl"

    @property
    def heartbeat(self) -> Path:
        """Replaced by the child at every step: the last progress and when it was."""
        return self.root / "heartbeat.json"

    @property
    def checkpoints(self) -> Path:
        """The trainer's own folder."""
        return self.root / "checkpoints"

    @property
    def threads(self) -> Path:
        """How many threads the run began with."""
        return self.root / "threads.json"

    def last_checkpoint(self) -> Path | None:
        """Return the newest whole checkpoint: the trainer's state is what it writes last."""
        matches = []
        for path in self.checkpoints.glob("checkpoint-*"):
            try:
                json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            except (OSError, json.JSONDecodeError):
                continue  # the child died while it wrote this one; the one before is still there
            matches.append(path)
        return max(matches, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    @property
    def adapter(self) -> Path:
        """What vLLM and PEFT load; for full fine-tuning, the whole model."""
        return self.root / "adapter"

    @property
    def result(self) -> Path:
        """Written by the child as its last act; complete or absent."""
        return self.root / "result.json"

    @property
    def child(self) -> Path:
        """Which process is, or was, the run's child."""
        return self.root / "child.json"

    @property
    def log(self) -> Path:
        """Everything the child prints."""
        return self.root / "child.log"


def _draft_of(path: Path) -> Path:
    """Return a name beside a file that no other process or thread writes to."""
    return path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that a reader finds the old file or the new one, never a part."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text so that a reader finds the old file or the new one, never a part."""
    draft = _draft_of(path)
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; ``None`` where there is no file."""
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise TrainingError(f"{path}: holds no JSON object")
    return value


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as JSON lines, as :func:`canonical` gives them."""
    draft = _draft_of(path)
    draft.write_text("".join(canonical(row) + "\n" for row in rows), encoding="utf-8")
    draft.replace(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines; an unfinished last line, as of a process still writing, ends the reading."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            yield json.loads(line)


def canonical(row: dict[str, Any]) -> str:
    """Return a row's one and only spelling as JSON, for digests."""
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
