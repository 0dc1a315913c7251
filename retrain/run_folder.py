"""Files of a run's folder, read and written atomically."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Any, Literal

from monitor.errors import TrainingError

#: The task of a child: train the run, or evaluate its candidate.
Task = Literal["train", "evaluate"]


@dataclass(frozen=True)
class TaskFiles:
    """Files through which a launcher and a child of one task communicate."""

    #: Identity of the child's process.
    child: Path
    #: The child's output.
    log: Path
    #: The child's last progress and its time; replaced by the child.
    heartbeat: Path
    #: The child's result, written last; complete or absent.
    result: Path
    #: The last attempt on a remote engine, and the engine's message.
    launch: Path


@dataclass(frozen=True)
class _File:
    """A file of a run's folder by its name."""

    name: str

    def __get__(self, folder: "RunFolder", _owner: type) -> Path:
        return folder.root / self.name


@dataclass(frozen=True)
class RunFolder:
    """Paths of the files in a run's folder."""

    root: Path

    def task(self, task: Task) -> TaskFiles:
        """Return the files of a task; a child uses only its own task's files."""
        prefix = "" if task == "train" else "evaluation-"
        names = ("child.json", "child.log", "heartbeat.json", "result.json", "launch.json")
        return TaskFiles(*(self.root / f"{prefix}{name}" for name in names))

    #: The recipe, written by the parent before the child starts.
    recipe = _File("recipe.json")
    #: The examples, one ``{"messages": [...], "metadata": {...}}`` a line.
    training_data = _File("train.jsonl")
    #: Validation examples in the same format; absent without validation.
    validation_data = _File("validation.jsonl")
    #: Prompts of self-generated replay; usually absent.
    replay_prompts = _File("replay-prompts.jsonl")
    #: Responses of self-generated replay, with reasons for unused responses.
    replay_responses = _File("replay-responses.jsonl")
    #: Digest and counts of the training data.
    card = _File("dataset.json")
    #: The data card as a Markdown page.
    data_card = _File("dataset.md")
    #: The evaluation's request, written by the parent before the child starts.
    evaluation_request = _File("evaluation-request.json")
    #: The candidate's results.
    evaluation = _File("evaluation.json")

    def evaluation_responses(self, evaluation_id: int) -> Path:
        """Responses of each system to the benchmarks, with scores."""
        return self.root / f"evaluation-responses-{evaluation_id}.jsonl"

    @property
    def all_evaluation_responses(self) -> list[Path]:
        """Responses of all evaluations of this run, scored and unscored."""
        return sorted(self.root.glob("evaluation-responses-*.jsonl"))

    #: Responses of a running evaluation, deleted once all are scored.
    unscored_responses = _File("evaluation-responses-unscored.jsonl")
    #: A line per logged step, appended by the child.
    progress = _File("progress.jsonl")
    #: The child's last progress and its time, replaced at every step.
    heartbeat = _File("heartbeat.json")
    #: Folder of the trainer's checkpoints.
    checkpoints = _File("checkpoints")
    #: Number of threads at the start of the run.
    threads = _File("threads.json")

    def last_checkpoint(self) -> Path | None:
        """Return the newest complete checkpoint, whose trainer state is written last."""
        matches = []
        for path in self.checkpoints.glob("checkpoint-*"):
            try:
                json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            except (OSError, json.JSONDecodeError):
                continue  # incomplete, as the child died; the previous one remains
            matches.append(path)
        return max(matches, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    #: The adapter that vLLM and PEFT load; after full fine-tuning, the whole model.
    adapter = _File("adapter")
    #: The child's result, written last; complete or absent.
    result = _File("result.json")
    #: Identity of the child's process.
    child = _File("child.json")
    #: The child's output.
    log = _File("child.log")


def _draft_of(path: Path) -> Path:
    """Return a unique path for a draft."""
    return path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text atomically."""
    draft = _draft_of(path)
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; ``None`` without a file."""
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        raise TrainingError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise TrainingError(f"{path}: not a JSON object")
    return value


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as JSON lines in canonical form."""
    draft = _draft_of(path)
    draft.write_text("".join(canonical(row) + "\n" for row in rows), encoding="utf-8")
    draft.replace(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines, ignoring an incomplete last line."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            yield json.loads(line)


def canonical(row: dict[str, Any]) -> str:
    """Return a row's canonical JSON, for digests."""
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
