"""Folder for temporary files."""

import os
import tempfile

from monitor.errors import ConfigurationError

#: Variables in which systemd names the folders of a service: CacheDirectory=, StateDirectory=.
SERVICE_FOLDERS = ("CACHE_DIRECTORY", "STATE_DIRECTORY")


def require_temporary_folder() -> None:
    """Require a writable folder for temporary files, which child processes use too.

    Where none of the usual folders is writable, a folder of the systemd service is used.

    Raises:
        ConfigurationError: No folder is writable. Its code is ``no_temporary_folder``.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        folder = next(filter(_is_writable, _service_folders()), None)
        if folder is None:
            raise ConfigurationError(
                f"no folder for temporary files is writable, or all are full: {error.strerror}; "
                "set TMPDIR to a writable folder on a disk. Under systemd add PrivateTmp=yes to "
                "the unit; in a container mount a volume at /tmp",
                code="no_temporary_folder",
            ) from None
        os.environ["TMPDIR"] = tempfile.tempdir = folder


def _service_folders() -> list[str]:
    """Return the folders of the systemd service; a variable lists several by colons."""
    named = ":".join(os.environ.get(variable, "") for variable in SERVICE_FOLDERS)
    return [folder for folder in named.split(":") if folder]


def _is_writable(folder: str) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"-")
    except OSError:
        return False
    return True
