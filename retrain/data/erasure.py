"""Erasure of rows from training files, with a note in the data card."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from monitor.errors import InputError, TrainingError
from monitor.input_files import open_source
from retrain.data.training_set import read_card, write_card
from retrain.run_folder import RunFolder, read_json, write_json

#: Returns whether a row must be erased.
Matches = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class FileMatches:
    """The matching rows of a file."""

    path: Path
    n_rows: int


def find_in_file(path: Path, matches: Matches) -> int:
    """Count the matching lines, rows or elements of a file, or of a folder of data files.

    Only JSON objects can match.

    Raises:
        InputError: The file can't be read as JSON objects.
    """
    try:
        source = open_source(path)
    except InputError as error:
        if error.code == "no_file":
            return 0
        raise
    if not path.is_file() or not source.is_plain_json:
        return sum(_matches(value, matches) for _, value in source.values())
    with path.open("rb") as file:
        elements = _array_in(file)
        if elements is not None:
            return sum(isinstance(element, dict) and matches(element) for element in elements)
        return sum(_matches(line, matches) for line in file)


def remove_from_file(path: Path, matches: Matches) -> int:
    """Rewrite a file without the matching lines; other lines keep every byte.

    A JSON array is rewritten without the matching elements. The file is replaced atomically.

    Raises:
        InputError: The file has matching rows and is neither JSON lines nor a JSON array.
    """
    n_rows = find_in_file(path, matches)
    if not n_rows:
        return 0
    if not path.is_file() or not open_source(path).is_plain_json:
        raise InputError(
            f"{n_rows} of its rows must go, and only JSON lines and arrays are rewritten; remove "
            "them by hand",
            code="not_rewritten",
        )
    target = path.resolve()  # the target of a link
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        n_removed = _copy_others(target, draft, matches)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return n_removed


def find_in_run(folder: RunFolder, matches: Matches) -> list[FileMatches]:
    """Return the files of a run with matching rows."""
    results = [FileMatches(path, find_in_file(path, matches)) for path in _files_of_rows(folder)]
    return [match for match in results if match.n_rows]


def remove_from_run(
    folder: RunFolder, matches: Matches, now: datetime, *, trained: bool
) -> list[FileMatches]:
    """Remove matching rows from a run's files, with a note in its data card.

    Where the run was started (``trained``), the card keeps the digest of the rows that were trained
    on, and the note has the digest of the file; if not, the remaining rows are the training data.
    """
    n_rows = find_in_file(folder.training_data, matches)
    n_held = find_in_file(folder.validation_data, matches)
    if n_rows or n_held:
        # The card is written first, so that a shorter file always has a note.
        _note(folder, matches, now, n_rows + n_held, trained=trained)
    removed = [
        FileMatches(path, remove_from_file(path, matches)) for path in _files_of_rows(folder)
    ]
    return [entry for entry in removed if entry.n_rows]


def _files_of_rows(folder: RunFolder) -> list[Path]:
    """Return the files with one exchange per line."""
    return [
        folder.training_data,
        folder.validation_data,
        folder.replay_prompts,
        folder.replay_responses,
        *folder.all_evaluation_responses,
    ]


def _copy_others(target: Path, draft: Path, matches: Matches) -> int:
    n_removed = 0
    with target.open("rb") as old, draft.open("wb") as new:
        os.fchmod(new.fileno(), target.stat().st_mode & 0o777)
        elements = _array_in(old)
        if elements is not None:
            retained = [
                element
                for element in elements
                if not (isinstance(element, dict) and matches(element))
            ]
            n_removed = len(elements) - len(retained)
            lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in retained)
            new.write(f"[\n{lines}\n]\n".encode())
        for line in old:
            if _matches(line, matches):
                n_removed += 1
            else:
                new.write(line)
        new.flush()
        os.fsync(new.fileno())
    return n_removed


def _note(
    folder: RunFolder, matches: Matches, now: datetime, n_rows: int, *, trained: bool
) -> None:
    digest, n_left = _left(folder.training_data, matches)
    note = {
        "at": now.isoformat(),
        "n_rows": n_rows,
        "digest": digest,
        "why": "removed at an end user's request; the card's digest refers to the earlier rows"
        if trained
        else "removed at an end user's request before training",
    }
    if (card := _document(folder.card)) is not None:
        card["removed"] = [*card.get("removed", ()), note]
        if not trained:
            card |= {"digest": digest, "n_examples": n_left}
            if folder.validation_data.is_file():
                held_digest, n_held = _left(folder.validation_data, matches)
                card |= {"validation_digest": held_digest, "n_validation": n_held}
        write_json(folder.card, card)
        if folder.data_card.is_file():
            with suppress(msgspec.ValidationError):  # the page of an incomplete card stays
                if (rewritten := read_card(folder)) is not None:
                    write_card(folder, rewritten)
    lineage = folder.adapter / "lineage.json"
    if lineage.is_file() and (content := _document(lineage)) is not None:
        write_json(lineage, content | {"removed": [*content.get("removed", ()), note]})


def _document(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, empty without a file; ``None``: a damaged one, which takes no note."""
    try:
        return read_json(path) or {}
    except TrainingError:
        return None


def _left(path: Path, matches: Matches) -> tuple[str, int]:
    """Return digest and number of the remaining lines."""
    digest = hashlib.sha256()
    n_left = 0
    if not path.is_file():  # only validation data is left
        return f"sha256:{digest.hexdigest()}", 0
    with path.open("rb") as file:
        for line in file:
            if not _matches(line, matches):
                digest.update(line)
                n_left += 1
    return f"sha256:{digest.hexdigest()}", n_left


def _array_in(file: BinaryIO) -> list[Any] | None:
    """Read a JSON array; return ``None``, without reading, if the file has none.

    Review tools export one array; training data has lines.
    """
    start = file.read(1)
    while start.isspace():
        start = file.read(1)
    file.seek(0)
    if start != b"[":
        return None
    try:
        content = json.load(file)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, list):
        return content
    file.seek(0)
    return None


def _matches(line: bytes, matches: Matches) -> bool:
    row = _object(line)
    return row is not None and matches(row)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
