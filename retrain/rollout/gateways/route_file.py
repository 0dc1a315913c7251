"""A JSON file that another process watches: locked, and replaced by a rename."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor.errors import TransientError

#: Longest wait for the lock, which is held for milliseconds.
LOCK_SECONDS = 2.0


class RouteFile:
    """A file that is replaced by a rename in its folder, the event that Envoy watches for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any] | None:
        """Return the content; ``None`` where the file is missing, or no JSON object.

        Raises:
            TransientError: The file can't be read.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise TransientError(
                f"{self.path}: the routes can't be read: {error}", code="not_readable"
            ) from error
        return content if isinstance(content, dict) else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file; the end of a process frees it.

        Raises:
            TransientError: Another process holds it, or the folder can't be written.
        """
        path = self.path.with_name(f"{self.path.name}.lock")
        try:
            _make_public_folder(path.parent)
            lock = path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._not_writable(error) from error
        with lock:
            _wait_for(lock.fileno(), path)
            yield

    def replace(self, text: str) -> None:
        """Replace the content; only under the lock. The same content is not written again.

        Raises:
            TransientError: The file can't be written.
        """
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            if self.path.is_file() and self.path.read_bytes() == text.encode():
                return
            with draft.open("w", encoding="utf-8") as output:
                output.write(text)
                output.flush()
                os.fsync(output.fileno())  # after a power cut Envoy starts with the old or the new
            draft.chmod(0o644)  # Envoy runs under another account
            draft.replace(self.path)
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> TransientError:
        return TransientError(
            f"{self.path}: the routes can't be written: {error}", code="not_writable"
        )


def _make_public_folder(folder: Path) -> None:
    """Make the folder, and those above it, so that Envoy's account can read it.

    Routes hold no texts: this is the only folder that others than its owner may read.
    """
    for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)


def _wait_for(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"{path}: locked by another process for {LOCK_SECONDS:g} s; list it by "
                    f"fuser {path}, and end it",
                    code="locked",
                ) from None
            time.sleep(0.02)
        else:
            return
