"""Check of the folder for temporary files."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from monitor.daemon.readiness.finding import Finding, note, ok
from monitor.telemetry import get_logger

#: A window of a million exchanges takes 2 GB, one of a hundred thousand a tenth.
MIN_FREE_BYTES = 1024**3

#: What is wrong with a folder, and what to do, by the error of a file in it.
PROBLEMS = {
    errno.ENOSPC: ("is full", "free space there"),
    errno.EDQUOT: ("is full: this user's quota is used up", "free space there"),
    errno.ENOENT: ("does not exist", "create it"),
    errno.ENOTDIR: ("is no folder", "name a folder"),
    errno.EROFS: ("is on a read-only file system", "name a folder that can be written"),
    errno.EACCES: ("is not writable for this user", "give this user the right to write there"),
}

log = get_logger(__name__)


def ignored_folder() -> Path | None:
    """Return the folder that ``TMPDIR`` names, where another one is used in its place."""
    named = os.environ.get("TMPDIR", "")
    if not named or Path(named).resolve() == Path(tempfile.gettempdir()).resolve():
        return None
    return Path(named)


def write_problem(folder: Path) -> OSError | None:
    """Return the error of a file that is written in a folder; ``None`` where it can be."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        return error
    return None


def warn_of_ignored_folder() -> None:
    """Log that ``TMPDIR`` is not used, which :mod:`tempfile` doesn't say."""
    named = ignored_folder()
    if named is not None:
        problem, action = _describe(write_problem(named))
        log.warning(
            "tmpdir_not_used",
            tmpdir=str(named), used=tempfile.gettempdir(), problem=problem, action=action,
        )  # fmt: skip


def temporary_files_finding() -> Finding:
    """Check that the folder is the one that ``TMPDIR`` names, and has space for a large window."""
    folder, named = Path(tempfile.gettempdir()), ignored_folder()
    for wanted in filter(None, (named, folder)):
        error = write_problem(wanted)
        if error is None:
            continue
        problem, action = _describe(error)
        name = f"TMPDIR = {str(named)!r}" if named is not None else f"{folder}"
        used = f", so {folder} is used" if named is not None else ""
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return Finding(
            "fail" if is_full or named is None else "note",
            f"{name} {problem}{used}; {action}, or set TMPDIR to another folder",
        )
    free = shutil.disk_usage(folder).free
    message = f"{folder}: {free / 1024**3:.1f} GiB free"
    if free < MIN_FREE_BYTES:
        return note(
            f"{message}; a window of over 50,000 exchanges needs 2 GB a million: set TMPDIR to a "
            "folder on a larger disk"
        )
    return ok(message)


def _describe(error: OSError | None) -> tuple[str, str]:
    if error is None:
        return "could not be written at the start", "start the process again"
    default = (f"can't be written: {error.strerror}", "mend it")
    return PROBLEMS.get(error.errno or 0, default)
