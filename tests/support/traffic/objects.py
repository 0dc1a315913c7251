"""Objects in memory, read as the lines of a file."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from monitor.input_files import source_of_bytes
from monitor.settings import Traffic
from monitor.traffic.files.reading import FileContent, read_exchanges

Objects = Sequence[dict[str, Any]]


def drop(_remark: str) -> None:
    """Drop a remark."""


def read_objects(
    objects: Objects,
    settings: Traffic | None = None,
    *,
    is_table: bool = False,
    requires_response: bool = False,
    announce: Callable[[str], None] = drop,
) -> FileContent:
    """Read objects, by default with the default settings."""
    content = "".join(f"{json.dumps(line)}\n" for line in objects).encode()
    return read_exchanges(
        source_of_bytes(content, "objects", has_rows=is_table),
        settings or Traffic(),
        default_model="",
        redactor=None,
        requires_response=requires_response,
        announce=announce,
    )
