"""Files of a training run: which personal data they hold, and how `driftwarden forget` reaches it.

A test compares the list with what runs write.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path

from monitor.privacy.erasure.traces import Traces
from monitor.table_types.contents import Content
from retrain.run_folder import RunFolder


class FileErasure(StrEnum):
    """How `driftwarden forget` reaches what a file holds of an end user."""

    ROWS = "rows of the end user are removed"
    MASKED = "masked in place; the rest of the text stays"
    TAINTED = "weights can't forget: the run and its version are tainted for good"
    UNCHANGED = "not changed"


@dataclass(frozen=True)
class PersonalFile:
    """A kind of file in the folder of a run."""

    #: Path in the folder; ``*`` stands for anything.
    pattern: str
    content: Content
    erasure: FileErasure
    purpose: str
    #: Why it is not changed; empty where it is.
    reason: str = ""


def _rows(pattern: str, purpose: str) -> PersonalFile:
    return PersonalFile(pattern, Content.END_USER_TEXT, FileErasure.ROWS, purpose)


def _words(pattern: str, purpose: str) -> PersonalFile:
    return PersonalFile(pattern, Content.STAFF_WORDS, FileErasure.MASKED, purpose)


def _weights(pattern: str, purpose: str) -> PersonalFile:
    return PersonalFile(pattern, Content.END_USER_TEXT, FileErasure.TAINTED, purpose)


def _other(pattern: str, purpose: str, reason: str) -> PersonalFile:
    return PersonalFile(pattern, Content.NONE, FileErasure.UNCHANGED, purpose, reason)


_OF_THE_BASE = "of the base model, from before the training"

#: The first pattern that matches counts. Periods: as long as the operator keeps the folder.
RUN_FILES: tuple[PersonalFile, ...] = (
    _rows("train.jsonl", "train the model"),
    _rows("validation.jsonl", "choose the best checkpoint"),
    _rows("replay-prompts.jsonl", "train the model without forgetting"),
    _rows("replay-responses.jsonl", "train the model without forgetting"),
    _rows("evaluation-responses-*.jsonl", "compare versions on benchmarks"),
    _words("recipe.json", "repeat the run"),
    _words("dataset.json", "describe the training data"),
    _words("dataset.md", "describe the training data"),
    _words("child.log", "explain a failure"),
    _words("evaluation-child.log", "explain a failure"),
    _words("child.json", "find the child again"),
    _words("evaluation-child.json", "find the child again"),
    _words("launch.json", "find the child again"),
    _words("evaluation-launch.json", "find the child again"),
    _words("heartbeat.json", "show the progress"),
    _words("evaluation-heartbeat.json", "show the progress"),
    _words("progress.jsonl", "show the progress"),
    _words("threads.json", "repeat the run"),
    _words("result.json", "finish the run"),
    _words("evaluation-request.json", "repeat the evaluation"),
    _words("evaluation-result.json", "finish the evaluation"),
    _words("evaluation.json", "compare versions on benchmarks"),
    _words("adapter/*.md", "describe the adapter"),
    _words("adapter/lineage.json", "describe the adapter"),
    _words("checkpoints/*/trainer_state.json", "resume the run"),
    _weights("adapter/*.safetensors", "serve the model"),
    _weights("adapter/*.bin", "serve the model"),
    _weights("checkpoints/*.safetensors", "resume the run"),
    _weights("checkpoints/*.pt", "resume the run"),
    _weights("checkpoints/*.pth", "resume the run"),
    _weights("checkpoints/*.bin", "resume the run"),
    _words("checkpoints/*.md", "describe the checkpoint"),
    _other("adapter/*.json*", "serve the model", _OF_THE_BASE),
    _other("adapter/*.txt", "serve the model", _OF_THE_BASE),
    _other("adapter/*.jinja", "serve the model", _OF_THE_BASE),
    _other("adapter/*.model", "serve the model", _OF_THE_BASE),
    _other("checkpoints/*.json*", "resume the run", _OF_THE_BASE),
    _other("checkpoints/*.txt", "resume the run", _OF_THE_BASE),
    _other("checkpoints/*.jinja", "resume the run", _OF_THE_BASE),
    _other("checkpoints/*.model", "resume the run", _OF_THE_BASE),
)


def kind_of(folder: RunFolder, path: Path) -> PersonalFile | None:
    """Return the row of a file of a run; ``None``: a file that no run writes."""
    name = path.relative_to(folder.root).as_posix()
    return next((kind for kind in RUN_FILES if fnmatch(name, kind.pattern)), None)


def files_of(folder: RunFolder) -> list[Path]:
    """Return the files in the folder of a run, without links out of it."""
    return sorted(
        path for path in folder.root.rglob("*") if path.is_file() and not path.is_symlink()
    )


def unknown_run_folders(known: Iterable[Path], work_dirs: Iterable[Path]) -> list[RunFolder]:
    """Return the folders of runs that the database doesn't know, as after a restoration.

    The known folders are those of its runs. Runs have theirs in ``work_dirs``, with files at any
    depth.
    """
    known_roots = {path.resolve() for path in known}
    names = [kind.pattern for kind in RUN_FILES if "/" not in kind.pattern]
    roots = {
        path.parent
        for path in files_under(work_dirs)
        if any(fnmatch(path.name, name) for name in names)
    }
    return [
        RunFolder(root) for root in sorted(roots) if known_roots.isdisjoint({root, *root.parents})
    ]


def files_under(work_dirs: Iterable[Path]) -> Iterator[Path]:
    """Yield all files in folders, without links."""
    for work_dir in work_dirs:
        yield from files_of(RunFolder(work_dir))


def find_named_files(folder: RunFolder, traces: Traces) -> Iterator[Path]:
    """Yield the files of a run in whose words the end user is named or quoted."""
    for path in files_of(folder):
        kind = kind_of(folder, path)
        # A file of the operator's in the folder is reported by the verification, not rewritten.
        if kind is not None and kind.erasure is FileErasure.MASKED:
            text = path.read_text(encoding="utf-8", errors="replace")
            if traces.in_value(text):
                yield path


def mask_file(path: Path, traces: Traces) -> None:
    """Mask the end user in a file of text or JSON, which is replaced atomically, but for logs."""
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        document = json.loads(text) if path.suffix == ".json" else None
    except ValueError:
        document = None
    masked = (
        traces.mask(text)
        if document is None
        else json.dumps(traces.mask_value(document), ensure_ascii=False, indent=2) + "\n"
    )
    if path.suffix == ".log":  # a child may append to it
        path.write_text(masked, encoding="utf-8")
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(masked)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
