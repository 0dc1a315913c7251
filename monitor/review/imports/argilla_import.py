"""Reviews from records that Argilla exports (``dataset.records.to_json``)."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from monitor.review.imports.parsed_reviews import (
    ParsedReview,
    ParsedReviews,
    find_item,
    read_array,
)
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, SCORE_TITLES

_QUESTIONS = {*(choice.name for choice in CHOICES), *SCORE_TITLES, CORRECTED[0], COMMENT[0]}


def read_argilla(path: Path) -> ParsedReviews:
    """Return the reviews of exported records.

    Argilla exports drafts like submitted responses: export the submitted ones only. Drafts and
    discarded responses are skipped where the export has their status.

    Raises:
        InputError: The file can't be read, or is no such export.
    """
    parsed = ParsedReviews()
    for number, record in enumerate(read_array(path), start=1):
        place = f"record {record.get('id', number)}"
        responses = record.get("responses")
        by_annotator: dict[str, dict[str, Any]] = defaultdict(dict)
        skipped: set[str] = set()
        for name, entries in responses.items() if isinstance(responses, dict) else ():
            for entry in entries if isinstance(entries, list) and name in _QUESTIONS else ():
                annotator = str(entry.get("user_id") or "")
                by_annotator[annotator][name] = entry.get("value")
                if entry.get("status") not in {None, "submitted"}:
                    skipped.add(annotator)
        parsed.n_skipped += len(skipped)
        submitted = {
            annotator: values
            for annotator, values in by_annotator.items()
            if annotator not in skipped
        }
        item = find_item(place, record.get("metadata"), parsed) if submitted else None
        if item is None:
            continue
        for annotator, values in submitted.items():
            names = (annotator,) if annotator else ()
            parsed.reviews.append(
                ParsedReview(f"{place}, user {annotator}", item[0], item[1], names, values)
            )
    return parsed
