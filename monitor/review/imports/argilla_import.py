"""Responses in the records that Argilla exports (``dataset.records.to_json``)."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from monitor.review.imports.parsed_reviews import ParsedReview, ParsedReviews, item_of, read_array
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, SCORES

_QUESTIONS = {*(choice.name for choice in CHOICES), *SCORES, CORRECTED[0], COMMENT[0]}


def read_argilla(path: Path) -> ParsedReviews:
    """Return the reviews of exported records.

    Argilla writes the answers of drafts like those that were submitted: export the submitted ones
    only. Where a status is there, drafts and discarded responses are left out.

    Raises:
        InputError: The file can't be read, or is something else.
    """
    parsed = ParsedReviews()
    for number, record in enumerate(read_array(path), start=1):
        place = f"record {record.get('id', number)}"
        responses = record.get("responses")
        by_person: dict[str, dict[str, Any]] = defaultdict(dict)
        skipped: set[str] = set()
        for name, told in responses.items() if isinstance(responses, dict) else ():
            for one in told if isinstance(told, list) and name in _QUESTIONS else ():
                person = str(one.get("user_id") or "")
                by_person[person][name] = one.get("value")
                if one.get("status") not in {None, "submitted"}:
                    skipped.add(person)
        parsed.n_skipped += len(skipped)
        wanted = {person: told for person, told in by_person.items() if person not in skipped}
        item = item_of(place, record.get("metadata"), parsed) if wanted else None
        if item is None:
            continue
        for person, answers in wanted.items():
            told_by = (person,) if person else ()
            parsed.reviews.append(
                ParsedReview(f"{place}, user {person}", item[0], item[1], told_by, answers)
            )
    return parsed
