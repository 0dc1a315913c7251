"""Serialization of exported rows, and atomic writes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitor.errors import InputError
from monitor.private_files import write_private_text


def as_lines(rows: Iterable[dict[str, Any]]) -> str:
    """Return JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_array(rows: Iterable[dict[str, Any]]) -> str:
    """Return a JSON array with one row a line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def as_document(content: Any) -> str:
    """Return an indented JSON document."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def write_atomically(path: Path, text: str) -> None:
    """Write a file that only its owner may read, and the folder that it is in.

    Readers see the old or the new content, never a part.

    Raises:
        InputError: It can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private_text(path, text)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written: {error.strerror}", code="not_writable"
        ) from None
