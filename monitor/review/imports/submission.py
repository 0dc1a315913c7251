"""Reviews from elsewhere go through the workflow: reserved, submitted, settled, and audited.

So what holds for the page holds for them: two different people an item, blind to each other by
what the exported tasks show, a verdict that holds together, and nobody's review changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.review.imports.parsed_reviews import ParsedReview, ParsedReviews
from monitor.review.items.blind_review import submit_review
from monitor.review.items.verdicts import SCORES, ReviewInput, check_judgement
from monitor.store.accounts.users import UserRow, task_types_of, user_by_name
from monitor.store.review.assignments import claim_slot
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import ReviewRow, reviews_of
from monitor.store.traffic.exchanges import exchange_by_id

#: How long the place is held between reserving and submitting: one transaction.
MOMENT = timedelta(minutes=1)


@dataclass(frozen=True)
class ImportCounts:
    """How many reviews were written, and how many were here already."""

    n_written: int
    n_known: int


def import_reviews(
    connection: Connection,
    parsed: ParsedReviews,
    people: Mapping[str, str],
    now: datetime,
    *,
    audit_share: float = 0.0,
) -> ImportCounts:
    """Write all reviews of a file, or none.

    Args:
        connection: A transaction that is rolled back on errors.
        parsed: The reviews of a file.
        people: Name in the tool -> name here; names that are the same needn't be in it.
        now: When they count as submitted.
        audit_share: Probability with which an agreement is drawn for an audit.

    Raises:
        InputError: Something doesn't fit; the message has a line for each problem.
    """
    problems = list(parsed.problems)
    n_written = 0
    # In the order of the items, so that two imports at once lock them in the same order.
    for review in sorted(parsed.reviews, key=lambda one: one.item_id):
        try:
            # What a review wrote before it was refused must not count for the next.
            with connection.begin_nested():
                n_written += _import(connection, review, people, now, audit_share)
        except (WorkflowError, InputError) as error:
            problems.append(f"{review.place}: {error}")
    if problems:
        raise InputError("nothing was imported:\n" + "\n".join(problems))
    return ImportCounts(n_written, len(parsed.reviews) - n_written)


def _import(
    connection: Connection,
    parsed: ParsedReview,
    people: Mapping[str, str],
    now: datetime,
    audit_share: float,
) -> bool:
    """Write a review; false where it is here already."""
    person = _person(connection, parsed, people)
    item = _item(connection, parsed)
    told = _review_input(parsed)
    known = [row for row in reviews_of(connection, [item.id]) if row.reviewer_id == person.id]
    if known:
        response = exchange_by_id(connection, item.exchange_id).response
        if not _is_equal(known[0], check_judgement(told, response)):
            raise WorkflowError(
                f"{person.name} has reviewed item {item.id} with other answers; "
                "a review never changes"
            )
        return False
    _reserve(connection, item, person, now)
    submit_review(connection, item.id, person, told, now, audit_share=audit_share)
    return True


def _person(connection: Connection, parsed: ParsedReview, people: Mapping[str, str]) -> UserRow:
    names = [people[one] for one in parsed.person if one in people] or list(parsed.person)
    for name in names:
        person = user_by_name(connection, name)
        if person is not None and person.active:
            return person
    said = " or ".join(repr(one) for one in parsed.person) or "nobody"
    raise InputError(
        f"{said} is none of the reviewers; name them in --reviewer-map, or add them with "
        "`driftwarden accounts add`"
    )


def _item(connection: Connection, parsed: ParsedReview) -> ItemRow:
    unknown = NotFoundError(
        f"there is no item {parsed.item_id} of the exchange {parsed.exchange_id!r}; was it exported "
        "from another database?"
    )
    try:
        item = item_by_id(connection, parsed.item_id, lock=True)
        exchange = exchange_by_id(connection, item.exchange_id)
    except NotFoundError:
        raise unknown from None
    if exchange.exchange_id != parsed.exchange_id:
        raise unknown
    return item


def _review_input(parsed: ParsedReview) -> ReviewInput:
    missing = [name for name in ("verdict", *SCORES) if parsed.answers.get(name) is None]
    if missing:
        raise InputError(f"incomplete: {', '.join(missing)} isn't answered")
    answered = {name: value for name, value in parsed.answers.items() if value is not None}
    try:
        return msgspec.convert(answered, ReviewInput)
    except msgspec.ValidationError as error:
        raise InputError(f"not an answer: {error}") from None


def _reserve(connection: Connection, item: ItemRow, person: UserRow, now: datetime) -> None:
    """Give a person their place at the item, as a claim on the page does."""
    own = task_types_of(connection, person.id)
    if own and item.task_type not in own:
        raise WorkflowError(f"{person.name} doesn't review the task type {item.task_type!r}")
    if not claim_slot(connection, item.id, person.id, now=now, until=now + MOMENT):
        raise WorkflowError(
            f"item {item.id} has no place left for {person.name}: it is decided, or two others "
            "have reviewed it or are at it, or it was declined"
        )


def _is_equal(known: ReviewRow, told: ReviewInput) -> bool:
    names = (*SCORES, "verdict", "error_kind", "answerable", "corrected_response", "comment")
    return all(getattr(known, name) == getattr(told, name) for name in names)
