"""Annotations in Label Studio's JSON export."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitor.review.imports.parsed_reviews import ParsedReview, ParsedReviews, item_of, read_array
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, SCORES

_ONE_OF = {choice.name for choice in CHOICES}
_TEXTS = {CORRECTED[0], COMMENT[0]}


def read_label_studio(path: Path) -> ParsedReviews:
    """Return the reviews of a project's export in the format "JSON".

    Skipped annotations are left out, and so are agreed texts that were exported from here.

    Raises:
        InputError: The file can't be read, or is something else.
    """
    parsed = ParsedReviews()
    for number, task in enumerate(read_array(path), start=1):
        place = f"task {task.get('id', number)}"
        annotations = task.get("annotations")
        if not isinstance(annotations, list):
            parsed.problems.append(f"{place}: has no annotations; export in the format JSON")
            continue
        for index, annotation in enumerate(annotations, start=1):
            if not isinstance(annotation, dict):
                parsed.problems.append(f"{place}: annotation {index} is no object")
                continue
            _read(task, annotation, f"{place}, annotation {annotation.get('id', index)}", parsed)
    return parsed


def _read(
    task: dict[str, Any], annotation: dict[str, Any], place: str, parsed: ParsedReviews
) -> None:
    person = tuple(_names(annotation.get("completed_by")))
    agreed = annotation.get("ground_truth") is True and not person
    if annotation.get("was_cancelled") is True or agreed:
        parsed.n_skipped += 1
        return
    item = item_of(place, task.get("data"), parsed)
    if item is None:
        return
    if not person:
        parsed.problems.append(f"{place}: doesn't say who wrote it (completed_by)")
        return
    answers = _answers(annotation.get("result"))
    parsed.reviews.append(ParsedReview(place, item[0], item[1], person, answers))


def _names(completed_by: Any) -> Iterable[str]:
    """Yield how an annotator may be named: exports have an id, or an object with a mail address."""
    if isinstance(completed_by, dict):
        told = (completed_by.get("email"), completed_by.get("username"), completed_by.get("id"))
    else:
        told = (completed_by, None, None)
    yield from (str(one) for one in told if one not in {None, ""})


def _answers(result: Any) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for region in result if isinstance(result, list) else []:
        name = region.get("from_name") if isinstance(region, dict) else None
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict):
            continue
        if name in _ONE_OF and (chosen := _texts(value.get("choices"))):
            answers[name] = chosen[0]
        elif name in SCORES:
            answers[name] = value.get("rating")
        elif name in _TEXTS:
            answers[name] = "\n".join(_texts(value.get("text")))
    return answers


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
