"""Reviews from annotations in Label Studio's JSON export."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitor.review.imports.parsed_reviews import (
    ImportProblem,
    ParsedReview,
    ParsedReviews,
    find_item,
    read_array,
)
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, SCORE_TITLES

_CHOICES = {choice.name for choice in CHOICES}
_TEXTS = {CORRECTED[0], COMMENT[0]}


def read_label_studio(path: Path) -> ParsedReviews:
    """Return the reviews of a project's export in the format "JSON".

    Skipped annotations, and gold that was exported from here, are left out.

    Raises:
        InputError: The file can't be read, or is no such export.
    """
    parsed = ParsedReviews()
    for number, task in enumerate(read_array(path), start=1):
        place = f"task {task.get('id', number)}"
        annotations = task.get("annotations")
        if not isinstance(annotations, list):
            message = "has no annotations; export in the format JSON"
            parsed.problems.append(ImportProblem(place, "no_annotations", message))
            continue
        for index, annotation in enumerate(annotations, start=1):
            if not isinstance(annotation, dict):
                message = f"annotation {index} is no JSON object"
                parsed.problems.append(ImportProblem(place, "no_annotations", message))
                continue
            own_place = f"{place}, annotation {annotation.get('id', index)}"
            _read_annotation(task, annotation, own_place, parsed)
    return parsed


def _read_annotation(
    task: dict[str, Any], annotation: dict[str, Any], place: str, parsed: ParsedReviews
) -> None:
    annotator = tuple(_annotator_names(annotation.get("completed_by")))
    is_exported_gold = annotation.get("ground_truth") is True and not annotator
    if annotation.get("was_cancelled") is True or is_exported_gold:
        parsed.n_skipped += 1
        return
    item = find_item(place, task.get("data"), parsed)
    if item is None:
        return
    if not annotator:
        message = "has no annotator (completed_by)"
        parsed.problems.append(ImportProblem(place, "no_annotator", message))
        return
    fields = _fields(annotation.get("result"))
    parsed.reviews.append(ParsedReview(place, item[0], item[1], annotator, fields))


def _annotator_names(completed_by: Any) -> Iterable[str]:
    """Yield the names of an annotator: exports have an id, or an object with a mail address."""
    if isinstance(completed_by, dict):
        names = [completed_by.get(key) for key in ("email", "username", "id")]
    else:
        names = [completed_by]
    yield from (str(name) for name in names if name not in {None, ""})


def _fields(result: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for region in result if isinstance(result, list) else []:
        name = region.get("from_name") if isinstance(region, dict) else None
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict):
            continue
        if name in _CHOICES and (chosen := _texts(value.get("choices"))):
            fields[name] = chosen[0]
        elif name in SCORE_TITLES:
            fields[name] = value.get("rating")
        elif name in _TEXTS:
            fields[name] = "\n".join(_texts(value.get("text")))
    return fields


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]
