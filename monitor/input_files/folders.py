"""Folders of data files: saved data sets of `datasets`, splits by file name, and patterns."""

import glob
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.errors import InputError

SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow"})
COMPRESSED_SUFFIXES = frozenset({".gz", ".zst"})
#: Files of `datasets` that describe the data.
DESCRIPTIONS = frozenset(
    {"dataset_dict.json", "dataset_info.json", "dataset_infos.json", "state.json"}
)
#: The number of a part: ``train-00000-of-00003``, ``0001``, ``part-7``.
_SHARD = re.compile(r"(?P<name>.+?)-\d+-of-\d+|(?:part|shard)?[-_]?\d+(?:-[\w.-]*)?")
SHOWN_SPLITS = 10
#: Where data files lie: ``train.jsonl``, ``data/train-0.parquet``, ``default/train/0000.parquet``.
DEPTHS = ("*", "*/*", "*/*/*")


def is_pattern(place: Path) -> bool:
    """Return whether a path is a pattern of the shell, such as ``logs/*.jsonl``."""
    return glob.has_magic(str(place))


def matching_files(pattern: Path) -> list[Path]:
    """Return the files that match a pattern, in alphabetical order.

    Raises:
        InputError: No file matches, or files of several formats do.
    """
    root = Path(pattern.anchor)
    matches = root.glob(str(pattern.relative_to(root)))
    files = sorted(path for path in matches if path.is_file())
    if not files:
        raise InputError(
            f"{pattern}: no file matches this pattern; check its folder, or name a file",
            code="no_file",
        )
    return _same_kind(pattern, files)


def data_files(place: Path) -> list[Path]:
    """Return the data files of a folder with one split, or of one split: ``FOLDER/SPLIT``.

    Raises:
        InputError: The folder has no data files, or several splits; the message names them.
    """
    if place.is_dir():
        splits = _splits(place)
        if len(splits) == 1:
            return _same_kind(place, *splits.values())
        if not splits:
            raise InputError(
                f"{place}: a folder without data files; give a file, or a folder with "
                "JSON lines, CSV or Parquet, or of `save_to_disk`",
                code="no_data_files",
            )
        names = list(splits)
        more = f" and {len(names) - SHOWN_SPLITS} more" if len(names) > SHOWN_SPLITS else ""
        raise InputError(
            f"{place}: a folder with several splits: {', '.join(names[:SHOWN_SPLITS])}{more}; "
            f"name one: {place / names[0]}",
            code="several_splits",
        )
    # Not beside every missing file: the folder may hold anything.
    splits = _splits(place.parent) if not place.suffix and place.parent.is_dir() else {}
    if place.name in splits:
        return _same_kind(place, splits[place.name])
    hint = f"; the splits of {place.parent} are {', '.join(splits)}" if len(splits) > 1 else ""
    kind = "file" if place.suffix else "file or folder"
    raise InputError(f"{place}: no such {kind}{hint}", code="no_file")


def _splits(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Return the data files by split, in alphabetical order."""
    try:
        state = folder / "state.json"
        if state.is_file():
            return {folder.name: [folder / name for name in _saved_files(state)]}
        declared = folder / "dataset_dict.json"
        if declared.is_file():
            return {
                name: [folder / name / part for part in _saved_files(folder / name / "state.json")]
                for name in json.loads(declared.read_text(encoding="utf-8"))["splits"]
            }
        splits = defaultdict(list)
        next(folder.iterdir(), None)  # glob passes over what it may not read
        for pattern in DEPTHS:
            for path in sorted(folder.glob(pattern)):
                if _is_data(path, folder):
                    splits[_split_name(path, folder)].append(path)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: its state.json or dataset_dict.json can't be read: {error}; save the data "
            "set again",
            code="damaged",
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}", code="not_readable") from None
    return dict(sorted(splits.items()))


def _saved_files(state: Path) -> list[str]:
    content = json.loads(state.read_text(encoding="utf-8"))
    return [entry["filename"] for entry in content["_data_files"]]


def _is_data(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    if any(part.startswith((".", "_")) for part in parts) or path.name in DESCRIPTIONS:
        return False
    return _kind(path) in SUFFIXES and path.is_file()


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _split_name(path: Path, folder: Path) -> str:
    """Return the split of a file: its name without number, else the name of its folder."""
    name = path.name.partition(".")[0]
    shard = _SHARD.fullmatch(name)
    if shard is None:
        return name
    return shard["name"] or (path.parent.name if path.parent != folder else folder.name)


def _same_kind(place: Path, files: Sequence[Path]) -> list[Path]:
    kinds = sorted({_kind(path) for path in files})
    if len(kinds) > 1:
        raise InputError(
            f"{place}: files of several formats: {', '.join(kinds)}, which may hold the same rows; "
            "give the files of one",
            code="several_formats",
        )
    return list(files)
