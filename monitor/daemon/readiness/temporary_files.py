"""Check of the folder for temporary files."""

import os
import shutil
import tempfile
from pathlib import Path

from monitor.daemon.readiness.finding import Finding, note, ok

#: A window of a million exchanges takes 2 GB, one of a hundred thousand a tenth.
MIN_FREE_BYTES = 1024**3


def temporary_files_finding() -> Finding:
    """Check that the folder is the one that ``TMPDIR`` names, and has space for a large window."""
    folder, named = tempfile.gettempdir(), os.environ.get("TMPDIR", "")
    if named and Path(named).resolve() != Path(folder).resolve():
        return note(
            f"TMPDIR = {named!r} is not writable, so {folder} is used; give this user the right to "
            "write there, or unset TMPDIR"
        )
    free = shutil.disk_usage(folder).free
    message = f"{folder}: {free / 1024**3:.1f} GiB free"
    if free < MIN_FREE_BYTES:
        return note(
            f"{message}; a window of over 50,000 exchanges needs 2 GB a million: set TMPDIR to a "
            "folder on a larger disk"
        )
    return ok(message)
