"""Checks of output files: writable, and not an input of the same command."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import InputError

if TYPE_CHECKING:
    from monitor.settings import Sections


def require_writable(option: str, path: Path | None) -> None:
    """Check, before a long computation, that a file can be written.

    Raises:
        InputError: It is a folder, or its folder is missing or not writable.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{option} {path}: a folder; name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(
            f"{option} {path}: no folder {folder}; `mkdir -p {folder}` creates it", code="no_folder"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(f"{option} {path}: not writable; check the permissions")


def require_distinct_files(
    targets: Mapping[str, Path | None], sources: Mapping[str, Path | None]
) -> None:
    """Check that no output file is an input file or another output file.

    Files are by option; ``None`` where the option isn't given.

    Raises:
        InputError: Two of them are the same file, also by another path or a link.
    """
    taken: dict[str, Path] = {}
    for option, target in targets.items():
        if target is None or (target.exists() and not target.is_file()):
            continue  # a device or a pipe has no content to lose
        for description, source in sources.items():
            if source is not None and is_same_file(target, source):
                raise InputError(
                    f"{option} {target}: would overwrite {description}; name another file",
                    code="overwrites_input",
                )
        for other, path in taken.items():
            if is_same_file(target, path):
                raise InputError(
                    f"{option} {target}: also written by {other}; name another file for one of "
                    "them",
                    code="same_output",
                )
        taken[option] = target


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether two paths lead to the same file, which may not exist yet."""
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def database_file(settings: "Sections") -> Path | None:
    """Return the file of a SQLite database; ``None`` for a server or a database in memory."""
    from sqlalchemy import make_url

    url = make_url(settings.database.url)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database or "") if is_file else None
