"""Files that a command writes: refused where they can't be, or would overwrite what it reads."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import InputError

if TYPE_CHECKING:
    from monitor.settings import Settings


def require_writable(option: str, path: Path | None) -> None:
    """Refuse a file that can't be written before minutes are spent on what goes into it.

    Raises:
        InputError: It is a folder, or its folder is missing or can't be written to.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{option} {path}: this is a folder; name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{option} {path}: there is no folder {folder}; `mkdir -p {folder}`")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise InputError(f"{option} {path}: can't be written; check the permissions")


def require_distinct_files(
    targets: Mapping[str, Path | None], sources: Mapping[str, Path | None]
) -> None:
    """Refuse targets of which one would overwrite what the command reads, or another target.

    Args:
        targets: What is written, by the option that names it; what isn't asked for is ``None``.
        sources: What is read, by what it is.

    Raises:
        InputError: Two of them are one file, by whatever path or link.
    """
    taken: dict[str, Path] = {}
    for option, target in targets.items():
        if target is None or (target.exists() and not target.is_file()):
            continue  # a device or a pipe holds nothing that could be lost
        for what, source in sources.items():
            if source is not None and is_same_file(target, source):
                raise InputError(
                    f"{option} {target}: that is {what}, and would be overwritten; name another "
                    "file to write"
                )
        for other, path in taken.items():
            if is_same_file(target, path):
                raise InputError(
                    f"{option} {target}: {other} writes to that file too; name another for one of "
                    "them"
                )
        taken[option] = target


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether two paths lead to one file, also where there is none yet."""
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def database_file(settings: "Settings") -> Path | None:
    """Return the file that the database is; ``None`` where it is a server, or in memory."""
    from sqlalchemy import make_url

    url = make_url(settings.database.url)
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    return Path(url.database or "") if is_file else None
