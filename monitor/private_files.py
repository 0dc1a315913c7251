"""Files and folders that only their owner may read: they hold texts of end users."""

import contextlib
import os
import stat
from pathlib import Path

#: New files have at most mode 0600, new folders 0700.
UMASK = 0o077
PRIVATE_FILE = 0o600


def use_private_umask() -> None:
    """Set the umask of this process and of the children that it starts.

    Libraries and children write with it too. A default access list of a folder has precedence, so
    that an administrator can give another account a right on what is written there.
    """
    os.umask(UMASK)


def create_private_file(path: Path) -> int:
    """Create a file of mode 0600, and return its descriptor for writing.

    Raises:
        FileExistsError: It exists, or is a link.
        OSError: It can't be created.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, PRIVATE_FILE)


def write_private_text(path: Path, text: str, *, errors: str = "strict") -> None:
    """Write a text as :func:`write_private_bytes` writes bytes."""
    write_private_bytes(path, text.encode("utf-8", errors))


def write_private_bytes(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 atomically: readers see the old or the new content, never a part.

    An existing file is replaced, with its mode: whoever has it open reads the old content. A link
    is followed. A device or a pipe is written to.

    Raises:
        OSError: It can't be written.
    """
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        path.write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed
    try:
        with os.fdopen(create_private_file(draft), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def sync_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
