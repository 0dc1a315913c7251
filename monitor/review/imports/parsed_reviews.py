"""What a file of another tool holds, before anybody looks whether it fits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.errors import InputError


@dataclass(frozen=True)
class ParsedReview:
    """One person's answers to one item."""

    #: Where it stands, as in "task 12, annotation 7".
    place: str
    item_id: int
    exchange_id: str
    #: How the tool names the person: a mail address, an id; the best known first.
    person: tuple[str, ...]
    answers: Mapping[str, Any]


@dataclass
class ParsedReviews:
    """All reviews of a file, and what can't be one."""

    reviews: list[ParsedReview] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: Skipped by their authors, drafts, and agreed texts that were exported from here.
    n_skipped: int = 0


def read_array(path: Path) -> list[dict[str, Any]]:
    """Read a JSON array of objects.

    Raises:
        InputError: The file is something else.
    """
    content = _read_json(path)
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise InputError(f"{path}: not a JSON array of objects, which the tool's JSON export is")
    return content


def read_reviewer_map(path: Path | None) -> dict[str, str]:
    """Read who is who: ``{"name in the tool": "name here"}``.

    Raises:
        InputError: The file is something else.
    """
    if path is None:
        return {}
    content = _read_json(path)
    if not isinstance(content, dict) or not all(isinstance(one, str) for one in content.values()):
        raise InputError(f'{path}: not a JSON object such as {{"ada@example.com": "Ada"}}')
    return content


def item_of(place: str, data: Any, parsed: ParsedReviews) -> tuple[int, str] | None:
    """Return the item and exchange that ``data`` names, or say that it names none."""
    item_id = data.get("item_id") if isinstance(data, dict) else None
    exchange_id = data.get("exchange_id") if isinstance(data, dict) else None
    if isinstance(item_id, int) and not isinstance(item_id, bool) and isinstance(exchange_id, str):
        return item_id, exchange_id
    parsed.problems.append(
        f"{place}: names no item; it must come from `driftwarden review export --queue`"
    )
    return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
