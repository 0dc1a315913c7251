"""Reviews parsed from a labeling tool's export, not yet checked against the database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.errors import InputError
from monitor.input_files import open_source


@dataclass(frozen=True)
class ParsedReview:
    """One annotator's review of one item."""

    #: Its place in the file, such as "task 12, annotation 7".
    place: str
    item_id: int
    exchange_id: str
    #: Names of the annotator in the tool, such as a mail address or an id; the most specific first.
    annotator: tuple[str, ...]
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class ImportProblem:
    """A part of a file that can't be imported."""

    #: Its place in the file, such as "task 12, annotation 7".
    place: str
    #: A stable name of the reason.
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass
class ParsedReviews:
    """All reviews of a file, with its problems."""

    reviews: list[ParsedReview] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)
    #: Skipped annotations, drafts, and gold that was exported from here.
    n_skipped: int = 0


def read_array(path: Path) -> list[dict[str, Any]]:
    """Read the objects of an export: a JSON array, or JSON lines, compressed or not.

    Raises:
        InputError: The file is something else.
    """
    source = open_source(path)
    rows = []
    for number, value in source.values():
        try:
            row = json.loads(value or "null")
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{source.label}: {source.unit} {number + 1}: not valid JSON: {error}",
                code="not_json",
            ) from None
        if value and not isinstance(row, dict):
            raise InputError(
                f"{source.label}: not a JSON array of objects; use the tool's JSON export",
                code="not_json_array",
            )
        if value:
            rows.append(row)
    return rows


def read_reviewer_map(path: Path | None) -> dict[str, str]:
    """Read a map, ``{"name in the tool": "name here"}``; else ``InputError``."""
    if path is None:
        return {}
    content = _read_json(path)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content.values()):
        raise InputError(
            f'{path}: not a JSON object such as {{"ada@example.com": "Ada"}}',
            code="not_json_object",
        )
    return content


def find_item(place: str, data: Any, parsed: ParsedReviews) -> tuple[int, str] | None:
    """Return the item's and the exchange's id in ``data``, or add a problem."""
    item_id = data.get("item_id") if isinstance(data, dict) else None
    exchange_id = data.get("exchange_id") if isinstance(data, dict) else None
    if isinstance(item_id, int) and not isinstance(item_id, bool) and isinstance(exchange_id, str):
        return item_id, exchange_id
    message = "names no item; export the tasks with `driftwarden review export --queue`"
    parsed.problems.append(ImportProblem(place, "no_item", message))
    return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}", code="not_readable") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}", code="not_json") from None
