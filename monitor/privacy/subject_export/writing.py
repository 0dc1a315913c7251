"""The files of an export: readable by their owner only, and never in place of another file."""

import os
from collections.abc import Mapping
from pathlib import Path

from monitor.errors import InputError
from monitor.privacy.subject_export.document import Export, to_json
from monitor.privacy.subject_export.page import to_html
from monitor.private_files import create_private_file

JSON_NAME, HTML_NAME = "export.json", "export.html"
_FORMATS = {".json": to_json, ".html": to_html}


def require_free(output: Path) -> None:
    """Require that an export can be written to a new file or folder.

    Raises:
        InputError: It exists, or the folder that it is to be in doesn't.
    """
    if os.path.lexists(output):
        raise InputError(f"it exists: {output}; name a new file or folder", code="output_exists")
    if not output.parent.is_dir():
        raise InputError(
            f"no such folder: {output.parent}; create it, or name another", code="no_folder"
        )


def write_export(export: Export, output: Path) -> list[Path]:
    """Write an export: to a file of its form (``.json``, ``.html``), or both to a new folder.

    Return the files, of mode 0600; a folder has mode 0700.

    Raises:
        InputError: The output exists.
        OSError: It can't be written; nothing of it is left.
    """
    single = _FORMATS.get(output.suffix.lower())
    if single is not None:
        return _write({output: single(export)})
    try:
        output.mkdir(mode=0o700)
    except FileExistsError:
        require_free(output)
    output.chmod(0o700)
    try:
        return _write({output / JSON_NAME: to_json(export), output / HTML_NAME: to_html(export)})
    except BaseException:
        output.rmdir()
        raise


def _write(texts: Mapping[Path, str]) -> list[Path]:
    written: list[Path] = []
    try:
        for path, text in texts.items():
            try:
                descriptor = create_private_file(path)
            except FileExistsError:
                require_free(path)
                raise
            written.append(path)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written
